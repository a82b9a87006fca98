"""The roles of the stack, and which of them a host has."""

from __future__ import annotations

from collections.abc import Iterable

EVERY_HOST = "host"
"""The role without a group: the exporters that each machine runs."""

ROLES = (
    EVERY_HOST,
    "monitoring",
    "experience_buffer",
    "game_server",
    "model_server",
    "trainer",
    "agent_pool",
)
"""In the order of a rollout: who is asked comes before who asks."""


def roles_of(group_names: Iterable[str]) -> tuple[str, ...]:
    """Return the roles of a host in these groups, in the order of a rollout."""
    groups = {EVERY_HOST, *group_names}
    return tuple(role for role in ROLES if role in groups)
