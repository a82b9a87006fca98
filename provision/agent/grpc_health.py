"""Asking a gRPC server whether it serves: one call of ``grpc.health.v1.Health/Check``.

A unary call needs little of HTTP/2 (RFC 9113): a preface, a settings exchange, one header block and
one data frame each way. Header fields are sent as literals, which any server understands, and those
that come back need not be read: the answer is in the data ("GRPC Health Checking Protocol").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, List, NamedTuple

if TYPE_CHECKING:
    from _socket import socket

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_ACK = _END_STREAM = 0x1
_END_HEADERS = 0x4
_PADDED = 0x8
_STREAM = 1  # the first that a client opens
_FRAME_HEAD = 9
_MESSAGE_HEAD = 5  # bytes: compressed or not, and the length
_MAX_FRAMES = 100  # a server that talks on and on is not a health service
_UNKNOWN = "the server has no health service, or does not know this service"
_STATUSES = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")


class NoAnswer(Exception):
    """The server did not answer the question; the text says what it did instead."""


class _Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    payload: bytes


def check(connection: socket, authority: str, service: str) -> str:
    """Return the health of ``service`` ("" is the whole server): "SERVING", "NOT_SERVING", ….

    Args:
        connection: to the server, with a timeout set.
        authority: ``host:port``, as the server is called.
        service: its name in the health service.

    Raises:
        NoAnswer: it is no gRPC server, has no health service, or does not know ``service``.
        OSError: the connection broke or nothing came in time.

    """
    connection.sendall(
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, _STREAM, _headers(authority))
        + _frame(_DATA, _END_STREAM, _STREAM, _question(service))
    )
    return _status(_answer(connection))


def _answer(connection: socket) -> bytes:
    """Return the data of our stream."""
    data = b""
    for _ in range(_MAX_FRAMES):
        frame = _receive(connection)
        if frame.kind in (_SETTINGS, _PING) and not frame.flags & _ACK:
            payload = frame.payload if frame.kind == _PING else b""
            connection.sendall(_frame(frame.kind, _ACK, 0, payload))
        elif frame.kind == _GOAWAY or (frame.kind == _RST_STREAM and frame.stream == _STREAM):
            raise NoAnswer("the server ended the call")
        elif frame.kind == _DATA and frame.stream == _STREAM:
            data += _unpadded(frame)
            length = int.from_bytes(data[1:_MESSAGE_HEAD], "big")
            if len(data) >= _MESSAGE_HEAD + length:
                return data[_MESSAGE_HEAD : _MESSAGE_HEAD + length]
        if frame.stream == _STREAM and frame.flags & _END_STREAM:
            raise NoAnswer(_UNKNOWN)
    raise NoAnswer("the server never answered the question")


def _receive(connection: socket) -> _Frame:
    head = _exactly(connection, _FRAME_HEAD)
    if head.startswith(b"HTTP/1."):
        raise NoAnswer("this is an HTTP/1 server, not a gRPC one")
    length = int.from_bytes(head[:3], "big")
    stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
    return _Frame(head[3], head[4], stream, _exactly(connection, length))


def _exactly(connection: socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        chunk = connection.recv(size - len(received))
        if not chunk:
            raise NoAnswer("the server closed the connection")
        received += chunk
    return received


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


def _headers(authority: str) -> bytes:
    fields = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/grpc.health.v1.Health/Check"),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    )
    return b"".join(b"\0" + _literal(name) + _literal(value) for name, value in fields)


def _literal(text: str) -> bytes:
    """Return a string literal of RFC 7541, not compressed."""
    data = text.encode()
    limit = 0x7F  # longer ones go on in further bytes
    if len(data) < limit:
        return bytes((len(data),)) + data
    rest, size = len(data) - limit, [limit]
    while rest >= 0x80:  # noqa: PLR2004 - seven bits a byte
        size.append(rest % 0x80 + 0x80)
        rest //= 0x80
    return bytes((*size, rest)) + data


def _question(service: str) -> bytes:
    """Return a HealthCheckRequest: field 1 is the service's name."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def _varint(number: int) -> bytes:
    digits: List[int] = []
    while number >= 0x80:  # noqa: PLR2004 - seven bits a byte
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*digits, number))


def _unpadded(frame: _Frame) -> bytes:
    if not frame.flags & _PADDED:
        return frame.payload
    return frame.payload[1 : len(frame.payload) - frame.payload[0]]


def _status(message: bytes) -> str:
    """Read a HealthCheckResponse: field 1 is the status; a missing one is its zero, UNKNOWN."""
    number = message[1] if message[:1] == b"\x08" and len(message) > 1 else 0
    if number == 0:
        raise NoAnswer(_UNKNOWN)
    return _STATUSES[number] if number < len(_STATUSES) else str(number)
