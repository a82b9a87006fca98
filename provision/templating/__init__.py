"""Jinja2 as Ansible uses it: native types, Ansible's filters and tests, strict about undefined."""

from __future__ import annotations

from provision.templating.markers import OMIT
from provision.templating.templater import Templater, unrendered

__all__ = ["OMIT", "Templater", "unrendered"]
