"""The ``provision`` command with a tenth of its patience: a cut connection is given up in seconds.

What is shortened is named here, and nothing else is different. With ``--failpoint`` it also sends
every host an agent that looks for the number of a step to die at, see ``failpoint.py``.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

from provision.cli import main
from provision.engine.rollout import undo
from provision.transport import connection, heartbeat, launch, liveness, modules, route

FAILPOINT = Path(__file__).with_name("failpoint.py")
SHORTER = {"provision.agent.session": (r"^_LOOK = [\d.]+", "_LOOK = 0.5")}


def changed(source: Callable[[str], str], *, with_failpoint: bool) -> Callable[[str], str]:
    """Return what gives the agent's modules as hosts are to get them."""

    def of(name: str) -> str:
        text = source(name)
        if name in SHORTER:
            pattern, shorter = SHORTER[name]
            text, count = re.subn(pattern, shorter, text, flags=re.MULTILINE)
            assert count == 1, name
            if with_failpoint:
                text += FAILPOINT.read_text(encoding="utf-8").replace("from __future__", "#")
        return text

    return of


def shorten(*, with_failpoint: bool) -> None:
    """Be impatient from now on."""
    heartbeat.EVERY = 0.5
    liveness.ASK_EVERY, liveness.GIVE_UP_AFTER = 1, 4
    connection._PATIENCE, route.DEFAULT_CONNECT_TIMEOUT = 3.0, 4
    undo._PATIENCE = 8.0
    source = changed(modules.source, with_failpoint=with_failpoint)
    modules.source = launch.source = source  # type: ignore[assignment]


if __name__ == "__main__":
    asked = "--failpoint" in sys.argv
    if asked:
        sys.argv.remove("--failpoint")
    shorten(with_failpoint=asked)
    main.main()
