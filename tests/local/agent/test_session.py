"""The agent's session, as a real process on a real pipe."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from provision.agent import session
from tests.local.agent.pipe import AgentPipe, apply

END = {"op": "end"}
BIG = os.urandom(1_000_000)
SHA = hashlib.sha256(BIG).hexdigest()


@pytest.fixture
def agent() -> Iterator[AgentPipe]:
    pipe = AgentPipe()
    yield pipe
    pipe.stop()


def copy(number: int, path: Path, content: str = "x", **more: Any) -> dict[str, Any]:
    return apply(number, "Copy", dest=str(path), content=content, **more)


def test_it_says_that_it_is_ready(agent: AgentPipe) -> None:
    ready = agent.event("ready")
    assert ready["python"].count(".") == 2


def test_messages_sent_at_once_are_answered_in_order(agent: AgentPipe, tmp_path: Path) -> None:
    (tmp_path / "2").write_text("x")
    agent.send(*(copy(number, tmp_path / str(number)) for number in (1, 2, 3)), END)
    assert agent.results() == [(1, "changed"), (2, "ok"), (3, "changed")]
    assert agent.process.wait(5) == 0


def test_a_result_tells_what_changed(agent: AgentPipe, tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    agent.send(copy(7, tmp_path / "f", "new"))
    result = agent.event("result")
    assert result["changes"] == {"content": ["old", "new"]}
    assert result["seconds"] >= 0


def test_a_failure_stops_what_follows(agent: AgentPipe, tmp_path: Path) -> None:
    agent.send(copy(1, tmp_path / "no" / "f"), copy(2, tmp_path / "f"), END)
    assert agent.results() == [(1, "failed"), (2, "not_run")]
    assert not (tmp_path / "f").exists()


def test_after_resume_it_goes_on(agent: AgentPipe, tmp_path: Path) -> None:
    agent.send(copy(1, tmp_path / "no" / "f"), copy(2, tmp_path / "f"))
    failure = agent.event("result")
    assert "there is no directory" in failure["message"]
    agent.send({"op": "resume"}, copy(3, tmp_path / "g"), END)
    assert agent.results() == [(2, "not_run"), (3, "changed")]


def test_keep_going(agent: AgentPipe, tmp_path: Path) -> None:
    failing = {**copy(1, tmp_path / "no" / "f"), "keep_going": True}
    agent.send(failing, copy(2, tmp_path / "f"), END)
    assert agent.results() == [(1, "failed"), (2, "changed")]


def test_check_changes_nothing_and_knows_what_it_cannot_know(
    agent: AgentPipe, tmp_path: Path
) -> None:
    agent.send(
        apply(1, "Directory", check=True, path=str(tmp_path / "d")),
        apply(2, "Copy", check=True, dest=str(tmp_path / "d" / "f"), content="x"),
        END,
    )
    assert agent.results() == [(1, "changed"), (2, "unknown")]
    assert list(tmp_path.iterdir()) == []


def test_output_of_a_command_comes_while_it_runs(agent: AgentPipe) -> None:
    agent.send(apply(1, "Command", shell="echo early; sleep 5"))
    assert agent.event("output")["text"] == "early\n"
    agent.send({"op": "cancel"})
    assert agent.event("result")["status"] == "cancelled"


def test_cancel_ends_the_command_and_all_that_follows(agent: AgentPipe, tmp_path: Path) -> None:
    started = time.monotonic()
    agent.send(apply(1, "Command", shell="echo; sleep 60"), copy(2, tmp_path / "f"))
    agent.event("output")
    agent.send({"op": "cancel"}, copy(3, tmp_path / "g"), END)
    assert agent.results() == [(1, "cancelled"), (2, "not_run"), (3, "not_run")]
    assert time.monotonic() - started < 10
    assert list(tmp_path.iterdir()) == []


def test_a_lost_connection_lets_the_current_resource_finish(
    agent: AgentPipe, tmp_path: Path
) -> None:
    script = f"echo; sleep 0.4; touch {tmp_path}/finished"
    agent.send(apply(1, "Command", shell=script), copy(2, tmp_path / "begun"))
    agent.event("output")
    agent.hang_up()
    agent.process.wait(10)
    assert [path.name for path in tmp_path.iterdir()] == ["finished"]


def test_a_lost_connection_ends_what_changes_nothing(agent: AgentPipe) -> None:
    agent.send({"op": "ask", "id": 1, "kind": "Execute", "fields": {"command": "sleep 60"}})
    agent.event("ready")
    agent.hang_up()
    assert agent.process.wait(10) == 0


def test_output_that_nobody_reads_does_not_hold_up_what_has_to_finish(
    agent: AgentPipe, tmp_path: Path
) -> None:
    script = f"echo; sleep 0.4; head -c 3000000 /dev/zero; touch {tmp_path}/finished"
    agent.send(apply(1, "Command", shell=script))
    agent.event("output")
    agent.hang_up()
    agent.process.wait(20)
    assert [path.name for path in tmp_path.iterdir()] == ["finished"]


def test_results_do_not_wait_behind_a_slow_question(agent: AgentPipe, tmp_path: Path) -> None:
    slow = {"op": "ask", "id": 2, "kind": "Execute", "fields": {"command": "sleep 5"}}
    agent.event("ready")
    started = time.monotonic()
    agent.send(copy(1, tmp_path / "f"), slow)
    assert agent.event("result")["id"] == 1
    assert time.monotonic() - started < 3


def test_a_silent_controller_is_taken_for_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one that has said before that it is there: the stream itself never ends."""
    monkeypatch.setattr(session, "_LOOK", 0.05)
    (source, down), (up, sink) = os.pipe(), os.pipe()
    working = threading.Thread(
        target=session.Session(os.fdopen(source, "rb"), sink, {}).run, daemon=True
    )
    working.start()
    working.join(0.5)
    assert working.is_alive()
    os.write(down, b'{"op": "alive"}\n')
    working.join(5)
    assert not working.is_alive()
    for each in (down, up, sink):
        os.close(each)


