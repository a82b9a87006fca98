"""Redis is for the buffer service alone."""

from __future__ import annotations

import pytest

from provision.agent.resources.survey import Survey
from provision.verify.container import Container
from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.questions import Questions

testinfra_hosts = ["experience_buffer"]

_PORT = 6379


def questions(node: Node) -> Questions:
    """Return what is asked of every host of the group."""
    return Questions(containers=True)


def _redis(node: Node) -> list[Container]:
    found = [
        container
        for service in node.services
        if service.name == "redis"
        for container in node.containers_of(service)
    ]
    if not found:
        pytest.skip("no Redis of the stack's runs here")
    return found


def test_redis_published(node: Node) -> None:
    """Redis cannot be reached from outside its host."""
    found = []
    for container in _redis(node):
        found += [f"{container.name} publishes {ip}:{port}" for ip, port in container.published]
        if container.host_config.get("NetworkMode") == "host":
            found.append(f"{container.name} is on the host's network")
    demand(
        "a Redis that only the buffer service reaches, over a network of their own",
        found=found,
        todo="Remove `ports` and `network_mode` from its service",
    )


def test_redis_password(node: Node) -> None:
    """Redis refuses who does not know the password."""
    found = []
    for container in _redis(node):
        places = [f"{address}:{_PORT}" for address in container.addresses]
        answers = node.ask(Survey(tcp=dict.fromkeys(places, "KEYS *\r\n"), timeout=3))["tcp"]
        for place, answer in answers.items():
            said = answer.get("reply") or f"nothing ({answer.get('error', 'it hung up')})"
            if not said.startswith(("-NOAUTH", "-NOPERM")):
                found.append(f"{container.name} at {place} answers {said.strip()[:80]!r}")
    demand(
        "NOAUTH from Redis to a command without a password",
        found=found,
        todo="Set `redis_password` in the inventory and deploy; `docker restart` it if somebody"
        " changed it at run time",
    )
