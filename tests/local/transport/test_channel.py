"""A channel to a real agent: a process of this machine."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import provision.agent
from provision.agent.resources.command import Command
from provision.agent.resources.copy import Copy
from provision.agent.resources.execute import Execute
from provision.errors import UnreachableError
from provision.transport import heartbeat
from provision.transport.channel import AgentChannel
from provision.transport.launch import first_bytes
from provision.transport.modules import BOOTSTRAP, core, needed_by
from provision.transport.pipe import LocalPipe

LONG = 30.0  # seconds, after which something hangs
ALIVE = b'{"op":"alive"}\n'


class CountingPipe(LocalPipe):
    """Also counts what is sent and received."""

    def __init__(self, command: str) -> None:
        self.sent = self.received = 0
        self.messages: list[bytes] = []
        super().__init__(command)

    def send(self, data: bytes) -> None:
        self.sent += 1
        self.messages.append(data)
        super().send(data)

    def receive(self, timeout: float | None = None) -> bytes:
        self.received += 1
        return super().receive(timeout)

    def kill(self) -> None:
        """End the agent at once, as a lost host would."""
        self._process.kill()


@pytest.fixture
def pipes() -> list[CountingPipe]:
    return []


@pytest.fixture
def channel(pipes: list[CountingPipe]) -> Iterator[AgentChannel]:
    def open_pipe(command: str) -> CountingPipe:
        pipes.append(CountingPipe(command))
        return pipes[-1]

    opened = AgentChannel("here", open_pipe, install_python=False)
    yield opened
    opened.close()


def behind(prefix: str) -> Callable[[str], LocalPipe]:
    """Start the agent behind something, as a login shell's start-up files would be."""
    return lambda command: LocalPipe(f"{prefix}\n{command}")


def until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_answers_in_order(channel: AgentChannel) -> None:
    futures = [channel.submit(Execute(command=f"echo {n}")) for n in range(5)]
    channel.flush()
    assert [future.result(LONG).data["stdout"] for future in futures] == [
        f"{n}\n" for n in range(5)
    ]


def test_many_small_messages_travel_together(
    channel: AgentChannel, pipes: list[CountingPipe]
) -> None:
    (pipe,) = pipes
    before = pipe.sent
    futures = [channel.submit(Command(argv=["true"], creates="/")) for _ in range(100)]
    assert pipe.sent == before  # nothing goes out before somebody looks
    channel.flush()
    assert {future.result(LONG).status for future in futures} == {"ok"}
    assert pipe.sent == before + 1
    assert pipe.received < 30


def test_queue_is_sent_when_it_grows(channel: AgentChannel, pipes: list[CountingPipe]) -> None:
    before = pipes[0].sent
    for _ in range(200):
        channel.submit(Command(argv=["true", "x" * 100], creates="/"))
    assert pipes[0].sent > before


def test_failure_holds_the_stream(channel: AgentChannel) -> None:
    failing = channel.submit(Command(argv=["false"]))
    skipped = channel.submit(Execute(command="true"))
    channel.flush()
    assert failing.result(LONG).status == "failed"
    assert skipped.result(LONG).status == "not_run"
    channel.resume()
    again = channel.submit(Execute(command="true"))
    channel.flush()
    assert again.result(LONG).status == "ok"


def test_events_reach_their_listener(channel: AgentChannel) -> None:
    events: list[dict[str, Any]] = []
    first = channel.submit(Command(shell="echo one; echo two >&2"), on_event=events.append)
    second = channel.submit(Execute(command="echo silent"))
    channel.flush()
    assert {first.result(LONG).status, second.result(LONG).status} == {"changed", "ok"}
    output = {(each["stream"], each["text"]) for each in events if each["event"] == "output"}
    assert output == {("stdout", "one\n"), ("stderr", "two\n")}


@pytest.mark.parametrize("size", [0, 131072, 1_000_000])
@pytest.mark.parametrize("from_file", [False, True])
def test_content(channel: AgentChannel, tmp_path: Path, size: int, from_file: bool) -> None:
    content = os.urandom(size)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    copy = Copy(dest=str(target), sha256=hashlib.sha256(content).hexdigest(), size=size)
    future = channel.submit(copy, content=source if from_file else content)
    channel.flush()
    assert future.result(LONG).status == "changed"
    assert target.read_bytes() == content


def test_content_that_has_gone(channel: AgentChannel, tmp_path: Path) -> None:
    copy = Copy(dest=str(tmp_path / "target"), sha256="0" * 64, size=1)
    future = channel.submit(copy, content=tmp_path / "gone", keep_going=True)
    following = channel.submit(Execute(command="true"))
    channel.flush()
    result = future.result(LONG)
    assert result.status == "failed"
    assert "gone cannot be read on the controller: No such file" in result.message
    assert following.result(LONG).status == "ok"
    assert list(tmp_path.iterdir()) == []


def test_output_of_any_size(channel: AgentChannel) -> None:
    future = channel.submit(Execute(command="head -c 5000000 /dev/zero | tr '\\0' x"))
    channel.flush()
    assert len(future.result(LONG).data["stdout"]) == 5_000_000


def test_agent_lost(channel: AgentChannel, pipes: list[CountingPipe]) -> None:
    started = channel.submit(Execute(command="true"))
    channel.flush()
    started.result(timeout=60)
    futures = [channel.submit(Execute(command="sleep 60")) for _ in range(3)]
    channel.flush()
    pipes[0].kill()
    for future in futures:
        with pytest.raises(UnreachableError, match="host here: the connection was lost"):
            future.result(LONG)
    with pytest.raises(UnreachableError, match="lost"):
        channel.submit(Execute(command="true")).result(LONG)


