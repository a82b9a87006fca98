"""What is made of a registry's refusals."""

from __future__ import annotations

import pytest

from provision.agent.registry_errors import may_pass, unreachable, why


@pytest.mark.parametrize(
    ("text", "is_tried_again"),
    [
        ('Get "https://reg.example.org/v2/": net/http: TLS handshake timeout', True),
        ("read tcp 10.0.0.2:4711->10.0.0.9:443: i/o timeout", True),
        ("dial tcp 10.0.0.9:443: connect: connection refused", False),
    ],
)
def test_a_registry_that_does_not_answer(text: str, is_tried_again: bool) -> None:
    assert may_pass(text) == is_tried_again
    assert unreachable(text)
    failure = why("pulling x", text, server="reg.example.org")
    assert (
        failure.message
        == "pulling x: the registry reg.example.org cannot be reached from this host"
    )
    assert failure.found == text


def test_what_trying_again_does_not_help() -> None:
    assert not may_pass("manifest for reg.example.org/redis:8 not found: manifest unknown")
