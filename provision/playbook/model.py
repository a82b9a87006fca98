"""What a playbook says. Nothing here is rendered: strings may still be templates.

Names are Ansible's. ``Flag`` and ``Number`` are what Ansible allows to be a template.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provision.errors import Location

Flag = bool | str
Number = int | float | str


@dataclass(frozen=True, kw_only=True)
class LoopControl:
    """How a ``loop`` names things: its item, its index (from 0), and the item in the output."""

    loop_var: str = "item"
    index_var: str | None = None
    label: object = None


@dataclass(frozen=True, kw_only=True)
class TaskEntry:
    """One task or handler.

    Args:
        name: what the output calls it; the action where the playbook gives no name.
        action: the module's or Python task's short name.
        parameters: by the module's own names, aliases resolved; ``args`` merged in.
        when: ``when``, ``changed_when``, ``failed_when`` and ``until`` are conditions: True, False,
            an expression, or a list of them; None where they are not given.
        loop: a list or a template of one; None where the task runs once.
        notify: names of handlers, each defined in the play unless it is a template.
        listen: of a handler: further names that it answers to.
        become: None inherits from the play.
        retries: how often it is tried again at most, ``delay`` seconds apart, until ``until`` holds
            or else until it does not fail; None means 3 times where there is an ``until``.
        where: the task's place in the file.

    """

    name: str
    action: str
    parameters: Mapping[str, object]
    where: Location
    when: object = None
    loop: object = None
    loop_control: LoopControl = LoopControl()
    register: str | None = None
    notify: tuple[str, ...] = ()
    listen: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    become: Flag | None = None
    become_user: str | None = None
    vars: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, object] = field(default_factory=dict)
    changed_when: object = None
    failed_when: object = None
    ignore_errors: Flag = False
    no_log: Flag = False
    until: object = None
    retries: Number | None = None
    delay: Number = 5
    run_once: Flag = False
    check_mode: Flag | None = None


@dataclass(frozen=True, kw_only=True)
class Play:
    """Tasks for some hosts.

    Args:
        hosts: a host pattern.
        serial: batch sizes: numbers of hosts, or ``"30%"``; the last repeats. Empty: all at once.
        become: None leaves it to the inventory and the command line.
        vars_files: paths, relative to the playbook's directory; see ``load_variables``.
        max_fail_percentage: None tolerates any number of failed hosts.
        where: the play's place in the file.

    """

    name: str
    hosts: str
    where: Location
    serial: tuple[int | str, ...] = ()
    become: Flag | None = None
    become_user: str | None = None
    vars: Mapping[str, object] = field(default_factory=dict)
    vars_files: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    gather_facts: Flag = True
    any_errors_fatal: Flag = False
    max_fail_percentage: Number | None = None
    environment: Mapping[str, object] = field(default_factory=dict)
    pre_tasks: tuple[TaskEntry, ...] = ()
    tasks: tuple[TaskEntry, ...] = ()
    post_tasks: tuple[TaskEntry, ...] = ()
    handlers: tuple[TaskEntry, ...] = ()
