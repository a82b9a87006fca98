"""Playbooks: Ansible's YAML, the subset that we run, as typed objects."""

from __future__ import annotations

from provision.playbook.loader import load_playbook, load_variables
from provision.playbook.model import LoopControl, Play, TaskEntry
from provision.playbook.parameters import ModuleCatalog, Parameter, parameters_of

__all__ = [
    "LoopControl",
    "ModuleCatalog",
    "Parameter",
    "Play",
    "TaskEntry",
    "load_playbook",
    "load_variables",
    "parameters_of",
]
