"""``--tags`` and ``--skip-tags``; all choices are held beside Ansible's in ``tests/local``."""

from __future__ import annotations

from provision.engine.options import RunOptions


def test_a_choice_runs_what_it_names() -> None:
    options = RunOptions(tags=frozenset({"web"}))
    assert options.wants(frozenset({"web", "never"}))
    assert not options.wants(frozenset({"db"}))
    assert not options.wants(frozenset())
    assert options.wants(frozenset({"always"}))
