"""The host's programs: found, run, their output passed on."""

from __future__ import annotations

import os
from typing import Callable, Dict, List, Optional, Sequence

from provision.agent.failure import Failure
from provision.agent.process import Completed, run_process

TAIL_LINES = 15  # of a failing program's output, shown to the person

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT_VARIABLES = ("HOME", "USER", "LOGNAME", "http_proxy", "https_proxy", "no_proxy")


class Emitter:
    """Where a running resource reports to; the session replaces it."""

    def output(self, stream: str, text: str) -> None:
        """Take a piece of a program's output."""

    def progress(self, label: str, done: int, total: Optional[int], unit: str) -> None:
        """Take note of a long step moving on."""

    def flush(self) -> None:
        """Send what was reported so far: something slow is about to begin."""


class Programs:
    """Runs programs; see ``System`` for the attributes."""

    emitter: Emitter
    environment: Dict[str, str]
    is_cancelled: Callable[[], bool]

    def which(self, program: str) -> Optional[str]:
        """Return the path of a program, or None."""
        if "/" in program:
            return program if os.access(program, os.X_OK) else None
        candidates = (os.path.join(directory, program) for directory in _PATH.split(":"))
        return next((path for path in candidates if os.access(path, os.X_OK)), None)

    def run(
        self,
        argv: Sequence[str],
        *,
        input: Optional[bytes] = None,
        env: Optional[Dict[str, str]] = None,
        cwd: Optional[str] = None,
        timeout: Optional[float] = None,
        live: bool = False,
        interruptible: bool = False,
    ) -> Completed:
        """Run a program and return its exit code and output, whatever the code is.

        Args:
            argv: program and arguments; no shell is involved.
            input: its standard input (else ``/dev/null``).
            env: variables beside a minimal environment (``PATH``, ``HOME``, ``LANG=C.UTF-8``).
            cwd: its working directory.
            timeout: seconds after which it is ended and ``Failure`` is raised.
            live: whether its output is shown to the person as it comes.
            interruptible: whether Ctrl-C may end it half-way. Package managers must finish.

        """
        if live:
            self.emitter.flush()
        return run_process(
            argv,
            input=input,
            env=_environment({**self.environment, **(env or {})}),
            cwd=cwd,
            timeout=timeout,
            on_output=self.emitter.output if live else None,
            is_cancelled=self.is_cancelled if interruptible else None,
        )

    def must_run(
        self,
        argv: Sequence[str],
        *,
        hint: str = "",
        input: Optional[bytes] = None,
        env: Optional[Dict[str, str]] = None,
        timeout: Optional[float] = None,
        live: bool = False,
    ) -> Completed:
        """Like ``run``, but a non-zero exit code is a ``Failure`` with the last lines of output."""
        done = self.run(argv, input=input, env=env, timeout=timeout, live=live)
        if done.returncode != 0:
            raise Failure(
                "{} exited with {}".format(" ".join(argv), done.returncode),
                log=tail(done.stdout + done.stderr),
                hint=hint,
            )
        return done


def tail(text: str, lines: int = TAIL_LINES) -> List[str]:
    """Return the last lines of a program's output that hold something."""
    return [line for line in text.splitlines() if line.strip()][-lines:]


def _environment(extra: Dict[str, str]) -> Dict[str, str]:
    environment = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    environment.update(PATH=_PATH, LANG="C.UTF-8", LC_ALL="C.UTF-8")
    environment.update(extra)
    return environment
