"""The agent dies before and after every step of a deploy that changes the host, one by one.

Not by chance: steps are counted (``failpoint.py``), and each gets its turn. Every test run takes
each seventeenth of them.
"""

from __future__ import annotations

import pytest

from .broken import until
from .cells import WHOLE
from .conftest import Stand

pytestmark = pytest.mark.integration

_STRIDE = 1 if WHOLE else 17
_MOST = 1000  # steps; a deploy that has more of them never ends


def test_every_step(stand: Stand) -> None:
    """What serves is well, nobody keeps a lock, and a rerun completes what was begun."""
    killed = 0
    try:
        while _dies_at(stand, 1 + killed * _STRIDE):
            killed += 1
            assert killed < _MOST, "it never comes to its end"
    except BaseException:
        stand.begin_anew()
        raise
    assert killed * _STRIDE > 20, "these are not all"


def _dies_at(stand: Stand, step: int) -> bool:
    """Deploy with an agent that dies before this step; return whether it came to it."""
    old, new = stand.version, stand.other
    host = stand.host
    host.sh(f"docker rmi {stand.images[new]}; echo {step} > /run/failpoint")
    with stand.start(new, "--failpoint") as running:
        ended = running.wait(90)
    if ended.code == 0:
        stand.version = new
        return False
    assert ended.code == 4, f"step {step}: {ended.text}"
    until(lambda: host.serving() in (old, new), f"step {step}: nothing serves\n{ended.text}")
    until(host.is_left_alone, f"step {step}: an agent is still at work")
    again = stand.deploy(new)
    assert again.code == 0, f"step {step}: {again.text}"
    assert host.fingerprint() == stand.undisturbed[new], f"step {step}"
    return True
