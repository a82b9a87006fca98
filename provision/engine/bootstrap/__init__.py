"""Hosts that no inventory knows yet, from the first contact until one does."""
