"""The pytest plugin that runs tests on hosts: those that take ``host`` or ``node``, on each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import pytest

from provision.errors import ProvisionError, UnreachableError, did_you_mean
from provision.stack.roles import ROLES
from provision.verify import fixtures
from provision.verify.demand import UnmetError
from provision.verify.items import is_about_something, node_of
from provision.verify.node import Node
from provision.verify.questions import Questions
from provision.verify.target import Target

_ONLY = "testinfra_hosts"  # a module's hosts and groups, as testinfra calls them
_ASKING = "questions"


class Hosts:
    """Gives every test the hosts that it is about, and asks them what its module wants to know.

    Args:
        targets: the hosts.
        names: hosts and groups that modules may say they are about, beside those of ``targets``.
        parallel: how many are asked at the same time.

    """

    def __init__(self, targets: Sequence[Target], names: Collection[str], parallel: int) -> None:
        self.all = {target.name: Node(target) for target in targets}
        self._names = {*ROLES, *names, *self.all, *(it for one in targets for it in one.groups)}
        self._pool = ThreadPoolExecutor(min(parallel, max(len(targets), 1)), "verify")

    def pytest_configure(self, config: pytest.Config) -> None:
        """Bring the fixtures along: late, so that our ``host`` wins over testinfra's."""
        config.addinivalue_line("markers", "gpu: is about GPUs, for --tags and -m")
        config.stash[fixtures.NODES] = self.all
        config.pluginmanager.register(fixtures)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test a host, or one a host and role."""
        if "node" not in metafunc.fixturenames:
            return
        nodes = self._about(metafunc.module)
        if "role" in metafunc.fixturenames:
            pairs = [(node, role) for node in nodes for role in node.roles]
            names = [f"{node.name}-{role}" for node, role in pairs]
            metafunc.parametrize(
                ("node", "role"), pairs, ids=names, indirect=["node"], scope="module"
            )
        else:
            names = [node.name for node in nodes]
            metafunc.parametrize("node", nodes, ids=names, indirect=True, scope="module")

    def _about(self, module: ModuleType) -> list[Node]:
        only = getattr(module, _ONLY, None)
        if only is None:
            return list(self.all.values())
        wanted = {only} if isinstance(only, str) else set(only)
        for name in sorted(wanted - self._names):
            hint = did_you_mean(name, self._names) or "it is no host or group of the inventory"
            pytest.fail(f"{_ONLY} names {name!r}: {hint}", pytrace=False)
        return [node for node in self.all.values() if wanted & {node.name, *node.groups}]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is about no host here."""
        items[:] = [item for item in items if is_about_something(item)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Let the hosts answer while pytest goes on."""
        option = session.config.option
        given_up = session.testsfailed and not option.continue_on_collection_errors
        if option.collectonly or given_up:
            return
        asking: dict[str, dict[str, ModuleType]] = {}
        for item in session.items:
            module = getattr(item, "module", None)
            if (node := node_of(item)) is not None and module is not None:
                asking.setdefault(node.name, {})[module.__name__] = module
        for name, modules in asking.items():
            self.all[name].begin(self._pool, _gatherer(modules.values()))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Ask nothing more of a host that was lost."""
        node = node_of(item)
        if node is not None and node.lost is not None:
            pytest.skip("the host was lost")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Notice when a host is lost; show what is said of it, and not where in our code."""
        node = node_of(item)
        error = call.excinfo.value if call.excinfo is not None else None
        if node is not None and isinstance(error, UnreachableError):
            node.lost = error
        report: pytest.TestReport = yield
        if call.excinfo is not None and isinstance(error, ProvisionError | UnmetError):
            report.longrepr = call.excinfo.getrepr(style="value", chain=False)
        return report

    def pytest_unconfigure(self) -> None:
        """Stop asking."""
        self._pool.shutdown(cancel_futures=True)


def _gatherer(modules: Iterable[ModuleType]) -> Callable[[Node], Questions]:
    parts = [getattr(module, _ASKING) for module in modules if hasattr(module, _ASKING)]

    def gather(node: Node) -> Questions:
        return Questions.together(part(node) for part in parts)

    return gather
