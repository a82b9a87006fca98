"""One hardened Fabric connection per host, and the agent's channel over it."""
