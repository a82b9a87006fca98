"""Services as their clients see them: health is asked from the hosts that need it."""

from __future__ import annotations

import pytest

from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.questions import Questions

# What a client is given to reach others by: gRPC addresses, separated by commas.
_VARIABLES = ("GAME_SERVER", "EXPERIENCE_BUFFER", "MODEL_SERVER")


def questions(node: Node) -> Questions:
    """Return the servers that the host's services are told to use."""
    places = [place for name in _VARIABLES for place in _places(node, name)]
    return Questions(grpc=tuple(places))


def _places(node: Node, variable: str) -> list[str]:
    found = []
    for service in node.services:
        environment = service.spec.get("environment")
        value = environment.get(variable) if isinstance(environment, dict) else None
        found += [place.strip() for place in str(value or "").split(",") if place.strip()]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("variable", _VARIABLES)
def test_grpc(node: Node, variable: str) -> None:
    """Every gRPC server that its services use answers SERVING"""
    places = _places(node, variable)
    if not places:
        pytest.skip(f"nothing on it uses {variable}")
    seen = {place: node.health(place) for place in places}
    demand(
        f"gRPC health SERVING from {', '.join(places)}, asked from {node.name}",
        found=[f"{place}: {answer}" for place, answer in seen.items() if answer != "SERVING"],
        todo="See the service's own host, then firewalls and `private_address` between the two",
    )
