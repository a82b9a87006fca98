"""The Fabric tasks: typed functions that say what a prepared host is."""
