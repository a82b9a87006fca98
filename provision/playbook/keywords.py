"""The words of a playbook that are not modules: those we know, and why others are refused."""

from __future__ import annotations

from dataclasses import fields

from provision.playbook.model import LoopControl, Play, TaskEntry

PLAY_KEYWORDS = frozenset(field.name for field in fields(Play)) - {"where"}
TASK_KEYWORDS = frozenset(field.name for field in fields(TaskEntry)) - {
    "action",
    "parameters",
    "where",
} | {"args"}
LOOP_CONTROL = frozenset(field.name for field in fields(LoopControl))

_INVENTORY = "set it for the hosts in the inventory"
_PYTHON = "write the logic as a Python task; see docs/playbooks.md"
_BECOME = "sudo is the only way to become another user; remove it"
_FLAT = "write the tasks here, in the order in which they run"
_LIFT = "put it on each task"

REFUSED_IN_PLAYBOOK = {
    "import_playbook": "give several playbooks on the command line, in order",
    "include": "give several playbooks on the command line, in order",
}

REFUSED_IN_PLAY = {
    "become_exe": _BECOME,
    "become_flags": _BECOME,
    "become_method": _BECOME,
    "check_mode": "use the option --check, or put it on each task",
    "collections": "name modules without a collection",
    "connection": f"{_INVENTORY}: ansible_connection",
    "debugger": "use -vv to see what each task is given",
    "diff": "use the option --diff",
    "fact_path": "facts come from the host itself; use set_fact for others",
    "force_handlers": "a host that failed remembers its handlers, and the next run runs them",
    "gather_subset": "all facts are gathered at once, cheaply; remove it",
    "gather_timeout": "all facts are gathered at once, cheaply; remove it",
    "ignore_errors": _LIFT,
    "ignore_unreachable": "an unreachable host is left out, others go on; remove it",
    "module_defaults": "put the parameters on each task",
    "no_log": _LIFT,
    "order": "hosts are taken in the inventory's order; remove it",
    "port": f"{_INVENTORY}: ansible_port",
    "remote_user": f"{_INVENTORY}: ansible_user",
    "roles": "write the role's tasks under `tasks`, or as a Python task",
    "run_once": _LIFT,
    "strategy": "hosts run independently of each other within a batch; remove it",
    "throttle": "use `serial`, or the option --forks",
    "timeout": "give the module's own timeout, if it has one",
    "user": f"{_INVENTORY}: ansible_user",
    "vars_prompt": "use the option -e NAME=VALUE, or an encrypted variable",
}

REFUSED_IN_TASK = {
    "action": "use the module's name as the key: `apt: {name: curl}`",
    "add_host": "list the host in the inventory",
    "always": _PYTHON,
    "any_errors_fatal": "put it on the play",
    "async": "long steps survive a lost connection anyway; remove it",
    "become_exe": _BECOME,
    "become_flags": _BECOME,
    "become_method": _BECOME,
    "block": "put `when`, `tags` and `become` on each task; for `rescue`, write a Python task",
    "collections": "name modules without a collection",
    "connection": f"{_INVENTORY}: ansible_connection",
    "debugger": "use -vv to see what each task is given",
    "delegate_facts": _PYTHON,
    "delegate_to": "write a play of its own for that host",
    "diff": "use the option --diff; `no_log` hides a task's diff",
    "group_by": "make the group in the inventory",
    "ignore_unreachable": "an unreachable host is left out, others go on; remove it",
    "import_role": _FLAT,
    "import_tasks": _FLAT,
    "include": _FLAT,
    "include_role": _FLAT,
    "include_tasks": _FLAT,
    "include_vars": "use `vars_files` of the play",
    "local_action": "write a play with `hosts: localhost`",
    "meta": "handlers run at the end of pre_tasks, tasks and post_tasks; split the tasks there",
    "module_defaults": "put the parameters on each task",
    "poll": "long steps survive a lost connection anyway; remove it",
    "port": f"{_INVENTORY}: ansible_port",
    "remote_user": f"{_INVENTORY}: ansible_user",
    "rescue": _PYTHON,
    "role": _FLAT,
    "sudo": "use `become: true`",
    "throttle": "use `serial` of the play, or the option --forks",
    "timeout": "give the module's own timeout, if it has one",
    "with_dict": 'use `loop: "{{ mapping | dict2items }}"`',
    "with_fileglob": "list the files: `loop: [a, b]`",
    "with_first_found": _PYTHON,
    "with_flattened": 'use `loop: "{{ lists | flatten }}"`',
    "with_indexed_items": "use `loop` and `loop_control: {index_var: NAME}`",
    "with_items": "use `loop`",
    "with_list": "use `loop`",
    "with_nested": 'use `loop: "{{ one | product(other) }}"`',
    "with_sequence": 'use `loop: "{{ range(1, 4) | list }}"`',
    "with_subelements": "use `loop: \"{{ items | subelements('key') }}\"`",
    "with_together": 'use `loop: "{{ one | zip(other) }}"`',
}

COLLECTIONS = ("ansible.builtin", "ansible.legacy", "ansible.posix", "community.general")
"""Prefixes that a module's name may have; the modules of that name are ours."""
