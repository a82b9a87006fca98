"""Gives tests their hosts: pytest fixtures ``host``, ``node``, ``nodes`` and ``role``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from provision.errors import UsageError, did_you_mean
from provision.verify.node import Node
from provision.verify.questions import Questions
from provision.verify.target import Target

if TYPE_CHECKING:
    from testinfra.host import Host

_ONLY = "testinfra_hosts"  # a module's hosts and groups, as testinfra calls them
_ASKING = "questions"


class HostFixtures:
    """Runs every test that takes ``host`` or ``node`` once on each host that it is about.

    Args:
        targets: the hosts.
        parallel: how many are asked at the same time.

    """

    def __init__(self, targets: Sequence[Target], parallel: int) -> None:
        self.all = {target.name: Node(target) for target in targets}
        self._groups = {group for target in targets for group in target.groups}
        self._pool = ThreadPoolExecutor(min(parallel, max(len(targets), 1)), "verify")

    @pytest.fixture(scope="module")
    def node(self, request: pytest.FixtureRequest) -> Node:
        """The host: what is declared of it, and what it answered."""
        node: Node = request.param
        return node

    @pytest.fixture(scope="module")
    def host(self, node: Node) -> Host:
        """The host, with all of testinfra's modules; commands run as root."""
        return node.host

    @pytest.fixture(scope="session")
    def nodes(self) -> Mapping[str, Node]:
        """All hosts by name, for what has to hold between them."""
        return self.all

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
        return [node for node in self.all.values() if wanted & {node.name, *node.groups}]

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what is about no host here, and let the hosts answer while pytest goes on."""
        items[:] = [item for item in items if _is_about_something(item)]
        asking: dict[str, dict[str, ModuleType]] = {}
        for item in items:
            module = getattr(item, "module", None)
            if (node := node_of(item)) is not None and module is not None:
                asking.setdefault(node.name, {})[module.__name__] = module
        for name, modules in asking.items():
            self.all[name].begin(self._pool, _gatherer(modules.values()))

    def pytest_unconfigure(self) -> None:
        """Stop asking."""
        self._pool.shutdown(cancel_futures=True)


def _gatherer(modules: Any) -> Any:
    parts = [getattr(module, _ASKING) for module in modules if hasattr(module, _ASKING)]

    def gather(node: Node) -> Questions:
        return Questions.together(part(node) for part in parts)

    return gather


def node_of(item: pytest.Item) -> Node | None:
    """Return the host that a test is about."""
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get("node") if callspec is not None else None
    return found if isinstance(found, Node) else None


def _is_about_something(item: pytest.Item) -> bool:
    """Tell a test from what pytest makes of one that no host is left for."""
    callspec = getattr(item, "callspec", None)
    return callspec is None or "node" not in callspec.params or node_of(item) is not None


def suite_of(item: pytest.Item) -> str:
    """Return a test's subject: its role, or the file's name without ``test_``."""
    callspec = getattr(item, "callspec", None)
    role = callspec.params.get("role") if callspec is not None else None
    return str(role) if role else item.path.stem.removeprefix("test_").removesuffix("_test")


def sentence_of(item: pytest.Item) -> str:
    """Return what a test says of a host: the first line of its docstring, else its name."""
    text = (getattr(getattr(item, "obj", None), "__doc__", None) or "").strip().partition("\n")[0]
    named = text.rstrip(".") or item.originalname.removeprefix("test_").replace("_", " ")  # type: ignore[attr-defined]
    others = {
        name: value
        for name, value in getattr(getattr(item, "callspec", None), "params", {}).items()
        if name not in {"node", "role"}
    }
    return f"{named} [{', '.join(map(str, others.values()))}]" if others else named


def tags_of(item: pytest.Item) -> set[str]:
    """Return what ``--tags`` may call a test: its subject, its file's, and its marks."""
    stem = item.path.stem.removeprefix("test_").removesuffix("_test")
    return {suite_of(item), stem, *(mark.name for mark in item.iter_markers())} - {"parametrize"}


def choose(items: list[pytest.Item], tags: frozenset[str]) -> list[pytest.Item]:
    """Return the tests that have one of the tags; a tag that no test has is an error."""
    if not tags:
        return items
    known = {tag for item in items for tag in tags_of(item)}
    for tag in sorted(tags - known):
        hint = did_you_mean(tag, known) or f"there are: {', '.join(sorted(known))}"
        raise UsageError(f"no check of these hosts is tagged {tag!r}", hint=hint)
    return [item for item in items if tags_of(item) & tags]


def by_host(items: list[pytest.Item], order: Sequence[str]) -> Iterator[pytest.Item]:
    """Yield the tests host by host, those about no single host first."""
    places = {name: place for place, name in enumerate(order)}

    def place(item: pytest.Item) -> int:
        node = node_of(item)
        return -1 if node is None else places[node.name]

    yield from sorted(items, key=place)
