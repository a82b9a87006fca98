"""Which modules travel with a resource."""

from __future__ import annotations

from pathlib import Path

import provision.agent
from provision.transport.modules import needed_by


def test_a_resource_that_stands_for_others_brings_their_modules() -> None:
    kinds = {f"provision.agent.resources.{name}" for name in ("apt", "dnf")}
    assert kinds <= needed_by("provision.agent.resources.package")


def test_only_the_session_loads_kinds_by_name() -> None:
    """What is imported by a computed name would not be found here, and not be sent."""
    users = [
        path.name
        for path in Path(provision.agent.__file__).parent.rglob("*.py")
        if "resources import load" in path.read_text(encoding="utf-8")
    ]
    assert users == ["session.py"]
