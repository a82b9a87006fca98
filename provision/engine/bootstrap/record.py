"""What is left of a bootstrap: lines of an inventory, shown or written."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from provision.engine.bootstrap.inventory import Newcomers, edited, with_findings, write
from provision.inventory.insertion import Entry, lines_of
from provision.source import read_text

if TYPE_CHECKING:
    from provision.engine.run import Run


def record(run: Run, newcomers: Newcomers, facts: Mapping[str, Mapping[str, Any]]) -> bool:
    """Write the hosts that came through to the inventory file, or show the lines.

    Args:
        run: is told, in its notes, what was done and what to do next.
        newcomers: the hosts.
        facts: of those that a login was made on.

    Returns:
        Whether there is something to write that ``--check`` has left undone.

    """
    known = newcomers.known()
    entries = [
        with_findings(entry, newcomers.targets[name], facts.get(name), known.variables(name))
        for name in newcomers.targets
        if not run.is_out(name)
        for entry in [newcomers.entry(name, known)]
    ]
    if not entries:
        return False
    is_pending = _written(run, newcomers, entries) if newcomers.file else _shown(run, entries)
    if newcomers.roles and not run.options.check:
        file = newcomers.file or "INVENTORY"
        limit = ",".join(entry.name for entry in entries)
        run.notes.append(f"next       provision deploy -i {file} --limit {limit}")
    return is_pending


def _shown(run: Run, entries: Sequence[Entry]) -> bool:
    run.notes.append("inventory  add these lines to yours, or run it again with --write FILE:")
    run.notes.append("\n".join(f"  {line}" for line in lines_of(entries)))
    return False


def _written(run: Run, newcomers: Newcomers, entries: Sequence[Entry]) -> bool:
    file = newcomers.file
    assert file is not None  # noqa: S101 - the caller has looked
    text = edited(file, entries)
    if text is None:
        run.notes.append(f"inventory  {file} has {_names(entries)} already")
        return False
    verb = "would get" if run.options.check else "has got"
    before = read_text(file).splitlines() if file.exists() else []
    diff = difflib.ndiff(before, text.splitlines())
    added = [f"  {line[2:]}" for line in diff if line.startswith("+ ")]
    run.notes.append(f"inventory  {file} {verb}:")
    run.notes.append("\n".join(added))
    if not run.options.check:
        write(file, text)
    return run.options.check


def _names(entries: Sequence[Entry]) -> str:
    return ", ".join(entry.name for entry in entries)
