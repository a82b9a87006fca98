"""The agent dies before and after every step of a deploy that changes the host, one by one.

Not by chance: steps are counted (``failpoint.py``), and each gets its turn. Every test run takes
a few of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from .broken import until
from .cells import WHOLE
from .conftest import Stand
from .running import Ended

pytestmark = pytest.mark.integration

_MOST = 1000  # steps; a deploy that has more of them never ends


def _shares(number: int, few: int) -> Iterable[tuple[int, int]]:
    """Return the first step of each share, and how far it is to the next: all, or every `few`th."""
    return [(first, number) for first in range(1, number + 1)] if WHOLE else [(1, few)]


@pytest.mark.parametrize(("first", "stride"), _shares(4, 17))
def test_every_step(stand: Stand, first: int, stride: int) -> None:
    """What serves is well, nobody keeps a lock, and a rerun completes what was begun."""
    step = first
    try:
        while _dies_at(stand, step):
            step += stride
            assert step < _MOST, "it never comes to its end"
    except BaseException:
        stand.begin_anew()
        raise
    assert step > 20, "these are not all"


def _dies_at(stand: Stand, step: int) -> bool:
    """Deploy with an agent that dies before this step; return whether it came to it."""
    old, new = stand.version, stand.other
    host = stand.host
    host.sh(f"docker rmi {stand.images[new]}")
    ended = _deploy_with_failpoint(stand, new, step)
    if ended.code == 0:
        stand.version = new
        return False
    assert ended.code == 4, f"step {step}: {ended.told}"
    until(lambda: host.serving() in (old, new), f"step {step}: nothing serves\n{ended.told}")
    _rerun(stand, new, step, stand.undisturbed[new])
    return True


@pytest.mark.parametrize(("first", "stride"), _shares(4, 31))
def test_every_step_of_a_first_deploy(stand: Stand, first: int, stride: int) -> None:
    """There is nothing to go back to: what is new serves, or nothing does that would be broken."""
    try:
        undisturbed = _first_deploy(stand)
        step = first
        while _dies_at_first(stand, step, undisturbed):
            step += stride
            assert step < _MOST, "it never comes to its end"
        assert step > 30, "these are not all"
    finally:
        stand.begin_anew()


def _first_deploy(stand: Stand) -> str:
    """Return what an undisturbed first deploy leaves."""
    stand.host.script("never-deployed")
    done = stand.deploy("a")
    assert done.code == 0, done.told
    return stand.host.fingerprint()


def _dies_at_first(stand: Stand, step: int, undisturbed: str) -> bool:
    host = stand.host
    host.script("never-deployed")
    host.sh(f"docker rmi {stand.images['a']}")
    ended = _deploy_with_failpoint(stand, "a", step)
    if ended.code == 0:
        return False
    assert ended.code == 4, f"step {step}: {ended.told}"
    until(lambda: not host.unwell(), f"step {step}: what is broken runs\n{ended.told}")
    _rerun(stand, "a", step, undisturbed)
    return True


def _deploy_with_failpoint(stand: Stand, version: str, step: int) -> Ended:
    stand.host.sh(f"echo {step} > /run/failpoint")
    with stand.start(version, "--failpoint") as running:
        return running.wait(90)


def _rerun(stand: Stand, version: str, step: int, undisturbed: str) -> None:
    """Look at what the killed agent has left, and complete it."""
    host = stand.host
    until(host.is_left_alone, f"step {step}: an agent is still at work")
    assert not host.torn(), f"step {step}: {host.torn()}"
    again = stand.deploy(version)
    assert again.code == 0, f"step {step}: {again.told}"
    assert host.fingerprint() == undisturbed, f"step {step}"
