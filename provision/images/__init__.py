"""The images of a source tree: what they need, and how they are built."""
