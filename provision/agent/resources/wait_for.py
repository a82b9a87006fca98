"""Waiting until something is as it should be."""

from __future__ import annotations

import time
from typing import Optional, Sequence, Tuple

from provision.agent.failure import Cancelled, Failure
from provision.agent.grpc_health import NoAnswer, check
from provision.agent.resource import Data, Query
from provision.agent.system import System

_SHOWN = 1.0  # seconds between two reports of progress


class WaitFor(Query):
    """Look again and again until everything that is given holds.

    Args:
        path: of a file that exists, or with ``state: absent`` does not. With ``contains`` it must
            have this text in it.
        port: that accepts TCP connections, or with ``state: absent`` refuses them.
        host: of ``port``.
        url: that answers a GET with one of ``status`` and, if given, ``contains`` in its body.
        grpc: ``host:port`` of a gRPC server that says SERVING of ``service``.
        service: for ``grpc``; "" is the whole server.
        status: HTTP codes that are well.
        contains: a text.
        state: "present" or "absent".
        timeout: seconds until giving up.
        interval: seconds between two looks.
        delay: seconds before the first look.
        attempt_timeout: seconds for one look.
        validate_certs: whether an https server must prove who it is.

    """

    path: Optional[str] = None
    port: Optional[int] = None
    host: str = "127.0.0.1"
    url: Optional[str] = None
    grpc: Optional[str] = None
    service: str = ""
    status: Sequence[int] = (200,)
    contains: Optional[str] = None
    state: str = "present"
    timeout: float = 300
    interval: float = 0.5
    delay: float = 0
    attempt_timeout: float = 5
    validate_certs: bool = True

    def answer(self, system: System) -> Data:
        """Return the ``elapsed`` seconds; a ``Failure`` tells what was seen last."""
        started = time.monotonic()
        self._sleep(system, self.delay)
        shown = started
        while True:
            seen = self._look(system)
            now = time.monotonic()
            if seen is None:
                return {"elapsed": round(now - started, 3)}
            if now + self.interval > started + self.timeout:
                raise self._failure(seen)
            if now - shown > _SHOWN:
                system.emitter.progress(seen, int(now - started), int(self.timeout), "s")
                shown = now
            self._sleep(system, self.interval)

    def _sleep(self, system: System, seconds: float) -> None:
        end = time.monotonic() + seconds
        while True:
            if system.is_cancelled():
                raise Cancelled
            left = end - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(left, 0.2))

    def _failure(self, seen: str) -> Failure:
        targets = (self.path, self.url, self.grpc, self._place() if self.port else None)
        what = ", ".join(target for target in targets if target)
        return Failure(
            "{} was not {} within {:g} s".format(what, self._wish(), self.timeout),
            expected=self._wish(),
            found=seen,
        )

    def _wish(self) -> str:
        if self.grpc is not None:
            return "SERVING"
        if self.url is not None:
            return "answering " + " or ".join(map(str, self.status))
        if self.port is not None:
            return "open" if self.state == "present" else "closed"
        return self.state

    def _place(self) -> str:
        return "{}:{}".format(self.host, self.port)

    # -- one look each: None when it is well, else what was seen -----------------------------

    def _look(self, system: System) -> Optional[str]:
        looks = (
            self._look_at_path(system) if self.path is not None else None,
            self._look_at_port(system) if self.port is not None else None,
            self._look_at_url() if self.url is not None else None,
            self._look_at_grpc(system) if self.grpc is not None else None,
        )
        return next((seen for seen in looks if seen is not None), None)

    def _look_at_path(self, system: System) -> Optional[str]:
        assert self.path is not None  # noqa: S101 - see `_look`
        exists = system.exists(self.path)
        if self.state == "absent":
            return "it still exists" if exists else None
        if not exists:
            return "it does not exist"
        if self.contains is not None and self.contains not in (system.read_text(self.path) or ""):
            return "it does not contain {!r}".format(self.contains)
        return None

    def _look_at_port(self, system: System) -> Optional[str]:
        try:
            system.connect((self.host, self.port or 0), self.attempt_timeout).close()
        except OSError as error:
            return None if self.state == "absent" else reason_of(error)
        return "it accepts connections" if self.state == "absent" else None

    def _look_at_url(self) -> Optional[str]:
        from provision.agent.http_probe import probe  # noqa: PLC0415 - costs 60 ms where unused

        assert self.url is not None  # noqa: S101 - see `_look`
        try:
            status, body = probe(self.url, self.attempt_timeout, self.validate_certs)
        except OSError as error:
            return reason_of(error)
        if status not in self.status:
            return "it answers {}".format(status)
        if self.contains is not None and self.contains not in body:
            return "its body does not contain {!r}".format(self.contains)
        return None

    def _look_at_grpc(self, system: System) -> Optional[str]:
        assert self.grpc is not None  # noqa: S101 - see `_look`
        try:
            connection = system.connect(address_of(self.grpc), self.attempt_timeout)
            try:
                status = check(connection, self.grpc, self.service)
            finally:
                connection.close()
        except NoAnswer as problem:
            return str(problem)
        except OSError as error:
            return reason_of(error)
        return None if status == "SERVING" else status


def address_of(text: str) -> Tuple[str, int]:
    """Return the host and the port of ``HOST:PORT``."""
    host, _, port = text.rpartition(":")
    if not port.isdigit():
        raise Failure("{!r} is not HOST:PORT".format(text))
    return host.strip("[]") or "127.0.0.1", int(port)


def reason_of(error: OSError) -> str:
    """Return in a few words what the operating system says."""
    return (error.strerror or str(error) or type(error).__name__).lower()
