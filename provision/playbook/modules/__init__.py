"""Ansible's modules: their parameters, and the declarations that they stand for."""

from __future__ import annotations

from provision.playbook.modules.modes import mode_of
from provision.playbook.modules.table import MODULES, Catalog, build, converted

__all__ = ["MODULES", "Catalog", "build", "converted", "mode_of"]
