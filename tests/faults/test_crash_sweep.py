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

_SHARES = 4  # of all steps, so that they can be taken side by side
_FIRST, _STRIDE = (range(1, _SHARES + 1), _SHARES) if WHOLE else ((1,), 17)
_MOST = 1000  # steps; a deploy that has more of them never ends


@pytest.mark.parametrize("first", _FIRST)
def test_every_step(stand: Stand, first: int) -> None:
    """What serves is well, nobody keeps a lock, and a rerun completes what was begun."""
    step = first
    try:
        while _dies_at(stand, step):
            step += _STRIDE
            assert step < _MOST, "it never comes to its end"
    except BaseException:
        stand.begin_anew()
        raise
    assert step > 20, "these are not all"


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
    assert ended.code == 4, f"step {step}: {ended.told}"
    until(lambda: host.serving() in (old, new), f"step {step}: nothing serves\n{ended.told}")
    until(host.is_left_alone, f"step {step}: an agent is still at work")
    assert not host.torn(), f"step {step}: {host.torn()}"
    again = stand.deploy(new)
    assert again.code == 0, f"step {step}: {again.told}"
    assert host.fingerprint() == stand.undisturbed[new], f"step {step}"
    return True
