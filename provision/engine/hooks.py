"""Programs of the user's that run here at certain points of a command: ``hooks/<point>``.

    pre-deploy, post-deploy, deploy-failed, pre-rollback, post-rollback, pre-destroy, post-destroy

A ``pre-`` hook that exits with anything but 0 ends the command before it has changed anything. The
others come when everything has been done; a failure of theirs is told, and is the run's.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from provision.errors import Location, TaskError, UsageError

if TYPE_CHECKING:
    from provision.engine.run import Run

_DIRECTORY = "hooks"
_TAIL = 15  # lines of its output that are shown when it fails


def run_hook(run: Run, point: str, hosts: Sequence[str], facts: Mapping[str, str]) -> None:
    """Run a hook, where the project has one, as a phase of the run.

    Args:
        run: what it is a part of; with ``--check`` there are no hooks.
        point: its name.
        hosts: those that the run is about.
        facts: further variables, without the ``PROVISION_`` that they get in its environment.

    Raises:
        TaskError: it failed.
        UsageError: it cannot be run.

    """
    path = Path.cwd() / _DIRECTORY / point
    if run.options.check or not path.exists():
        return
    if not os.access(path, os.X_OK):
        raise UsageError("the hook is not executable", where=Location(str(path)), hint="chmod +x")
    known = {
        "RUN": run.id,
        "BY": run.info.by,
        "HOSTS": " ".join(hosts),
        "FAILED_HOSTS": " ".join(host for host in hosts if run.is_out(host)),
        **facts,
    }
    environment = {f"PROVISION_{name}": value for name, value in known.items()}
    run.phase(f"hook {point}", (), lambda: _call(run, path, environment))


def _call(run: Run, path: Path, environment: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(
            [str(path)],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise UsageError(
            f"the hook cannot be run: {error.strerror}", where=Location(str(path))
        ) from None
    lines = run.mask(done.stdout).splitlines()
    if done.returncode != 0:
        said = "".join(f"\n    {line}" for line in lines[-_TAIL:])
        raise TaskError(f"the hook {path.name} exited with {done.returncode}{said}")
    return lines[-1] if lines else "ok"
