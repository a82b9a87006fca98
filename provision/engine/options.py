"""How a run is to be done: what the command line says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_FORKS = 50


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Settings of one run.

    Args:
        check: only tell what would change.
        forks: how many hosts are worked on at the same time.
        limit: a host pattern that narrows every play's.
        tags, skip_tags: which entries of plays count.
        accept_new_host_keys: write unknown host keys down instead of refusing them.
        login_password, become_password: the passwords typed in, for every host that names none.
        ssh_user: the login for hosts that name none.
        lock_wait: seconds to wait for a host that another run is working on.
        push_images: hosts get their images from this machine's Docker, over their connections.
        no_reboot: hosts that wait for a reboot go on waiting.
        keep_roles: when a role fails, those before it stay on their new releases.
        extra_vars: of the command line.
        verbosity: from which level on ``debug`` speaks.

    """

    check: bool = False
    forks: int = DEFAULT_FORKS
    limit: str | None = None
    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()
    accept_new_host_keys: bool = False
    login_password: str | None = field(default=None, repr=False)
    become_password: str | None = field(default=None, repr=False)
    ssh_user: str | None = None
    lock_wait: float = 0
    push_images: bool = False
    no_reboot: bool = False
    keep_roles: bool = False
    extra_vars: Mapping[str, object] = field(default_factory=dict)
    verbosity: int = 0

    def wants(self, tags: frozenset[str]) -> bool:
        """Tell whether an entry with these tags is asked for, by Ansible's rules.

        ``all``, ``tagged`` and ``untagged`` speak of many entries; ``always`` and ``never`` are the
        entry's own wish.
        """
        broad = {"all", "tagged" if tags else "untagged"}
        if self._skips(tags, broad):
            return False
        asked = self.tags or {"all"}
        if "always" in tags or asked & tags:
            return True
        return bool(asked & broad) and "never" not in tags

    def _skips(self, tags: frozenset[str], broad: set[str]) -> bool:
        if "all" in self.skip_tags:
            return "always" not in tags or "always" in self.skip_tags
        return bool(self.skip_tags & (tags | broad))
