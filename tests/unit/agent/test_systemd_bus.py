"""Systemd's answers over its socket: read as they are, and anything odd left to systemctl."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from provision.agent import systemd_bus
from provision.agent.system import System
from provision.agent.systemd_bus import unit_properties

LOADED = ("loaded", "active", "running", "enabled", False)
AS_SYSTEMCTL_SAYS = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NeedDaemonReload": "no",
}


def variant(value: str | bool) -> bytes:
    if isinstance(value, bool):
        return b"\1b\0\0" + struct.pack("<I", value)
    return b"\1s\0\0" + struct.pack("<I", len(value)) + value.encode() + b"\0"


def message(kind: int, serial: int, body: bytes) -> bytes:
    """An answer as sd-bus writes it: reply serial, then the body's signature."""
    fields = b"\5\1u\0" + struct.pack("<I", serial) + b"\x08\1g\0\1v\0"
    header = struct.pack("<BBBBIII", ord("l"), kind, 1, 1, len(body), 7, len(fields)) + fields
    return header + b"\0" * (-len(header) % 8) + body


def answers(*units: tuple[str | bool, ...]) -> bytes:
    values = [value for unit in units for value in unit]
    return b"".join(message(2, at, variant(value)) for at, value in enumerate(values, 1))


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Answer one connection with the given bytes; returns what was asked."""
    path = tmp_path / "private"
    monkeypatch.setattr(systemd_bus, "SOCKET", str(path))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    asked: list[bytes] = []

    def answer(content: bytes) -> list[bytes]:
        def serve() -> None:
            connection, _ = listener.accept()
            asked.append(connection.recv(65536))
            connection.sendall(content)
            connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return asked

    yield answer
    listener.close()


def test_units_are_told_as_systemctl_tells_them(systemd):
    stopped = ("loaded", "inactive", "dead", "static", True)
    asked = systemd(b"OK 0123\r\n" + answers(LOADED, stopped))
    found = unit_properties(System(), ["ssh", "a-b@1.timer"])
    assert found is not None
    assert found["ssh"] == AS_SYSTEMCTL_SAYS
    assert found["a-b@1.timer"]["NeedDaemonReload"] == "yes"
    assert b"/unit/ssh_2eservice\0" in asked[0]
    assert b"/unit/a_2db_401_2etimer\0" in asked[0]


def test_answers_belong_to_their_questions_whatever_comes_between(systemd):
    signal = message(4, 99, b"")
    shuffled = [message(2, at, variant(value)) for at, value in enumerate(LOADED, 1)][::-1]
    systemd(b"OK 0123\r\n" + signal + b"".join(shuffled))
    assert unit_properties(System(), ["ssh"]) == {"ssh": AS_SYSTEMCTL_SAYS}


@pytest.mark.parametrize(
    "content",
    [
        b"REJECTED EXTERNAL\r\n",
        b"",
        b"OK 0123\r\n" + answers(LOADED)[:-3],
        b"OK 0123\r\n" + message(3, 1, variant("org.freedesktop.DBus.Error.AccessDenied")),
        b"OK 0123\r\n" + message(2, 1, b"\1u\0\0\0\0\0\0"),
    ],
    ids=["rejected", "hung up", "cut", "refused", "another type"],
)
def test_anything_odd_is_left_to_systemctl(systemd, content):
    systemd(content)
    assert unit_properties(System(), ["ssh"]) is None


def test_without_systemd_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.setattr(systemd_bus, "SOCKET", str(tmp_path / "none"))
    assert unit_properties(System(), ["ssh"]) is None


@pytest.mark.parametrize("name", ["/mnt/data", "ssh*"])
def test_names_that_systemctl_makes_out_are_left_to_it(systemd, name):
    assert unit_properties(System(), [name]) is None
