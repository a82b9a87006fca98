"""Answers questions with Ansible's own code, each in a forked process.

Starting ``ansible-inventory`` takes 0.6 s, nearly all of it to load itself: here that is paid once.
Each line of the input is ``[what, arguments]``; each line of the output ``[failure, answer]``.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from typing import Any

from ansible.cli.inventory import InventoryCLI
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.splitter import parse_kv
from ansible.plugins.loader import init_plugin_loader, inventory_loader
from ansible.vars.manager import VariableManager

_MAGIC = (
    "inventory_hostname",
    "inventory_hostname_short",
    "inventory_dir",
    "inventory_file",
    "group_names",
    "groups",
)


def ansible_inventory(*arguments: str) -> None:
    """Be the program ``ansible-inventory``: print to standard output, and exit."""
    InventoryCLI.cli_executor(["ansible-inventory", *arguments])


def select(source: str, pairs: list[tuple[str, str | None]]) -> list[list[str]]:
    """Return the hosts that each pair of a pattern and a limit selects."""
    inventory = InventoryManager(DataLoader(), [source])
    answers = []
    for pattern, limit in pairs:
        inventory.subset(limit)
        answers.append([host.name for host in inventory.get_hosts(pattern)])
    return answers


def magic(source: str, host: str) -> dict[str, Any]:
    """Return Ansible's magic variables of a host."""
    loader = DataLoader()
    inventory = InventoryManager(loader, [source])
    variables = VariableManager(loader, inventory).get_vars(host=inventory.get_host(host))
    return {name: variables[name] for name in _MAGIC}


def pairs_of(texts: list[str]) -> list[dict[str, str]]:
    """Return what ``-e`` makes of each ``key=value`` text."""
    return [parse_kv(text) for text in texts]


_ANSWERS = {"select": select, "magic": magic, "pairs": pairs_of}


def _work(what: str, arguments: list[Any]) -> None:
    if what == "ansible-inventory":
        ansible_inventory(*arguments)
    json.dump(_ANSWERS[what](*arguments), sys.stdout, default=str)
    sys.stdout.flush()


def _child(what: str, arguments: list[Any], out: int, err: int) -> None:
    os.dup2(out, 1)
    os.dup2(err, 2)
    status = 1
    try:
        _work(what, arguments)
        status = 0
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _answer(what: str, arguments: list[Any]) -> tuple[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            _child(what, arguments, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        out.seek(0)
        err.seek(0)
        text, errors = out.read().decode(), err.read().decode()
    if status != 0:
        return errors or f"exit status {status}", None
    return "", text if what == "ansible-inventory" else json.loads(text)


init_plugin_loader([])
inventory_loader.get("yaml")  # finding the first plugin is half of what a child would do
for line in sys.stdin:
    print(json.dumps(_answer(*json.loads(line))), flush=True)
