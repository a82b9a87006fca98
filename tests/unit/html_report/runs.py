"""Runs to make pages of, without hosts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from provision.engine.events import (
    Event,
    HostDescribed,
    HostRecap,
    HostReleased,
    HostUnreachable,
    PhaseFinished,
    PhaseStarted,
    RunFinished,
    RunStarted,
    Status,
    TaskFinished,
    TaskOutput,
    TaskStarted,
)

START = 1_795_396_958.0  # Unix seconds: 2026-11-23 01:22:38 UTC
RUN = "20261123-012238-4b78"
COMPOSE = """--- before
+++ after
@@ -1,4 +1,4 @@
 services:
-  image: registry.lab.test/game@sha256:1f0c
+  image: registry.lab.test/game@sha256:9ab2
   ports: ["10.0.0.12:50051:50051"]"""
IMAGE = {"registry.lab.test/game:2": "registry.lab.test/game:2@sha256:" + "9ab2" * 16}


class Script:
    """Writes a run down, event by event; its clock is moved by hand."""

    def __init__(self, *hosts: str, command: str = "deploy", check: bool = False) -> None:
        self.hosts = hosts
        self.now = START
        self.events: list[Event] = []
        self._phase = 0.0
        self.add(RunStarted, run=RUN, command=command, hosts=hosts, check=check, by="ana@laptop")

    def add(self, kind: type[Event], **fields: Any) -> None:
        self.events.append(kind(at=self.now, **fields))

    def begin(self, phase: str, *hosts: str) -> None:
        self._phase = self.now
        self.add(PhaseStarted, phase=phase, hosts=hosts or self.hosts)

    def end(self, phase: str, *, ok: bool = True, summary: str = "all ok") -> None:
        seconds = self.now - self._phase
        self.add(PhaseFinished, phase=phase, ok=ok, summary=summary, seconds=seconds)

    def task(self, host: str, task: str, seconds: float = 0.1, **fields: Any) -> None:
        self.add(TaskStarted, host=host, task=task)
        self.now += seconds
        status = fields.pop("status", Status.OK)
        self.add(TaskFinished, host=host, task=task, status=status, seconds=seconds, **fields)

    def finish(self, exit_code: int, *notes: str, **recap: HostRecap) -> list[Event]:
        seconds = self.now - START
        self.add(
            RunFinished, run=RUN, exit_code=exit_code, seconds=seconds, recap=recap, notes=notes
        )
        return self.events


def failed_deploy() -> list[Event]:
    """Three hosts: one well, one with a service that never gets well, one lost."""
    run = Script("game-01", "game-02", "game-03")
    run.begin("preflight")
    for host in run.hosts:
        run.add(HostDescribed, host=host, versions={"system": "Debian 13.1", "kernel": "6.12.94"})
        run.task(host, "gather facts", 0.3)
    run.end("preflight", summary="3/3 ok")
    run.begin("prepare")
    for host in run.hosts:
        run.task(
            host,
            "docker: merge_json /etc/docker/daemon.json",
            4.0,
            status=Status.CHANGED,
            message="content",
            diff='+  "features": {"cdi": true}',
        )
    run.end("prepare", summary="3/3 ok")
    run.begin("game server")
    run.task(
        "game-01",
        "game server: release 7468cc783f3a",
        status=Status.CHANGED,
        message="release none -> 7468cc783f3a, content",
        diff=COMPOSE,
    )
    run.task("game-01", "game server: compose_project generals-game-server", 12.0)
    released = {"role": "game_server", "release": "7468cc783f3a", "images": IMAGE}
    run.add(HostReleased, host="game-01", replaced="1f0c99eb1fb4", **released)
    run.add(TaskOutput, host="game-02", task="x", stream="stdout", text="never on the page")
    run.task(
        "game-02",
        "game server: compose_project generals-game-server",
        60.0,
        status=Status.FAILED,
        message="game-server-0 is not healthy",
        expected="gRPC health SERVING on 10.0.0.12:50051",
        found="connection refused\ncontainer exited 1, restarted 4 times",
        log=("panic: open /app/config/config.prod.yaml: no such file or directory", "exit 1"),
        hint="provision logs game_server --limit game-02",
    )
    run.add(
        HostUnreachable, host="game-03", message="host game-03: connection lost", hint="ping it"
    )
    run.end("game server", ok=False, summary="1/3 ok")
    run.begin("undo game_server")
    run.task("game-01", "compose_project generals-game-server", 8.0, status=Status.CHANGED)
    run.add(
        HostReleased,
        host="game-01",
        role="game_server",
        release="1f0c99eb1fb4",
        replaced="7468cc783f3a",
    )
    run.end("undo game_server", ok=False, summary="1/3 put back")
    return run.finish(
        3,
        "undone    game-01 is back on the release of game_server from before",
        "mixed     game-03 could not be put back: connection lost",
        **{
            "game-01": HostRecap(ok=41, changed=3, skipped=3, seconds=38.2),
            "game-02": HostRecap(ok=12, changed=1, failed=1, seconds=72.0),
            "game-03": HostRecap(ok=9, changed=1, unreachable=1, seconds=12.3),
        },
    )


def fleet(number: int) -> list[Event]:
    """A deploy that changes something everywhere, each host's in its own way, then checks."""
    run = Script(*(f"gpu-{index:03}.cluster.example.com" for index in range(number)))
    run.begin("prepare")
    for host in run.hosts:
        for task in range(40):
            run.task(host, f"base: file /etc/conf.d/{task}", 0.01)
        run.task(host, "docker: apt docker-ce", 0.4, status=Status.CHANGED, diff="~ docker-ce: 1")
    run.end("prepare")
    run.begin("trainer")
    for index, host in enumerate(run.hosts):
        release = f"{index:012x}"
        diff = "".join(f"+  line {line} of the release of {host}\n" for line in range(60))
        task = f"trainer: release {release}"
        run.task(host, task, 0.05, status=Status.CHANGED, message="release, content", diff=diff)
        run.add(HostReleased, host=host, role="trainer", release=release, replaced="", images=IMAGE)
    run.end("trainer")
    run.begin("verify")
    run.events += list(_checks(run))
    run.end("verify", ok=False, summary="some failed")
    recap = {host: HostRecap(ok=80, changed=2, seconds=9.0) for host in run.hosts}
    return run.finish(5, **recap)


def _checks(run: Script) -> Iterator[Event]:
    for index, host in enumerate(run.hosts):
        for check in range(40):
            is_bad = check == 0 and index % 50 == 0
            yield TaskFinished(
                at=run.now,
                host=host,
                task=f"docker: containers keep rule {check}",
                status=Status.FAILED if is_bad else Status.OK,
                message="a container runs as root" if is_bad else "",
                expected="a user of its own" if is_bad else "",
                found="root" if is_bad else "",
            )
