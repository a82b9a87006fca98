"""The pytest plugin: ``pytest --provision-inventory prod.yml tests/verify``.

It gives tests the same ``host`` as ``provision verify`` does, over the same connections. Without
the option it does nothing, and testinfra's own ``host`` stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from provision.engine.run import Run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("provision")
    group.addoption(
        "--provision-inventory",
        action="append",
        metavar="SOURCE",
        help="run tests that take `host` on the hosts of this inventory; may be repeated",
    )
    group.addoption("--provision-limit", metavar="PATTERN", help="only on these hosts")


def pytest_configure(config: pytest.Config) -> None:
    """Read the inventory; hosts are connected to when the first test is about to run."""
    from provision.errors import ProvisionError

    sources = config.getoption("--provision-inventory")
    if not sources:
        return
    try:
        _register(config, sources, config.getoption("--provision-limit"))
    except ProvisionError as error:
        raise pytest.UsageError(str(error)) from None


def _register(config: pytest.Config, sources: list[str], limit: str | None) -> None:
    from provision.engine.events import EventBus
    from provision.engine.options import RunOptions
    from provision.engine.rollout.checking import target_of
    from provision.engine.run import Run
    from provision.inventory.inventory import Inventory
    from provision.inventory.vault import read_vault_password
    from provision.verify.hosts import Hosts

    inventory = Inventory.load(sources, vault_password=read_vault_password(None))
    hosts = [host.name for host in inventory.match("all", limit)]
    options = RunOptions(limit=limit)
    run = Run("pytest", inventory, options, EventBus(), hosts)
    targets = [target_of(run, name) for name in hosts]
    names = {*inventory.hosts, *inventory.groups}
    config.pluginmanager.register(Hosts(targets, names, options.forks), "provision-hosts")
    config.pluginmanager.register(_Connections(run), "provision-connections")


class _Connections:
    """Closes the connections at the end."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def pytest_unconfigure(self) -> None:
        """Close them."""
        self._run.fleet.close()
