"""The controller's end of an agent's stream: declarations go down, results come back."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from provision.agent.declaration import Declaration
from provision.errors import UnreachableError
from provision.transport import heartbeat
from provision.transport.content import Content, content_messages
from provision.transport.labels import word_for
from provision.transport.launch import agent_command, first_bytes
from provision.transport.messages import ALIVE, as_line, to_carry_out
from provision.transport.modules import needed_by, packed
from provision.transport.pipe import Pipe
from provision.transport.result import Result, result_of
from provision.transport.start import await_start

_BATCH = 16384  # bytes of messages that travel together: each packet costs both ends CPU


@dataclass
class Request:
    """A declaration under way. ``future`` gets the ``Result``, or ``UnreachableError``."""

    declaration: Declaration
    future: Future[Result] = field(default_factory=Future)
    on_event: Callable[[dict[str, Any]], None] | None = None
    content: Content | None = None


class AgentChannel:
    """One agent on one host, as one user.

    Args:
        host: the host's name, for messages.
        open_pipe: starts a command on the host.
        become: the user to become through sudo, or None.
        become_password: for sudo, should it ask.
        install_python: whether to install python3 where it is missing.

    Raises:
        UnreachableError: sudo refuses.

    """

    def __init__(
        self,
        host: str,
        open_pipe: Callable[[str], Pipe],
        *,
        become: str | None = None,
        become_password: str | None = None,
        install_python: bool = True,
    ) -> None:
        self.host = host
        self._become = become
        command = agent_command(
            become=become, password=become_password is not None, install_python=install_python
        )
        try:
            self._pipe = open_pipe(command)
        except OSError as error:
            raise UnreachableError(f"host {host}: no agent could be started: {error}") from error
        self._received = b""
        self._waiting: deque[Request] = deque()
        self._numbers = 0
        self._outbox = bytearray()
        self._shipped: frozenset[str] = frozenset()
        self._lock = threading.Lock()  # of the fields above
        self._sending = threading.Lock()  # of the pipe's sending side
        self._lost: UnreachableError | None = None
        self._pending: set[str] = set()
        self._ended = threading.Event()
        self._started = become is not None and become_password is not None
        if self._started:
            try:
                self._await_start(become_password)
            except BaseException:
                self._pipe.close()
                raise
        # Reading begins before sending: a login shell with much to say must not stall both.
        self._reader = threading.Thread(target=self._read, name=f"agent {host}", daemon=True)
        self._reader.start()
        self._send_now(first_bytes() + ALIVE)  # a silence from now on means that we are gone
        heartbeat.keep(self)

    # -- down -------------------------------------------------------------------------------

    def submit(
        self,
        declaration: Declaration,
        *,
        check: bool = False,
        keep_going: bool = False,
        notify: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
        content: Content | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> Future[Result]:
        """Queue a declaration and return its future result, without waiting.

        Args:
            declaration: a resource or a query.
            check: only tell what it would change.
            keep_going: whether a failure leaves the rest of the stream running.
            notify: what the host is to remember as ``pending`` before it changes something.
            environment: variables for the programs that the declaration runs.
            content: what to send when the host asks for the declared hash.
            on_event: called with output and progress events, from the reading thread.

        """
        request = Request(declaration, content=content, on_event=on_event)
        message = to_carry_out(
            declaration, check=check, keep_going=keep_going, notify=notify, environment=environment
        )
        with self._lock:
            if self._lost is not None:
                request.future.set_exception(self._lost)
                return request.future
            self._numbers += 1
            message["id"] = self._numbers
            self._waiting.append(request)
            self._outbox += self._modules_for(declaration) + as_line(message)
            full = len(self._outbox) > _BATCH
        if full:
            self.flush()
        return request.future

    def _modules_for(self, declaration: Declaration) -> bytes:
        """Return what the agent has to be sent before it can load a declaration, if anything."""
        lacking = needed_by(type(declaration).__module__) - self._shipped
        if not lacking:
            return b""
        self._shipped |= lacking
        return as_line({"op": "modules", "data": packed(lacking)})

    def resume(self) -> None:
        """After a failure: carry out what is submitted from now on."""
        self._post({"op": "resume"})

    @property
    def pending(self) -> frozenset[str]:
        """What an earlier run has notified and not ``handled``, known with the first answer."""
        with self._lock:
            return frozenset(self._pending)

    def handled(self, names: Iterable[str]) -> None:
        """Let the host forget what it had to remember, if nothing before it fails."""
        done = sorted(names)
        with self._lock:
            self._pending -= set(done)
        self._post({"op": "handled", "notify": done})
        self.flush()

    def beat(self) -> None:
        """Tell the agent that somebody is there, unless something else is on its way to it."""
        if self._sending.acquire(blocking=False):
            try:
                if self._pipe.has_room():
                    self._send_locked(ALIVE)
            finally:
                self._sending.release()

    def cancel(self) -> None:
        """Stop what can be stopped; everything outstanding is answered without being run."""
        self._post({"op": "cancel"})
        self.flush()

    @property
    def at_work(self) -> Declaration | None:
        """What the host has to answer next; None when everything is answered."""
        with self._lock:
            return self._waiting[0].declaration if self._waiting else None

    def drop(self) -> None:
        """Leave the agent to itself at once: it finishes what it is at, and begins nothing else."""
        heartbeat.leave(self)
        self._pipe.close()

    def _post(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._outbox += as_line(message)

    def flush(self) -> None:
        """Send what is queued."""
        with self._sending:
            with self._lock:
                data, self._outbox = bytes(self._outbox), bytearray()
            if data:
                self._send_locked(data)

    def _send_now(self, data: bytes) -> None:
        with self._sending:
            self._send_locked(data)

    def _send_locked(self, data: bytes) -> None:
        with contextlib.suppress(OSError):  # the reader sees the end of the stream, and knows why
            self._pipe.send(data)

    def close(self, timeout: float = 10.0) -> None:
        """Let the agent finish what was submitted, and end it.

        What it says last is waited for, not its end: sudo and sshd take 70 ms to clear up.
        """
        heartbeat.leave(self)
        self._post({"op": "end"})
        self.flush()
        self._ended.wait(timeout)
        self._pipe.close()

    # -- up ---------------------------------------------------------------------------------

    def _await_start(self, password: str | None) -> None:
        self._received = await_start(self._pipe, self.host, become=self._become, password=password)

    def _read(self) -> None:
        problem = ""
        try:
            if not self._started:
                self._await_start(None)
            for line in self._lines():
                self._handle(json.loads(line))
        except UnreachableError as error:
            self._lost = error
        except Exception as error:  # whatever it is, nobody may be left waiting
            problem = str(error) or type(error).__name__
        self._give_up(problem)

    def _lines(self) -> Iterator[bytes]:
        while True:
            *lines, self._received = self._received.split(b"\n")
            yield from lines
            data = self._pipe.receive()
            if not data:
                return
            self._received += data

    def _handle(self, event: dict[str, Any]) -> None:
        kind = event.pop("event")
        if kind == "result":
            with self._lock:
                request = self._waiting.popleft()
            request.future.set_result(result_of(event))
        elif kind == "want":
            self._send_content(self._waiting[0], event["sha256"])
        elif kind == "fatal":
            self._lost = self._fatal(event)
        elif kind == "ended":
            self._ended.set()
        elif kind == "ready":
            with self._lock:
                self._pending |= set(event.get("pending", ()))
        elif self._waiting and (listener := self._waiting[0].on_event):
            listener({"event": kind, **event})

    def _send_content(self, request: Request, sha256: str) -> None:
        """Stream a file's content, in pieces; the agent waits for it and reads nothing else."""
        for message in content_messages(request.content or b"", sha256):
            self._send_now(as_line(message))

    def _give_up(self, problem: str) -> None:
        """Fail everything outstanding: nobody will answer it."""
        heartbeat.leave(self)
        with self._lock:
            error = self._lost or self._reason(problem)
            self._lost = error
            outstanding = list(self._waiting)
            self._waiting.clear()
        self._ended.set()
        for request in outstanding:
            request.future.set_exception(error)

    def _fatal(self, event: dict[str, Any]) -> UnreachableError:
        said = self._pipe.stderr().strip().splitlines()[-1:]
        hint = "; ".join([event[name] for name in ("hint",) if name in event] + said)
        return UnreachableError(f"host {self.host}: {event['message']}", hint=hint or None)

    def _reason(self, problem: str) -> UnreachableError:
        first = next(iter(self._waiting), None)
        at_work = f" during {word_for(first.declaration.kind())}" if first else ""
        said = self._pipe.stderr().strip().splitlines()
        return UnreachableError(
            f"host {self.host}: the connection was lost{at_work}"
            + (f": {problem}" if problem else ""),
            hint=said[-1] if said else "run it again: what was done is kept",
        )
