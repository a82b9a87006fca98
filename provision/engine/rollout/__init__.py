"""Releases onto hosts, and back: the deploy, its gates, and how it is undone."""
