"""Docker Engine and Compose."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

from provision.verify.demand import demand
from provision.verify.node import Node
from provision.verify.questions import Questions
from provision.verify.reading import PACKAGES, UNITS, packages, units

_DAEMON = "cat /etc/docker/daemon.json"
# Where Docker's command line looks for its plugins (github.com/docker/cli, manager_unix.go).
_PLUGIN = (
    "ls /usr/local/lib/docker/cli-plugins/docker-compose"
    " /usr/local/libexec/docker/cli-plugins/docker-compose"
    " /usr/lib/docker/cli-plugins/docker-compose"
    " /usr/libexec/docker/cli-plugins/docker-compose 2>/dev/null || true"
)
_HELD = ("docker-ce", "docker-ce-cli", "containerd.io", "docker.io", "docker-cli")


def questions(node: Node) -> Questions:
    """Return what is asked of every host."""
    return Questions(commands=(UNITS, PACKAGES, _DAEMON, _PLUGIN), containers=True)


def test_service(host: Host) -> None:
    """Docker runs, and starts at boot."""
    unit = units(host.run(UNITS).stdout).get("docker")
    state = f"{unit.loaded}, {unit.active} and {unit.at_boot}" if unit else "no unit of that name"
    well = unit is not None and unit.active == "active" and unit.at_boot == "enabled"
    demand(
        "docker.service active and enabled",
        found=[] if well else [state],
        todo="See `systemctl status docker` and `journalctl -u docker`; a deploy installs it",
    )


def test_answers(node: Node) -> None:
    """The Docker daemon answers."""
    problem = node.answers.data.get("containers_error")
    demand(
        "an answer on /var/run/docker.sock",
        found=[problem] if problem else [],
        todo="See `systemctl status docker` and `journalctl -u docker`",
    )


def test_compose(host: Host) -> None:
    """Compose is version 2 or newer."""
    demand(
        "the plugin docker-compose (`docker compose`, version 2 or newer)",
        found=[] if host.run(_PLUGIN).stdout.strip() else ["no such plugin"],
        todo="Deploy again, or install docker-compose-plugin; docker-compose 1.x does not count",
    )


def test_daemon_json(host: Host) -> None:
    """The settings in daemon.json are valid, rotate logs, and survive a restart of the daemon."""
    answer = host.run(_DAEMON)
    demand(
        "/etc/docker/daemon.json",
        found=[] if answer.rc == 0 else [answer.stderr.strip()],
        todo="Deploy again: the docker_engine task writes it",
    )
    demand(
        "settings in /etc/docker/daemon.json that a daemon can live with",
        found=_faults(answer.stdout),
        todo="Deploy again: the docker_engine task merges them, and keeps what you have added",
    )


def _faults(text: str) -> list[str]:
    try:
        settings = json.loads(text)
    except ValueError as error:
        return [f"no valid JSON: {error}"]
    faults = []
    rotated = settings.get("log-driver", "json-file") != "json-file"
    if not rotated and not settings.get("log-opts", {}).get("max-size"):
        faults.append("no `log-opts.max-size`: logs of containers started by hand grow for ever")
    if settings.get("live-restore") is not True:
        faults.append("no `live-restore: true`: an upgrade of Docker stops every container")
    return faults


def test_held(host: Host) -> None:
    """Docker's packages are held, so that no unattended upgrade restarts it."""
    installed = packages(host.run(PACKAGES).stdout)
    if not installed:
        pytest.skip("Docker was not installed from packages")
    loose = [name for name in _HELD if name in installed and not installed[name].held]
    demand(
        "Docker's packages on hold",
        found=[f"{name} {installed[name].version} is not" for name in loose],
        todo=f"Deploy again, or hold them: apt-mark hold (dnf versionlock add) {' '.join(loose)}",
    )
