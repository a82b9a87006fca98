"""Timing whole commands: run in turn, so that what else the machine does hits all of them alike."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = Path(sys.executable)  # of the environment that provision is installed in
OTHERS = ROOT / ".venv-bench" / "bin"  # of the tools that it is compared with
WORK = Path(__file__).resolve().parent / "work"


@dataclass(frozen=True)
class Command:
    """Something to time.

    Args:
        name: for the table.
        argv: what to run; its start-up counts.
        proof: what its output must contain when it has found everything as it should be.
        env: variables beside those of this process.
        open_files: the limit on open files that it runs under.

    """

    name: str
    argv: Sequence[str | Path]
    proof: Callable[[str], bool] = lambda output: True
    env: Mapping[str, str] = field(default_factory=dict)
    open_files: int | None = None


@dataclass(frozen=True)
class Sample:
    """How one run went: seconds of wall and CPU time, and peak memory of the process in MiB."""

    seconds: float
    cpu: float
    memory: float


def run(command: Command, directory: Path) -> Sample:
    """Run a command to its end; one that fails, or that changed something, ends the benchmark."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command.argv],
            cwd=directory,
            env=_environment(command.env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=_limiter(command.open_files),  # noqa: PLW1509 - this process has one thread
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode("utf-8", "replace")
    if process.returncode != 0 or not command.proof(text):
        problem = f"exit code {process.returncode}, or something changed"
        sys.exit(f"{command.name}: {problem}:\n{text[-3000:]}")
    return Sample(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    """Return this process's variables; Python keeps what it compiles, as installed tools do."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **more}


def _limiter(files: int | None) -> Callable[[], None] | None:
    """Return what limits a child's open files, before it becomes the command."""
    if files is None:
        return None
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def in_turn(
    commands: Sequence[Command], rounds: Mapping[str, int], directory: Path
) -> dict[str, list[Sample]]:
    """Run the commands one after the other, again and again: ``rounds`` of each, by name."""
    samples: dict[str, list[Sample]] = {command.name: [] for command in commands}
    for number in range(max(rounds[command.name] for command in commands)):
        for command in commands:
            if number < rounds[command.name]:
                samples[command.name].append(run(command, directory))
    return samples


def median(samples: Sequence[Sample]) -> float:
    return statistics.median(sample.seconds for sample in samples)


def ratio(slower: Sequence[Sample], faster: Sequence[Sample]) -> float:
    """Return how many times longer one takes: the median over the rounds that both took part in."""
    return statistics.median(
        one.seconds / other.seconds for one, other in zip(slower, faster, strict=False)
    )
