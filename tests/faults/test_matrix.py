"""The fault matrix: every fault in every phase of a deploy, see ``matrix.yml``."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from .broken import Broken, until
from .cells import Cell, every, selected
from .conftest import Stand
from .running import Ended, Event, Running

pytestmark = pytest.mark.integration

_IN_TIME = 90  # seconds for a run, whatever is broken
_OF_SERVICE = {"crash-looping", "never-healthy"}  # one of its versions: the test says which
_BEFORE = {  # in force from the start, where the phase is connect
    *_OF_SERVICE,
    "clock-off",
    "cut",
    "disk-full",
    "dpkg-locked",
    "frozen",
    "image-corrupt",
    "registry-down",
    "sshd-killed",
}
_ALONE = {"controller-killed", "cut", "sshd-killed"}  # the agent goes on, and nobody listens
_ENDED = {"frozen", "rebooted"}  # nothing goes on that could be let go
_LOSING = {"agent-killed", "cut", "sshd-killed", *_ENDED}  # the connection
_FAILING = {*_ALONE, *_ENDED, *_OF_SERVICE, "agent-killed"}  # others leave it to become well
_SERVES = {0: "new", 3: "old"}  # where either may: what the exit code promises
_SWITCH = "service: compose_project generals-host"


def _task(kind: str, task: str) -> Callable[[Event], bool]:
    return lambda event: event["event"] == kind and event.get("task", "").endswith(task)


def _phase(name: str) -> Callable[[Event], bool]:
    return lambda event: event["event"] == "phase_started" and event["phase"] == name


# What shows that a phase is being worked on.
_SHOWS: dict[str, Callable[[Event], bool]] = {
    "connect": _phase("preflight"),
    "prepare": _task("task_started", "package"),
    "pull": _phase("pull"),
    "switch": _task("task_started", _SWITCH),
    "gate": _task("task_progress", _SWITCH),
    "verify": _phase("verify"),
    "rollback": _phase("undo host"),
}


@pytest.mark.parametrize("cell", selected(), ids=str)
def test_cell(stand: Stand, cell: Cell) -> None:
    """It ends as it should, leaves the host well, and a rerun completes it."""
    old, new = stand.version, stand.other
    try:
        _break(stand, cell, old, new)
        _rerun(stand, new)
    except BaseException:
        stand.begin_anew()
        raise


def _break(stand: Stand, cell: Cell, old: str, new: str) -> None:
    host = stand.host
    _prepare(stand, cell, old, new)
    with stand.start(new) as running:
        if not _is_before(cell):
            _wait_for_phase(host, running, cell)
            _hit(host, running, cell, new if cell.phase == "verify" else old)
        _let_go(host, cell, new)
        ended = running.wait(_IN_TIME)
    if cell.serves != "none":
        _wait_for_service(host, cell, {"old": old, "new": new}, ended)
    host.heal()
    assert ended.code in cell.exit, ended.told
    assert re.search(cell.says, ended.text), ended.told
    until(host.is_left_alone, "an agent is still at work, or has the lock")
    assert not host.torn(), host.torn()
    if cell.phase == "prepare" and cell.fault in _ALONE:
        left = host.sh("dpkg-query -W slow-package 2> /dev/null")
        assert not left, "the package was not finished by the agent that was left alone"


def _prepare(stand: Stand, cell: Cell, old: str, new: str) -> None:
    """Close the gate that the run is to wait at, and have what the fault needs."""
    host = stand.host
    host.sh(f"docker rmi {stand.images[new]}")
    if cell.phase == "prepare":
        host.install_slow_package()
        host.hold("hold-prepare" if cell.fault == "dpkg-locked" else "hold-dpkg")
    if cell.phase == "switch":
        host.hold(f"ill-{new}")
    if cell.phase == "gate":
        host.hold(f"crash-{new}" if cell.fault == "crash-looping" else f"ill-{new}")
    if cell.phase == "rollback":
        host.hold(f"crash-{new}")
    if cell.fault == "clock-off":
        host.clock_movable()
    if _is_before(cell):
        _strike(host, cell, old)
        if cell.fault in _OF_SERVICE:
            until(lambda: not host.serving(), "nobody notices that the service is not well")
    elif cell.phase == "pull":
        host.registry_frozen()


def _is_before(cell: Cell) -> bool:
    """Tell whether a fault is there when the run begins."""
    if cell.phase == "pull":
        return cell.fault == "image-corrupt"
    return cell.phase == "connect" and cell.fault in _BEFORE


def _wait_for_phase(host: Broken, running: Running, cell: Cell) -> None:
    """Wait until the run is at what the fault is to hit."""
    if str(cell) == "dpkg-locked-prepare":  # while the package is removed it would be too late
        return running.until(_task("task_started", "hold"))
    running.until(_SHOWS[cell.phase])
    if cell.phase == "prepare":
        until(lambda: host.sh("pgrep -f '[s]low-package.prerm'"), "dpkg has not begun")
    elif cell.phase == "connect" and cell.fault in ("agent-killed", "rebooted"):
        host.await_agent()


def _hit(host: Broken, running: Running, cell: Cell, version: str) -> None:
    """Let the fault happen to a run that has come to the phase."""
    if cell.fault == "controller-killed":
        running.process.kill()
    elif cell.phase == "verify" and cell.fault in _LOSING:
        running.hold()  # it shall not have asked everything before the fault is there
        _strike(host, cell, version)
        running.let_go()
    else:
        _strike(host, cell, version)


def _strike(host: Broken, cell: Cell, version: str) -> None:
    """Let the fault happen; of the service, to the version that runs, or that is gone back to."""
    strike: Callable[..., None] = getattr(host, cell.fault.replace("-", "_"))
    if cell.fault not in _OF_SERVICE:
        strike()
    elif cell.phase != "gate":
        strike(version)


def _let_go(host: Broken, cell: Cell, new: str) -> None:
    """Open the gate again, so that the run ends as the fault lets it."""
    if cell.phase == "pull" and cell.fault not in ("registry-down", "image-corrupt"):
        host.registry_thawed()
    if cell.phase == "prepare" and cell.fault not in _ALONE | _ENDED:
        host.release("hold-*")
    if cell.phase == "gate" and cell.fault not in _FAILING:
        host.release("ill-*")
    if cell.phase == "switch" and cell.fault not in _FAILING - _OF_SERVICE:
        host.release(f"ill-{new}")


def _wait_for_service(host: Broken, cell: Cell, versions: dict[str, str], ended: Ended) -> None:
    """What served before serves again, by itself, or what is new and well does."""
    if cell.fault == "frozen":
        host.lab.container("h1").unpause()
    serves = _SERVES.get(ended.code, "either") if cell.serves == "either" else cell.serves
    allowed = [versions[serves]] if serves in versions else list(versions.values())
    problem = f"{serves} should serve, one of {allowed}:\n{ended.told}"
    until(lambda: host.serving() in allowed, problem)


def _rerun(stand: Stand, new: str) -> None:
    again = stand.deploy(new)
    assert again.code == 0, again.told
    assert stand.host.fingerprint() == stand.undisturbed[new]


def test_every_cell_is_possible_or_says_why_not() -> None:
    for cell in every():
        assert cell.reason or (cell.exit and cell.serves), str(cell)
        known = cell.fault == "controller-killed"
        assert cell.reason or known or hasattr(Broken, cell.fault.replace("-", "_")), str(cell)
