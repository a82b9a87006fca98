"""The pytest fixtures of tests that run on hosts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from testinfra.host import Host

from provision.verify.node import Node

NODES = pytest.StashKey[Mapping[str, Node]]()


@pytest.fixture(scope="module")
def node(request: pytest.FixtureRequest) -> Node:
    """The host: what is declared of it, and what it answered before the tests."""
    param: Node = request.param
    return param


@pytest.fixture(scope="module")
def host(node: Node) -> Host:
    """The host with all of testinfra's modules; commands run as root."""
    return node.host


@pytest.fixture(scope="session")
def nodes(request: pytest.FixtureRequest) -> Mapping[str, Node]:
    """All hosts by name, for what has to hold between them."""
    return request.config.stash[NODES]
