"""One session of the agent on a host: a stream of messages in, a stream of events out.

Both directions are lines of JSON. The controller does not wait for an answer before it sends the
next message; the agent answers in order. Messages:

    {"op": "modules", "data": base64 of zlib of JSON {module name: source}}   before they are used
    {"op": "apply", "id": 1, "kind": "copy", "fields": {…}, "check": false, "keep_going": false,
     "notify": ["a play: a handler"]}
    {"op": "ask", "id": 2, "kind": "facts", "fields": {}}
    {"op": "content", "sha256": …, "data": base64 of zlib, "last": true}      answer to "want"
    {"op": "content", "sha256": …, "problem": …}      likewise: it cannot be sent
    {"op": "resume"}      after a failure: carry out what follows again
    {"op": "handled", "notify": ["a play: a handler"]}      these handlers were run, or need not be
    {"op": "alive"}       somebody is still there; whoever says it once has to go on saying it
    {"op": "cancel"}      stop what can be stopped, and answer the rest ``not_run``
    {"op": "end"}         everything has been sent: answer it all, then leave

Events (``id`` names the message they belong to; empty fields are left out; as answers come in
order, a result also says that the next message is being worked on):

    {"event": "ready", "python": "3.13.5", "pid": 4711, "pending": ["a play: a handler"]}
    {"event": "output", "id": 1, "stream": "stdout", "text": …}
    {"event": "progress", "id": 1, "label": …, "done": 3, "total": 9, "unit": "bytes"}
    {"event": "want", "id": 1, "sha256": …}
    {"event": "result", "id": 1, "status": "ok|changed|unknown|failed|not_run|cancelled", …}
    {"event": "ended"}      after "end": nothing is left to do; what it held for others is free

After a failure the messages that follow are answered ``not_run`` until "resume" comes, unless the
failed one said ``keep_going``. When the stream stops without an "end", or nobody has said "alive"
for a minute, the connection is lost: the resource at work is finished (half an ``apt-get`` is worse
than a whole one) unless its kind is ``given_up_when_alone``; no other is begun.
"""

from __future__ import annotations

import binascii
import json
import os
import queue
import sys
import threading
import time
import zlib
from contextlib import suppress
from typing import Any, BinaryIO, Dict, Iterator, List, Optional

from provision.agent import pending_handlers
from provision.agent.failure import Cancelled, Failure
from provision.agent.outbox import LATENCY, Outbox
from provision.agent.resource import Query, Resource, converge
from provision.agent.resources import load
from provision.agent.system import Emitter, System

Message = Dict[str, Any]
_END: Message = {"op": "end"}  # of the stream itself
_EMPTY: List[Any] = ["", None, {}, [], ()]
_LOOK = 10.0  # seconds
_SILENCE = 5  # looks without a word from the controller after which it is taken for lost
_INBOX = 512  # messages read ahead; the rest waits in the connection's window


