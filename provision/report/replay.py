"""Show a recorded run again: ``python -m provision.report.replay FILE [--speed N]``.

The way to look at the live view without a fleet, and at what somebody else's run looked like.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from provision.engine.events import Event, RunStarted
from provision.errors import ExitCode, ProvisionError
from provision.report import Listener, make_listener, read_events


def replay(events: Iterable[Event], listener: Listener, speed: float) -> None:
    """Give recorded events to ``listener``, ``speed`` times as fast as they happened."""
    previous: float | None = None
    for event in events:
        if previous is not None:
            time.sleep(max(0.0, event.at - previous) / speed)
        previous = event.at
        listener(replace(event, at=time.time()))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        events = list(read_events(options.file))
    except ProvisionError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    listener = make_listener(
        json=False,
        verbosity=options.verbose,
        diff=options.diff,
        check=any(isinstance(event, RunStarted) and event.check for event in events),
        stream=sys.stdout,
        is_terminal=sys.stdout.isatty(),
    )
    try:
        replay(events, listener, options.speed)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    finally:
        listener.close()
    return ExitCode.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m provision.report.replay", description=__doc__)
    parser.add_argument("file", type=Path, help="an events.jsonl under .provision/runs")
    parser.add_argument("--speed", type=float, default=1.0, help="1 is as fast as it happened")
    parser.add_argument("--diff", action="store_true", help="show the diff of each change")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    return parser


if __name__ == "__main__":
    sys.exit(main())
