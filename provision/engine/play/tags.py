"""``--tags`` and ``--skip-tags`` held against the playbook that they choose from."""

from __future__ import annotations

from collections.abc import Iterable

from provision.engine.options import RunOptions
from provision.errors import UsageError, did_you_mean
from provision.playbook.model import Play
from provision.templating.markers import has_template

_SPECIAL = {"all", "always", "never", "tagged", "untagged"}


def refuse_unknown_tags(plays: Iterable[Play], options: RunOptions) -> None:
    """Refuse a tag that nothing has: what was meant would not run, or not be skipped.

    Raises:
        UsageError: naming the tag and the nearest one.

    """
    known = _tags_of(plays)
    if any(has_template(tag) for tag in known):
        return
    for option, tags in (("--tags", options.tags), ("--skip-tags", options.skip_tags)):
        for tag in sorted(tags - known - _SPECIAL):
            raise UsageError(
                f"{option}: nothing in the playbook is tagged {tag!r}",
                hint=did_you_mean(tag, known) or "the playbook has no tags",
            )


def _tags_of(plays: Iterable[Play]) -> set[str]:
    found: set[str] = set()
    for play in plays:
        found.update(play.tags)
        for task in (*play.pre_tasks, *play.tasks, *play.post_tasks, *play.handlers):
            found.update(task.tags)
    return found
