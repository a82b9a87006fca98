"""Running one program on the host, with its output streamed and its end guaranteed."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence

from provision.agent.failure import Cancelled, Failure

_CHUNK = 65536  # bytes a read
_POLL = 0.2  # seconds between looks at the clock and at a cancellation
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL

OutputHandler = Callable[[str, str], None]


class Completed(NamedTuple):
    """How a program ended; output is text, undecodable bytes are kept as surrogates."""

    returncode: int
    stdout: str
    stderr: str


def run_process(
    argv: Sequence[str],
    *,
    input: Optional[bytes],
    env: Dict[str, str],
    cwd: Optional[str],
    timeout: Optional[float],
    on_output: Optional[OutputHandler],
    is_cancelled: Optional[Callable[[], bool]],
) -> Completed:
    """Run ``argv`` in a session of its own, see ``System.run`` for the arguments.

    Raises:
        Failure: it cannot be started, or ran past ``timeout`` (its whole process group is ended).
        Cancelled: ``is_cancelled`` said so (likewise).

    """
    try:
        process = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        raise Failure("cannot run {}: {}".format(argv[0], os.strerror(error.errno or 0))) from error
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        output = _communicate(process, input, deadline, on_output, is_cancelled)
    except BaseException:
        _end(process)
        raise
    if output is None:
        _end(process)
        raise Failure("{} did not end within {} s".format(argv[0], timeout))
    return Completed(process.wait(), output[0], output[1])


def _communicate(
    process: "subprocess.Popen[bytes]",
    input: Optional[bytes],
    deadline: Optional[float],
    on_output: Optional[OutputHandler],
    is_cancelled: Optional[Callable[[], bool]],
) -> Optional[List[str]]:
    """Feed and drain the process; return stdout and stderr, or None when the deadline passed."""
    collected: Dict[str, List[bytes]] = {"stdout": [], "stderr": []}
    with selectors.DefaultSelector() as selector:
        for name in collected:
            selector.register(getattr(process, name), selectors.EVENT_READ, name)
        remaining = memoryview(input or b"")
        if process.stdin is not None:
            selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")
        while selector.get_map():
            if deadline is not None and time.monotonic() > deadline:
                return None
            if is_cancelled is not None and is_cancelled():
                raise Cancelled
            ready = selector.select(_POLL)
            if not ready and process.poll() is not None:
                break  # it ended, and a daemon that it left behind keeps the pipes open
            for key, _ in ready:
                if key.data == "stdin":
                    remaining = _feed(selector, key.fileobj, remaining)
                else:
                    _drain(selector, key.fileobj, key.data, collected[key.data], on_output)
    return [b"".join(parts).decode("utf-8", "surrogateescape") for parts in collected.values()]


def _feed(selector: selectors.BaseSelector, pipe: object, remaining: memoryview) -> memoryview:
    try:
        written = os.write(pipe.fileno(), remaining[:_CHUNK])  # type: ignore[attr-defined]
    except BrokenPipeError:  # it does not want the rest
        written = len(remaining)
    remaining = remaining[written:]
    if not remaining:
        selector.unregister(pipe)  # type: ignore[arg-type]
        pipe.close()  # type: ignore[attr-defined]
    return remaining


def _drain(
    selector: selectors.BaseSelector,
    pipe: object,
    name: str,
    parts: List[bytes],
    on_output: Optional[OutputHandler],
) -> None:
    chunk = os.read(pipe.fileno(), _CHUNK)  # type: ignore[attr-defined]
    if not chunk:
        selector.unregister(pipe)  # type: ignore[arg-type]
        pipe.close()  # type: ignore[attr-defined]
        return
    parts.append(chunk)
    if on_output is not None:
        on_output(name, chunk.decode("utf-8", "replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the whole process group, politely first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(_GRACE)
            break
        except subprocess.TimeoutExpired:
            continue
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            pipe.close()
