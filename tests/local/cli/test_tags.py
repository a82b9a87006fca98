"""``--tags`` and ``--skip-tags`` choose what Ansible's own code chooses."""

from __future__ import annotations

from itertools import combinations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play

from provision.engine.options import RunOptions

WORDS = ("web", "always", "never", "all", "tagged", "untagged")
ENTRIES = [(), ("web",), ("db",), ("always",), ("never",), ("never", "web"), ("always", "web")]
CHOICES = [choice for size in (0, 1, 2) for choice in combinations(WORDS, size)]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: ",".join(entry) or "none")
def test_as_ansible(entry: tuple[str, ...]) -> None:
    data = {"hosts": "all", "tasks": [{"debug": {}, "tags": list(entry)}]}
    (block,) = Play.load(data, loader=DataLoader()).get_tasks()
    (task,) = block
    for only in CHOICES:
        for skip in CHOICES:
            # the command line adds "all" where no tag is chosen
            theirs = task.evaluate_tags(list(only or ("all",)), list(skip), {})
            ours = RunOptions(tags=frozenset(only), skip_tags=frozenset(skip))
            assert ours.wants(frozenset(entry)) == theirs, (only, skip)
