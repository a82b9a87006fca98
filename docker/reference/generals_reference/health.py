#!/usr/bin/python3 -IS
"""``generals-health HOST:PORT | http://…``: exit 0 if the service there is healthy, else 1.

A probe runs every few seconds on every host, so it must start fast: no gRPC library (0.3 s of CPU),
but the one HTTP/2 exchange that ``grpc.health.v1.Health/Check`` is (RFC 9113; gRPC over HTTP/2).
"""

from __future__ import annotations

import socket
import struct
import sys

TIMEOUT = 3.0  # seconds
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
ACK, END_STREAM, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_MESSAGE = b"\0\0\0\0\0"  # not compressed, 0 bytes long: HealthCheckRequest{service: ""}
SERVING = b"\x08\x01"  # HealthCheckResponse{status: SERVING}


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def field(name: str, value: str) -> bytes:
    """An HPACK literal that is neither indexed nor Huffman coded (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def request(authority: str) -> bytes:
    head = b"".join(
        field(name, value)
        for name, value in (
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", authority[:120]),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        )
    )
    return (
        PREFACE
        + frame(SETTINGS, 0, 0)
        + frame(HEADERS, END_HEADERS, 1, head)
        + frame(DATA, END_STREAM, 1, EMPTY_MESSAGE)
    )


def exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError("connection closed without an answer")
        data += piece
    return data


def grpc_health(host: str, port: int) -> str:
    """Empty if the server says SERVING, else what is wrong."""
    with socket.create_connection((host, port), TIMEOUT) as connection:
        connection.sendall(request(f"{host}:{port}"))
        message = b""
        for _ in range(100):
            head = exactly(connection, 9)
            size, kind, flags, stream = (
                int.from_bytes(head[:3], "big"),
                *struct.unpack(">BBI", head[3:]),
            )
            payload = exactly(connection, size)
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            elif kind == DATA and stream == 1:
                message += payload[1 : size - payload[0]] if flags & PADDED else payload
            elif kind in (RST_STREAM, GOAWAY):
                return "the server refused the health request"
            if stream == 1 and kind in (DATA, HEADERS) and flags & END_STREAM:
                break
        return "" if message[5:] == SERVING else "the server does not say SERVING"


def http_health(url: str) -> str:
    """Empty if the URL answers 2xx, else what is wrong."""
    authority, _, path = url.removeprefix("http://").partition("/")
    host, _, port = authority.partition(":")
    with socket.create_connection((host, int(port or 80)), TIMEOUT) as connection:
        connection.sendall(f"GET /{path} HTTP/1.0\r\nHost: {authority}\r\n\r\n".encode())
        status = connection.makefile("rb").readline().decode("latin-1").split()
    good = len(status) > 1 and status[1].startswith("2")
    return "" if good else f"answered {' '.join(status)}"


def check(address: str) -> str:
    """Empty if `address` is healthy, else what is wrong."""
    try:
        if address.startswith("http://"):
            return http_health(address)
        host, _, port = address.rpartition(":")
        return grpc_health(host.strip("[]"), int(port))
    except (OSError, ValueError) as error:
        return str(error)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: generals-health HOST:PORT | http://HOST:PORT/PATH")
    problem = check(sys.argv[1])
    sys.exit(f"{sys.argv[1]}: {problem}" if problem else 0)


if __name__ == "__main__":
    main()
