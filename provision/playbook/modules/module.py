"""What a module is, and the short words that the tables of modules are written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.playbook.parameters import Parameter

Parameters = dict[str, Any]
Declare = Callable[[Parameters], Declaration]


@dataclass(frozen=True)
class Module:
    """One module.

    Args:
        parameters: those of Ansible's parameters that we obey; others are refused.
        declare: makes a declaration of the parameters, which have their own names and types, and
            those that are null left out. None: the play itself does what the module says.

    """

    parameters: Mapping[str, Parameter]
    declare: Declare | None = None


def as_it_is(kind: str) -> Declare:
    """Declare the resource ``kind``, whose fields are the parameters."""
    return lambda parameters: load(kind)(**parameters)


def text(*aliases: str, required: bool = False) -> Parameter:
    """Return a parameter that is text."""
    return Parameter(required=required, aliases=aliases)


def path(*aliases: str, required: bool = False) -> Parameter:
    """Return a parameter that is a path on the host."""
    return Parameter(type="path", required=required, aliases=aliases)


def flag(*aliases: str) -> Parameter:
    """Return a parameter that is yes or no."""
    return Parameter(type="bool", aliases=aliases)


def whole(*aliases: str, required: bool = False) -> Parameter:
    """Return a parameter that is a whole number."""
    return Parameter(type="int", required=required, aliases=aliases)


def several(*aliases: str, required: bool = False) -> Parameter:
    """Return a parameter that is a list, or text with commas."""
    return Parameter(type="list", required=required, aliases=aliases)


def anything(*aliases: str, required: bool = False) -> Parameter:
    """Return a parameter of any type."""
    return Parameter(type="raw", required=required, aliases=aliases)


def one_of(*choices: str, required: bool = False) -> Parameter:
    """Return a parameter that is one of some words."""
    return Parameter(choices=choices, required=required)


FREE_TEXT = Parameter(free_form=True)
"""The parameter that the text of ``command: text`` stands for."""

PRESENT_OR_ABSENT = one_of("present", "absent")

OWNERSHIP = {"owner": text(), "group": text(), "mode": anything()}
"""The parameters of every module that writes files."""
