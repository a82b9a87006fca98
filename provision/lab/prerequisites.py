"""What this machine needs for the lab and the tests; installs it where that is not rude.

Runs before there is any virtual environment, so with the standard library alone and as a file:

    python3 provision/lab/prerequisites.py            # exit code 1, saying what is missing
    python3 provision/lab/prerequisites.py --install  # as root on Debian or Ubuntu: install it
"""

from __future__ import annotations

import http.client
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

OLDEST_PYTHON = (3, 11)
APT_TIMEOUT = 900.0
DOCKER_TIMEOUT = 60.0
DOCKER_LOG = Path("/var/log/dockerd.log")

# Program -> the Debian package that has it.
PROGRAMS = {
    "dockerd": "docker.io",
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "ssh": "openssh-client",
}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"  # a user's own has no sbin on Debian


@dataclass(frozen=True)
class Machine:
    """What was found on this machine.

    Args:
        root: whether we may change it.
        apt: whether it is a Debian or Ubuntu.
        desktop: whether somebody's graphical session runs here.
        systemd: whether systemd is its init, and so starts services.
        docker: ``answers``, ``denied`` (to this user) or ``silent``.
        missing: the packages that are not there.

    """

    root: bool
    apt: bool
    desktop: bool
    systemd: bool
    docker: str
    missing: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left to do."""
        return self.docker == "answers" and not self.missing

    @property
    def is_ours(self) -> bool:
        """Whether installing software here surprises nobody: a server, a CI machine."""
        return self.root and self.apt and not self.desktop


def commands(machine: Machine) -> list[str]:
    """Return the shell commands that make ``machine`` ready."""
    sudo = "" if machine.root else "sudo "
    lines = []
    if machine.missing and machine.apt:
        packages = " ".join(machine.missing)
        lines.append(f"{sudo}apt-get install --no-install-recommends {packages}")
    elif machine.missing:
        lines.append("# install Docker Engine: https://docs.docker.com/engine/install/")
    if machine.docker == "silent":
        starts = "systemctl enable --now docker" if machine.systemd else "setsid dockerd &"
        lines.append(f"{sudo}{starts}")
    if machine.docker != "answers" and not machine.root:
        lines.append("sudo usermod -aG docker $USER   # then log in again")
    return lines


def explain(machine: Machine) -> str:
    """Return what is missing, and the commands to get it."""
    problems = [f"not installed: {name}" for name in machine.missing]
    if machine.docker == "denied":
        problems.append("the Docker daemon does not let this user in")
    elif machine.docker == "silent":
        problems.append("no Docker daemon answers")
    why = "" if machine.is_ours else f"\nNot done for you, because {_obstacle(machine)}.\n"
    return (
        "This machine is not ready for the lab:\n"
        + "".join(f"  - {problem}\n" for problem in problems)
        + why
        + "\nTo get there:\n"
        + "".join(f"  {line}\n" for line in commands(machine))
    )


def _obstacle(machine: Machine) -> str:
    if not machine.apt:
        return "it is neither a Debian nor an Ubuntu"
    if not machine.root:
        return "you are not root"
    return "a desktop runs here, and what is installed on it is its owner's choice"


def inspect() -> Machine:
    """Look at this machine."""
    apt = shutil.which("apt-get") is not None
    systemd = Path("/run/systemd/system").is_dir()
    docker = docker_state()
    return Machine(
        root=os.geteuid() == 0,
        apt=apt,
        desktop=_has_desktop(systemd),
        systemd=systemd,
        docker=docker,
        missing=tuple(_missing(apt, docker)),
    )


def _missing(apt: bool, docker: str) -> list[str]:
    packages = []
    for program, package in PROGRAMS.items():
        is_spare = (program == "dockerd" and docker == "answers") or (
            program in ("mmdebstrap", "arch-test") and not apt  # it pulls its base image instead
        )
        if not is_spare and shutil.which(program, path=_PATH) is None:
            packages.append(package)
    if apt and not Path(KEYRING).exists():
        packages.append("debian-archive-keyring")
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    return packages


def _has_desktop(systemd: bool) -> bool:
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    query = ["systemctl", "is-active", "--quiet", "display-manager.service"]
    return systemd and subprocess.run(query, timeout=10, check=False).returncode == 0


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def docker_state() -> str:
    """Return ``answers``, ``denied`` or ``silent``; a daemon elsewhere is taken on trust."""
    address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not address.startswith("unix://"):
        return "answers"
    connection = _UnixConnection(address[len("unix://") :])
    try:
        connection.request("GET", "/_ping")
        return "answers" if connection.getresponse().read() == b"OK" else "silent"
    except PermissionError:
        return "denied"
    except (OSError, http.client.HTTPException):
        return "silent"
    finally:
        connection.close()


def install(machine: Machine) -> None:
    """Install what is missing and start Docker; only for a machine that ``is_ours``.

    Raises:
        SystemExit: with the failing program's last words.

    """
    if machine.missing:
        sys.stdout.write(f"installing {' '.join(machine.missing)}\n")
        _apt("update")
        _apt("install", "--yes", "--no-install-recommends", *machine.missing)
    if docker_state() == "silent":
        sys.stdout.write("starting dockerd\n")
        if machine.systemd:
            _run(["systemctl", "enable", "--now", "docker"], DOCKER_TIMEOUT)
        else:
            _start_dockerd()
        _wait_for_docker()


def _apt(*arguments: str) -> None:
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    _run(["apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=120", *arguments], APT_TIMEOUT)


def _run(command: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SystemExit(f"{' '.join(command)}: not done after {timeout:.0f} s") from None
    if done.returncode:
        tail = "\n  ".join(done.stdout.splitlines()[-15:])
        raise SystemExit(f"{' '.join(command)} failed with {done.returncode}:\n  {tail}")


def _start_dockerd() -> None:
    """Start the daemon in a session of its own, so that it outlives us and our terminal."""
    with DOCKER_LOG.open("ab") as log:
        subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _wait_for_docker() -> None:
    deadline = time.monotonic() + DOCKER_TIMEOUT
    while docker_state() != "answers":
        if time.monotonic() > deadline:
            where = f"its log: {DOCKER_LOG}" if DOCKER_LOG.exists() else "journalctl -u docker"
            raise SystemExit(f"dockerd does not answer after {DOCKER_TIMEOUT:.0f} s; {where}")
        time.sleep(0.2)


def main(arguments: list[str]) -> int:
    """Check, and with ``--install`` put right; return the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        sys.stderr.write(f"provision needs Python {wanted} or newer; this is {sys.version}\n")
        return 1
    machine = inspect()
    if "--install" in arguments and machine.is_ours and not machine.is_ready:
        install(machine)
        machine = inspect()
    if not machine.is_ready:
        sys.stderr.write(explain(machine))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