class Session(Emitter):
    """Carries out one stream of messages."""

    def __init__(self, source: BinaryIO, sink: int, modules: Dict[str, str]) -> None:
        self._modules = modules
        self._source = source
        self._inbox: "queue.Queue[Message]" = queue.Queue(_INBOX)
        self._postponed: List[Message] = []  # came while a resource was waiting for its content
        self._cancelled = threading.Event()
        self._complete = threading.Event()  # everything was sent; contents may still come
        self._lost = threading.Event()
        self._failed = False
        self._pending = False  # check mode: something before would have changed
        self._current = 0
        self._heard = True  # something, since the last look
        self._expected = False  # to say regularly that it is there
        self._outbox = Outbox(sink, self._lost.is_set, self._lost.set)
        self._system = System(self)
        self._system.fetch_content = self.fetch_content
        self._system.is_cut_off = lambda: self._lost.is_set() and not self._cancelled.is_set()

    def run(self) -> None:
        """Work until the stream ends."""
        pending = pending_handlers.read(self._system)
        self.send("ready", python=sys.version.split()[0], pid=os.getpid(), pending=pending)
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            for message in self._messages():
                self._take(message)
        finally:
            self._leave()

    def _leave(self) -> None:
        self._system.is_cancelled = lambda: False
        calls = [*(self._system.at_loss if self._lost.is_set() else ()), *self._system.at_end]
        for call in calls:
            with suppress(Failure, OSError):
                call()
        self.send("ended")

    def _take(self, message: Message) -> None:
        if message["op"] == "resume":
            self._failed = False
        elif message["op"] == "modules":
            packed = binascii.a2b_base64(message["data"])
            self._modules.update(json.loads(zlib.decompress(packed)))
        elif message["op"] in ("apply", "ask"):
            self._answer(message)
        elif message["op"] == "handled" and not (self._failed or self._is_unwanted()):
            pending_handlers.remove(self._system, message["notify"])

    # -- in ---------------------------------------------------------------------------------

    def _read(self) -> None:
        for line in self._source:
            self._heard = True
            message = json.loads(line)
            if message["op"] == "alive":
                self._expected = True
                continue
            if message["op"] == "end":
                self._complete.set()
            elif message["op"] == "cancel":
                self._cancelled.set()
            self._inbox.put(message)
        if not self._complete.is_set():
            self._lost.set()
        self._inbox.put(_END)

    def _watch(self) -> None:
        """Send what has waited for company, and notice that the controller has fallen silent.

        Looks are counted, rather than seconds: a host that was frozen has to hear first what was
        said meanwhile.
        """
        silent = 0
        looked = time.monotonic()
        while not self._lost.is_set():
            if self._outbox.filled.wait(_LOOK):
                time.sleep(LATENCY)
                self._outbox.flush()
            if time.monotonic() - looked < _LOOK:
                continue
            looked = time.monotonic()
            silent = 0 if self._heard or not self._expected else silent + 1
            self._heard = False
            if silent == _SILENCE:
                self._lost.set()
                self._inbox.put(_END)

    def _messages(self) -> Iterator[Message]:
        while True:
            if self._inbox.empty():
                self.flush()
            message = self._postponed.pop(0) if self._postponed else self._inbox.get()
            if message["op"] == "end":
                return self.flush()
            yield message

    def fetch_content(self, sha256: str) -> Iterator[bytes]:
        """Ask the controller for a file's content and yield it in pieces."""
        self.send("want", id=self._current, sha256=sha256)
        while True:
            message = self._inbox.get()
            if message["op"] != "content":
                self._postponed.append(message)
            if message is _END:
                raise Failure("the connection was lost while a file was being sent")
            if self._cancelled.is_set():
                raise Cancelled
            if message.get("sha256") != sha256:
                continue  # not content, or the rest of a file whose writing failed
            if "problem" in message:
                raise Failure(message["problem"])
            yield zlib.decompress(binascii.a2b_base64(message["data"]))
            if message["last"]:
                return

    # -- work -------------------------------------------------------------------------------

    def _answer(self, message: Message) -> None:
        self._current = message["id"]
        started = time.monotonic()
        if self._failed or self._is_unwanted():
            result: Message = {"status": "not_run"}
        else:
            result = self._attempt(message)
        if result["status"] in ("failed", "cancelled") and not message.get("keep_going"):
            self._failed = True
        self.send("result", id=self._current, seconds=time.monotonic() - started, **result)

    def _attempt(self, message: Message) -> Message:
        try:
            return self._carry_out(message)
        except Failure as failure:
            return {
                "status": "failed",
                "message": failure.message,
                "expected": failure.expected,
                "found": failure.found,
                "log": list(failure.log),
                "hint": failure.hint,
                "data": failure.data,
            }
        except Cancelled:
            return {"status": "cancelled", "message": "interrupted"}
        except OSError as error:
            return {"status": "failed", "message": _refusal(error)}
        except Exception as error:  # noqa: BLE001 - a bug here must reach the person, with its place
            return {"status": "failed", "message": _bug(error), "log": _traceback()}

    def _carry_out(self, message: Message) -> Message:
        declaration = load(message["kind"])(**message["fields"])
        self._system.environment = message.get("environment", {})
        is_given_up = declaration.given_up_when_alone
        self._system.is_cancelled = self._is_unwanted if is_given_up else self._cancelled.is_set
        if isinstance(declaration, Query):
            return {"status": "ok", "data": declaration.answer(self._system)}
        assert isinstance(declaration, Resource)  # noqa: S101 - `load` knows only these two
        check = message.get("check", False)
        outcome = converge(
            declaration,
            self._system,
            check=check,
            pending=self._pending,
            notify=message.get("notify", ()),
        )
        if check and outcome.status != "ok":
            self._pending = True
        return {
            "status": outcome.status,
            "changes": outcome.difference,
            "data": outcome.data,
            "message": outcome.message,
        }

    def _is_unwanted(self) -> bool:
        """Tell whether nobody waits for what is being done."""
        return self._cancelled.is_set() or self._lost.is_set()

    # -- out --------------------------------------------------------------------------------

    def send(self, event: str, **fields: Any) -> None:
        """Say something; a result may wait for others, but never for long (see ``Outbox``)."""
        filled = {name: value for name, value in fields.items() if value not in _EMPTY}
        line = json.dumps({"event": event, **filled}, separators=(",", ":")) + "\n"
        self._outbox.put(line.encode("utf-8", "surrogateescape"))
        if event != "result":
            self.flush()

    def flush(self) -> None:
        """Send what is queued. A lost connection ends the session after the resource at work."""
        self._outbox.flush()

    def output(self, stream: str, text: str) -> None:
        """Pass a program's output on, see ``Emitter``."""
        self.send("output", id=self._current, stream=stream, text=text)

    def progress(self, label: str, done: int, total: Optional[int], unit: str) -> None:
        """Pass progress on, see ``Emitter``."""
        self.send("progress", id=self._current, label=label, done=done, total=total, unit=unit)


def _refusal(error: OSError) -> str:
    """Return what the host's kernel does not let us do."""
    reason = os.strerror(error.errno) if error.errno else str(error)
    return reason if error.filename is None else "{}: {}".format(error.filename, reason)


def _bug(error: Exception) -> str:
    return "the agent failed: {}: {}".format(type(error).__name__, error)


def _traceback() -> List[str]:
    import traceback  # noqa: PLC0415 - needed only when something is broken

    return traceback.format_exc().splitlines()[-12:]


def serve(source: BinaryIO, modules: Dict[str, str]) -> None:
    """Run a session on ``source`` and the standard output, which children never get to see.

    Args:
        source: the messages.
        modules: the sources that can be imported; the session adds those that come.

    """
    sink = os.dup(1)
    os.dup2(2, 1)
    Session(source, sink, modules).run()
    os._exit(0)  # the thread that reads may wait for a connection that nobody will ever end