@pytest.mark.parametrize("is_over", [True, False])
def test_who_was_to_put_it_right_may_be_lost_as_well(*, is_over: bool) -> None:
    """After a failure somebody goes on, to go back, say: until the end that may break off, too."""
    (source, down), (up, sink) = os.pipe(), os.pipe()
    broken = session.Session(os.fdopen(source, "rb"), sink, {})
    went_back = threading.Event()
    broken._system.at_loss.append(went_back.set)
    os.write(down, b'{"op": "resume"}\n' + (b'{"op": "end"}\n' if is_over else b""))
    os.close(down)
    broken.run()
    assert went_back.is_set() is not is_over
    for each in (up, sink):
        os.close(each)


def test_a_large_file_is_asked_for(agent: AgentPipe, tmp_path: Path) -> None:
    agent.send(apply(1, "Copy", dest=str(tmp_path / "f"), sha256=SHA, size=len(BIG)), END)
    want = agent.event("want")
    assert (want["id"], want["sha256"]) == (1, SHA)
    agent.send_content(SHA, BIG)
    assert agent.results() == [(1, "changed")]
    assert (tmp_path / "f").read_bytes() == BIG


def test_a_file_that_is_there_is_not_asked_for(agent: AgentPipe, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(BIG)
    agent.send(apply(1, "Copy", dest=str(tmp_path / "f"), sha256=SHA, size=len(BIG)), END)
    assert agent.results() == [(1, "ok")]


def test_the_rest_of_a_failed_file_is_not_taken_for_the_next(
    agent: AgentPipe, tmp_path: Path
) -> None:
    other = b"other" * 1000
    digest = hashlib.sha256(other).hexdigest()
    failing = apply(1, "Copy", dest=str(tmp_path / "f"), sha256=SHA)
    agent.send({**failing, "keep_going": True})
    agent.send(apply(2, "Copy", dest=str(tmp_path / "g"), sha256=digest))
    agent.event("want")
    agent.send_content(SHA, b"another content")
    agent.send_content(SHA, b"more of it")
    assert agent.event("result")["status"] == "failed"
    agent.event("want")
    agent.send_content(digest, other)
    agent.send(END)
    assert agent.results() == [(2, "changed")]
    assert (tmp_path / "g").read_bytes() == other


def test_a_connection_lost_while_a_file_is_sent_leaves_the_old_one(
    agent: AgentPipe, tmp_path: Path
) -> None:
    (tmp_path / "f").write_text("old")
    agent.send(apply(1, "Copy", dest=str(tmp_path / "f"), sha256=SHA), copy(2, tmp_path / "g"))
    agent.event("want")
    agent.hang_up()
    assert agent.process.wait(10) == 0
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("f", "old")]


def test_a_bug_is_reported_with_its_place(agent: AgentPipe) -> None:
    agent.send(apply(1, "Nonsense"), END)
    result = agent.event("result")
    assert result["status"] == "failed"
    assert "the agent failed: KeyError" in result["message"]
    assert any("resources" in line for line in result["log"])


def test_what_the_kernel_refuses_is_no_bug(agent: AgentPipe) -> None:
    agent.send(apply(1, "Directory", path="/proc/nonsense"), END)
    result = agent.event("result")
    assert result["message"] == "/proc/nonsense: No such file or directory"
    assert "log" not in result


def test_children_cannot_write_into_the_stream(agent: AgentPipe) -> None:
    agent.send(apply(1, "Command", shell='echo \'{"event":"result"}\' >&1'), END)
    assert agent.event("output")["text"] == '{"event":"result"}\n'
    assert agent.results() == [(1, "changed")]


def test_undecodable_output_and_names_survive(agent: AgentPipe, tmp_path: Path) -> None:
    agent.send(apply(1, "Command", shell=r"printf 'a\377b'"), copy(2, tmp_path / "ü"), END)
    assert agent.event("result")["data"]["stdout"] == "a\udcffb"
    assert agent.results() == [(2, "changed")]
    assert (tmp_path / "ü").exists()