def test_cancel_ends_what_runs(channel: AgentChannel, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    running = channel.submit(Command(shell=f"sleep 60 & echo $! > {pid}; wait"))
    waiting = channel.submit(Execute(command="true"))
    channel.flush()
    assert until(lambda: pid.exists() and pid.read_text().strip() != "")
    started = time.monotonic()
    channel.cancel()
    assert running.result(LONG).status == "cancelled"
    assert waiting.result(LONG).status == "not_run"
    assert time.monotonic() - started < 15
    assert until(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())


def test_listener_that_fails_leaves_nobody_waiting(channel: AgentChannel) -> None:
    def fail(event: dict[str, Any]) -> None:
        raise KeyError("a bug")

    future = channel.submit(Command(shell="echo x; sleep 1"), on_event=fail)
    channel.flush()
    with pytest.raises(UnreachableError, match="a bug"):
        future.result(LONG)


@pytest.mark.parametrize(
    "prefix",
    [
        "echo Welcome; echo 'Last login: never'",
        "printf 'no end of line'",
        'echo \'{"event":"ready"}\'',
        "head -c 1000000 /dev/zero",
        "head -c 1000000 /dev/zero >&2",
    ],
    ids=["greeting", "unfinished", "json", "flood", "flood of stderr"],
)
def test_noisy_login_shells(prefix: str) -> None:
    channel = AgentChannel("here", behind(prefix), install_python=False)
    future = channel.submit(Execute(command="echo fine"))
    channel.flush()
    assert future.result(LONG).data["stdout"] == "fine\n"
    channel.close()


def test_login_shell_that_refuses() -> None:
    channel = AgentChannel(
        "here", behind("echo 'This account is currently not available.'; exit 1")
    )
    future = channel.submit(Execute(command="true"))
    channel.flush()
    with pytest.raises(UnreachableError, match="could not be started: This account is currently"):
        future.result(LONG)
    channel.close()


def used_once() -> None:
    channel = AgentChannel("here", LocalPipe, install_python=False)
    future = channel.submit(Execute(command="true"))
    channel.flush()
    future.result(LONG)
    channel.close()
    channel.close()


def held() -> set[object]:
    """Return this process's open files and threads: what others still let go of matters not."""
    files: set[object] = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            files.add(descriptor.readlink())  # a pipe's tells its inode
    return files | set(threading.enumerate())


def test_nothing_is_left() -> None:
    used_once()  # the first starts the one thread that beats for all
    before = held()
    for _ in range(3):
        used_once()
    assert until(lambda: held() <= before), held() - before


def test_threads_may_share_a_channel(channel: AgentChannel) -> None:
    said: list[str] = []

    def ask(number: int) -> None:
        for n in range(20):
            future = channel.submit(Execute(command=f"echo {number}.{n}"))
            channel.flush()
            if future.result(LONG).data["stdout"] == f"{number}.{n}\n":
                said.append(future.result().data["stdout"])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(said) == 80


def test_the_agent_knows_from_the_start_that_somebody_will_be_heard(
    channel: AgentChannel, pipes: list[CountingPipe]
) -> None:
    """Else a connection that is cut in the first seconds would be waited for without an end."""
    assert pipes[0].messages[0] == first_bytes() + ALIVE


def test_modules_travel_once(channel: AgentChannel, pipes: list[CountingPipe]) -> None:
    """The first bytes fit into ten segments; a resource's modules come with its first use."""
    assert len(first_bytes()) < 10 * 1460 * 1.2
    for _ in range(2):
        future = channel.submit(Execute(command="true"))
        channel.flush()
        assert future.result(LONG).status == "ok"
    said = [it for it in pipes[0].messages if it != ALIVE]  # which comes whenever its time has
    first, second = said[-2:]
    assert b'"modules"' in first
    assert b'"modules"' not in second


def test_every_module_is_sent_by_some_declaration() -> None:
    agent = Path(provision.agent.__file__).parent
    every = {
        ".".join(("provision.agent", *path.relative_to(agent).with_suffix("").parts))
        for path in agent.rglob("*.py")
        if path.name != "__init__.py"
    }
    sent = set(core()) | {BOOTSTRAP}
    for name in every:
        if name.startswith("provision.agent.resources."):
            sent |= needed_by(name)
    assert every - sent == set()


def test_the_agent_hears_that_somebody_is_there(
    channel: AgentChannel, pipes: list[CountingPipe]
) -> None:
    channel.submit(Execute(command="true"))
    channel.flush()
    heartbeat.leave(channel)  # nobody but this test lets it beat
    channel.beat()
    assert pipes[0].messages[-1] == ALIVE
    with channel._sending:  # it must not wait for whoever is sending something long
        channel.beat()
    assert sum(message == ALIVE for message in pipes[0].messages) == 1


def test_what_an_earlier_run_has_left_to_do_is_known_until_it_is_handled() -> None:
    said = ['{"event":"started"}', '{"event":"ready","pending":["play: one","play: two"]}']
    script = "".join(f"echo '{line}'; " for line in said)
    opened = AgentChannel("here", lambda command: CountingPipe(f"{script} exec cat >/dev/null"))
    assert until(lambda: opened.pending == {"play: one", "play: two"})
    opened.handled(["play: two"])
    assert opened.pending == {"play: one"}
    opened.close()
