"""A lab host that is broken in every way we know, and what it is made of afterwards."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from provision.lab import docker_api
from provision.lab.lab import Lab

if TYPE_CHECKING:
    from docker.models.containers import Container

NAME = "h1"
GATES = "/var/lib/generals/gates"
ROOT = "/opt/generals/host"
_AGENT = "pgrep -f '^[^ ]*python3.*stream.readline'"
_CUT = "-p tcp --{}port 22 -j DROP"
_SCRIPTS = Path(__file__).with_name("scripts")

_OURS = "--filter label=com.docker.compose.project=generals-host"
_CONTAINER = f"docker ps --quiet {_OURS}"
_SERVING = (
    f"{_CONTAINER} --filter health=healthy | xargs -r docker inspect -f"
    " '{{range .Config.Env}}{{println .}}{{end}}' | sed -n s/^VERSION=//p"
)
_IS_FREE = "[ ! -e /run/provision/lock ] || flock --nonblock /run/provision/lock true"


class Broken:
    """The host ``h1`` of a lab, reached around SSH; every fault has its undoing in ``heal``."""

    def __init__(self, lab: Lab, registry: str) -> None:
        self.lab = lab
        self._registry = registry  # the container's name

    def sh(self, script: str, *, timeout: float = 60) -> str:
        """Return what a shell script prints; its exit code does not count."""
        return self.lab.exec(NAME, ["/bin/sh", "-c", script], timeout=timeout).stdout.strip()

    def script(self, name: str) -> str:
        """Run one of ``scripts/``."""
        return self.sh(_text(name))

    # -- gates ------------------------------------------------------------------------------

    def hold(self, gate: str) -> None:
        """Close a gate."""
        self.sh(f"mkdir -p {GATES} && touch {GATES}/{gate}")

    def release(self, gate: str) -> None:
        """Open one, or all."""
        self.sh(f"rm -f {GATES}/{gate}")

    # -- faults -----------------------------------------------------------------------------

    def await_agent(self) -> None:
        """Wait until there is an agent."""
        self.sh(f"for n in $(seq 500); do {_AGENT} && break; sleep 0.02; done")

    def agent_killed(self) -> None:
        """SIGKILL."""
        self.sh(f"kill -KILL $({_AGENT})")

    def cut(self) -> None:
        """Every packet of SSH is dropped."""
        for chain, side in (("INPUT", "d"), ("OUTPUT", "s")):
            self.sh(f"iptables -I {chain} {_CUT.format(side)}")

    def sshd_killed(self) -> None:
        """All of it, sessions and listener."""
        self.sh("systemctl stop ssh.socket ssh; pkill -KILL -f '^sshd|[/]sshd'")

    def frozen(self) -> None:
        """Nothing on the host runs any more, nor answers."""
        _freeze(self.lab.container(NAME))

    def frozen_briefly(self) -> None:
        """For a second."""
        self.frozen()
        time.sleep(1)
        self.lab.container(NAME).unpause()

    def disk_full(self) -> None:
        """Where releases, history, settings and downloads are written."""
        self.script("disk-full")

    def dpkg_locked(self) -> None:
        """By somebody else, for three seconds."""
        self.script("dpkg-locked")

    def dpkg_killed(self) -> None:
        """Half-way through a package, apt-get with it."""
        self.script("dpkg-killed")

    def dockerd_killed(self) -> None:
        """SIGKILL; systemd starts it again."""
        self.sh("pkill -KILL -x dockerd")

    def registry_down(self) -> None:
        """Nothing listens there."""
        self._registry_container().kill()

    def image_corrupt(self) -> None:
        """The registry sends other bytes than the image's digest promises."""
        self._on_registry("image-corrupt")

    def clock_off(self) -> None:
        """An hour ahead, for all that a run does on the host; see ``clock_movable``."""
        self.sh("echo +3600 > /etc/faketimerc")

    def clock_movable(self) -> None:
        """Prepare ``clock_off``, for the runs that begin from now on."""
        self.script("clock-movable")

    def crash_looping(self, version: str) -> None:
        """A version of the service ends as soon as it begins, from now on."""
        self.hold(f"crash-{version}")
        self.sh(
            f"{_CONTAINER} | xargs -r docker inspect -f '{{{{.State.Pid}}}}' | xargs -r kill -9"
        )

    def never_healthy(self, version: str) -> None:
        """A version of the service is not well, and from now on never will be."""
        self.hold(f"ill-{version}")

    def without_containers(self) -> None:
        """Forget how often they were restarted: verification remembers that for a while."""
        self.sh(f"{_CONTAINER} --all | xargs -r docker rm --force")

    def rebooted(self) -> None:
        """Power lost, and back."""
        container = self.lab.container(NAME)
        container.kill()
        container.start()

    # -- and back ---------------------------------------------------------------------------

    def registry_frozen(self) -> None:
        """It takes connections, and says nothing until it is ``registry_thawed``."""
        _freeze(self._registry_container())

    def registry_thawed(self) -> None:
        """It goes on."""
        self._registry_container().unpause()

    def _registry_container(self) -> Container:
        return docker_api.connect().containers.get(self._registry)

    def _on_registry(self, script: str) -> None:
        self._registry_container().exec_run(["/bin/sh", "-c", _text(script)], user="0")

    def heal(self) -> None:
        """Undo every fault."""
        container = self.lab.container(NAME)
        if container.status == "paused":
            container.unpause()
        self.script("healed")
        registry = self._registry_container()
        if registry.status == "paused":
            registry.unpause()
        elif registry.status != "running":
            registry.start()
        self._on_registry("image-mended")

    # -- what it is made of -------------------------------------------------------------------

    def is_left_alone(self) -> bool:
        """Tell whether no agent is at work any more, and nobody has the lock."""
        return not self.sh(_AGENT) and self.sh(f"({_IS_FREE}) && echo free") == "free"

    def serving(self) -> str:
        """Return the version that is well, "" where none is."""
        return self.sh(_SERVING)

    def unwell(self) -> str:
        """Return the containers that run and are not well, "" where there is none."""
        listed = f"docker ps {_OURS} --format '{{{{.Names}}}} {{{{.Status}}}}'"
        return self.sh(f"{listed} | grep -v '(healthy)'")

    def names(self) -> str:
        """Return the containers, those that have ended, too."""
        return self.sh(f"docker ps --all {_OURS} --format '{{{{.Names}}}}'")

    def fingerprint(self) -> str:
        """Return everything that a deploy has to leave the same, however it came about."""
        return self.script("fingerprint")

    def torn(self) -> str:
        """Name the files that are half-written, "" where there is none."""
        return self.script("torn")

    def install_slow_package(self) -> None:
        """Have something that a deploy removes, and that takes as long as its gate is closed."""
        self.script("slow-package")


def until(holds: Callable[[], object], what: str, seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _freeze(container: Container) -> None:
    """Pause it: the kernel refuses while something in it is just being started."""
    from docker.errors import APIError

    def succeeds() -> bool:
        try:
            container.pause()
        except APIError:
            return False
        return True

    until(succeeds, f"{container.name} cannot be frozen")


def _text(name: str) -> str:
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


def project_directory(made: Path) -> Path:
    """Return the directory of the small stack's templates and playbook, copied to ``made``."""
    shutil.copytree(Path(__file__).with_name("stack"), made, dirs_exist_ok=True)
    return made
