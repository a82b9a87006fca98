"""Compose files: rendered from templates, linted, addressed by their content."""
