"""A small client of the Docker Engine API on the host's own socket.

It asks in HTTP/1.0: the daemon then neither chunks its answer nor keeps the connection, so that a
request costs a millisecond and no HTTP library, whose import would cost more than all requests of a
session. Paths and fields are those of the "Docker Engine API" reference.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional

from provision.agent.failure import Cancelled, Failure, NotThereYet
from provision.agent.system import System

SOCKET = "/var/run/docker.sock"
_TIMEOUT = 60.0  # seconds without a byte from the daemon; a pull says something every second
_POLL = 0.5  # seconds between looks at a cancellation
_CHUNK = 65536
_FRAME = 8  # bytes: the header of a piece of log (stream type, three zeros, length)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

Query = Mapping[str, Any]


class DockerError(Failure):
    """The daemon refused a request; ``status`` is HTTP's, 0 where an answer broke off."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Answer(NamedTuple):
    status: int
    head: str
    body: Iterator[bytes]

    def text(self) -> bytes:
        return b"".join(self.body)


class Docker:
    """The Docker daemon of a host."""

    def __init__(self, system: System) -> None:
        self._system = system

    def version(self) -> str:
        """Return the daemon's version, out of a header: ``GET /version`` would run runc for it."""
        server = re.search(
            r"^Server: Docker/(\S+)", self._checked("GET", "/_ping", None).head, re.M
        )
        return server.group(1) if server else "unknown"

    def get(
        self,
        path: str,
        query: Optional[Query] = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> Any:
        """Return the JSON answer to ``GET path``.

        Raises:
            NotThereYet: there is no daemon.
            DockerError: it refused.

        """
        answer = self._checked("GET", path, query, headers=headers)
        return json.loads(answer.text() or b"null")

    def post(self, path: str, query: Optional[Query] = None, body: Any = None) -> Any:
        """Return the JSON answer to ``POST path``, None where it is empty."""
        return json.loads(self._checked("POST", path, query, body).text() or b"null")

    def delete(self, path: str) -> None:
        """Do ``DELETE path``."""
        self._checked("DELETE", path, None).text()

    def stream(
        self, path: str, query: Optional[Query] = None, headers: Optional[Mapping[str, str]] = None
    ) -> Iterator[Dict[str, Any]]:
        """Yield the JSON lines of the answer to ``POST path`` as they come.

        Raises:
            DockerError: it refused, or said so in the middle of its answer.

        """
        yield from _messages(self._checked("POST", path, query, headers=headers).body)

    def load(self, pieces: Iterable[bytes], size: int) -> None:
        """Hand over an archive of images, ``size`` bytes in pieces, as ``docker load`` does.

        Whether the daemon was still there to the end has to be looked at.

        Raises:
            DockerError: it was refused; nothing of it is kept.

        """
        headers = {"Content-Type": "application/x-tar", "Content-Length": str(size)}
        answer = self._ask(_head("POST", "/images/load", {"quiet": 1}, headers), pieces)
        _refuse(answer)
        for _ in _messages(answer.body):
            pass

    def logs(self, container: str, lines: int) -> List[str]:
        """Return the last lines that a container wrote, both streams, in order."""
        query = {"stdout": 1, "stderr": 1, "tail": lines}
        answer = self._checked("GET", "/containers/{}/logs".format(container), query)
        return demultiplexed(answer.text()).splitlines()[-lines:]

    def _checked(
        self,
        method: str,
        path: str,
        query: Optional[Query],
        body: Any = None,
        headers: Optional[Mapping[str, str]] = None,
    ) -> _Answer:
        answer = self._ask(_request(method, path, query or {}, body, headers or {}))
        _refuse(answer)
        return answer

    def _ask(self, request: bytes, body: Iterable[bytes] = ()) -> _Answer:
        try:
            connection = self._system.connect(SOCKET, _POLL)
        except FileNotFoundError:
            raise NotThereYet(
                "Docker is not installed on this host", hint="run the docker_engine task before"
            ) from None
        except OSError as error:
            raise NotThereYet(
                "the Docker daemon does not answer: {}".format(error.strerror),
                hint="systemctl status docker; journalctl -u docker",
            ) from error
        chunks = _received(connection, request, body, self._system)
        head, rest = _split_head(chunks)
        return _Answer(int(head.split(None, 2)[1]), head.decode("latin-1"), rest)


def demultiplexed(data: bytes) -> str:
    """Return the text of a log stream; that of a container with a terminal is plain already."""
    pieces = []
    rest = data
    while rest:
        if rest[0] > 2 or rest[1:4] != b"\0\0\0":  # noqa: PLR2004 - stdin, stdout, stderr
            return data.decode("utf-8", "replace")
        end = _FRAME + int.from_bytes(rest[4:_FRAME], "big")
        pieces.append(rest[_FRAME:end])
        rest = rest[end:]
    return b"".join(pieces).decode("utf-8", "replace")


def quote(text: str) -> str:
    """Percent-encode a text for a query or a path's part."""
    encoded = text.encode()
    return "".join(chr(byte) if byte in _UNRESERVED else "%{:02X}".format(byte) for byte in encoded)


def _refuse(answer: _Answer) -> None:
    if answer.status >= 400:  # noqa: PLR2004 - HTTP's error codes begin here
        raise DockerError(answer.status, _message(answer.text()))


def _request(method: str, path: str, query: Query, body: Any, headers: Mapping[str, str]) -> bytes:
    payload = b"" if body is None else json.dumps(body).encode()
    described = {} if body is None else {"Content-Type": "application/json"}
    described["Content-Length"] = str(len(payload))
    return _head(method, path, query, {**described, **headers}) + payload


def _head(method: str, path: str, query: Query, headers: Mapping[str, str]) -> bytes:
    pairs = []
    for name, value in query.items():
        text = json.dumps(value) if isinstance(value, (dict, list)) else str(value)
        pairs.append("{}={}".format(name, quote(text)))
    target = path + ("?" + "&".join(pairs) if pairs else "")
    lines = ["{} {} HTTP/1.0".format(method, target), "Host: docker"]
    lines += ["{}: {}".format(name, value) for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def _send(connection: Any, request: bytes, body: Iterable[bytes]) -> None:
    """Send a request; a daemon that does not take all of a body has said why, or soon will."""
    connection.sendall(request)
    connection.settimeout(_TIMEOUT)  # it may be busy writing what it got
    try:
        for piece in body:
            connection.sendall(piece)
    except (BrokenPipeError, ConnectionResetError):
        pass
    connection.settimeout(_POLL)


def _received(
    connection: Any, request: bytes, body: Iterable[bytes], system: System
) -> Iterator[bytes]:
    """Send the request and yield the answer; ends with the connection, which is then closed."""
    try:
        _send(connection, request, body)
        heard = time.monotonic()
        while True:
            try:
                chunk = connection.recv(_CHUNK)
            except OSError as error:
                if isinstance(error, ConnectionResetError) and body:
                    return  # so it closes on the padding of an archive, which it leaves unread
                # Its class is `socket.timeout` before Python 3.10, `TimeoutError` since.
                if str(error) != "timed out" or time.monotonic() - heard > _TIMEOUT:
                    raise DockerError(0, "the Docker daemon stopped answering") from error
                if system.is_cancelled():
                    raise Cancelled from None
                continue
            if not chunk:
                return
            heard = time.monotonic()
            yield chunk
    finally:
        connection.close()


def _split_head(chunks: Iterator[bytes]) -> Any:
    data = b""
    for chunk in chunks:
        data += chunk
        head, separator, body = data.partition(b"\r\n\r\n")
        if separator:
            return head, _joined(body, chunks)
    raise DockerError(0, "the Docker daemon closed the connection without an answer")


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _messages(body: Iterable[bytes]) -> Iterator[Dict[str, Any]]:
    """Yield the JSON lines of an answer; one may say that the request has failed."""
    rest = b""
    for chunk in body:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in filter(bytes.strip, lines):
            yield _line(line)
    if rest.strip():
        yield _line(rest)


def _line(line: bytes) -> Dict[str, Any]:
    message: Dict[str, Any] = json.loads(line)
    if "error" in message:
        raise DockerError(0, str(message["error"]))
    return message


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip()
