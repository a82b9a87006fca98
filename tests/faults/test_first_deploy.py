"""A first deploy that nobody is left to undo: there is nothing to go back to."""

from __future__ import annotations

import pytest

from .broken import until
from .cells import WHOLE
from .conftest import Stand

pytestmark = pytest.mark.integration


@pytest.mark.skipif(not WHOLE, reason="one of those that take their time")
def test_what_is_not_well_is_stopped(stand: Stand) -> None:
    """The connection is cut while it becomes no better: the host stops it, and keeps its logs."""
    host = stand.host
    try:
        host.script("never-deployed")
        host.hold("ill-a")
        with stand.start("a") as running:
            running.until(lambda event: event.get("label") == "services well")
            host.cut()
            ended = running.wait(90)
        assert ended.code == 4, ended.told
        until(lambda: not host.unwell(), "what is not well goes on")
        assert "a speaks" in host.sh(f"docker logs {host.names()}")
        host.heal()
        until(host.is_left_alone, "an agent is still at work")
        again = stand.deploy("a")
        assert again.code == 0, again.told
    finally:
        stand.begin_anew()
