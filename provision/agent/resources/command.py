"""A program run for its effect."""

from __future__ import annotations

from typing import Dict, Optional, Sequence

from provision.agent.failure import Failure
from provision.agent.resource import Data, Difference, Resource, State
from provision.agent.system import System, tail


class Command(Resource):
    """Run a program, or a shell line, once for each time that it is declared.

    It cannot know whether it will change anything: it counts as a change unless ``creates`` or
    ``removes`` says that it has been run before.

    Args:
        argv: the program and its arguments; or
        shell: a line for ``/bin/sh`` (or ``executable``).
        creates: a path; when it exists, there is nothing to do.
        removes: a path; when it does not exist, there is nothing to do.
        chdir: the working directory.
        environment: variables to set.
        stdin: text for its standard input.
        timeout: seconds after which it is ended, with all its children.
        executable: the shell for ``shell``.

    """

    argv: Optional[Sequence[str]] = None
    shell: Optional[str] = None
    creates: Optional[str] = None
    removes: Optional[str] = None
    chdir: Optional[str] = None
    environment: Optional[Dict[str, str]] = None
    stdin: Optional[str] = None
    timeout: Optional[float] = None
    executable: str = "/bin/sh"

    def expected(self, system: System) -> State:
        """Return that it has been run."""
        return {"run": True}

    def actual(self, system: System) -> State:
        """Return whether ``creates`` and ``removes`` say that it has been run."""
        created = self.creates is not None and _matches(system, self.creates)
        removed = self.removes is not None and not _matches(system, self.removes)
        return {"run": created or removed}

    def fix(self, system: System, difference: Difference) -> Data:
        """Run it; returns ``rc``, ``stdout`` and ``stderr``."""
        argv = list(self.argv or []) or [self.executable, "-c", self.shell or ""]
        done = system.run(
            argv,
            input=None if self.stdin is None else self.stdin.encode(),
            env=self.environment,
            cwd=self.chdir,
            timeout=self.timeout,
            live=True,
            interruptible=True,
        )
        data = {"rc": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
        if done.returncode != 0:
            raise Failure(
                "{} exited with {}".format(self.shell or " ".join(argv), done.returncode),
                log=tail(done.stdout + done.stderr),
                data=data,
            )
        return data


def _matches(system: System, pattern: str) -> bool:
    return bool(system.glob(pattern))
