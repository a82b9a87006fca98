"""What a role has run, runs, and can go back to on this host.

<root>/releases/<id>/compose.yml      what is started
<root>/releases/<id>/manifest.json    written last: a release without one is not complete
<root>/current -> releases/<id>       never anything that has not been well
/var/lib/provision/history.jsonl      a line for every switch, of all roles
"""

from __future__ import annotations

import json
import time
from typing import Any, Dict, List, Optional

from provision.agent.system import System

HISTORY = "/var/lib/provision/history.jsonl"
SWITCHES = ("deploy", "rollback", "undo")  # actions that made a release the current one

Entry = Dict[str, Any]


def current(system: System, root: str) -> str:
    """Return the id of the current release of the role at ``root``, "" where there is none."""
    status = system.stat(root + "/current")
    return status.target.rpartition("/")[2] if status is not None else ""


def directory(root: str, release: str) -> str:
    """Return where a release lies."""
    return "{}/releases/{}".format(root, release)


def compose_file(root: str, release: str) -> str:
    """Return the path of a release's Compose file."""
    return directory(root, release) + "/compose.yml"


def manifest(system: System, root: str, release: str) -> Optional[Entry]:
    """Return what a release is made of, or None where it is not complete."""
    text = system.read_text(directory(root, release) + "/manifest.json")
    return None if text is None else _parsed(text)


def manifests(system: System, root: str) -> List[Entry]:
    """Return those of all complete releases of a role, the oldest first."""
    found = (manifest(system, root, name) for name in system.listdir(root + "/releases"))
    return sorted((each for each in found if each is not None), key=lambda each: each["created"])


def history(system: System, role: Optional[str] = None) -> List[Entry]:
    """Return the host's history, or one role's, the oldest line first; torn lines are left out."""
    lines = map(_parsed, (system.read_text(HISTORY) or "").splitlines())
    return [line for line in lines if line is not None and role in (None, line.get("role"))]


def record(system: System, entry: Entry) -> None:
    """Add a line to the host's history; it gets the time, in UTC."""
    if not system.exists(HISTORY.rpartition("/")[0]):
        system.make_directory(HISTORY.rpartition("/")[0], 0o700)
    line = {"at": now(), **entry}
    system.append_line(HISTORY, json.dumps(line, separators=(",", ":")))


def now() -> str:
    """Return the time, such as ``2026-11-22T23:44:04Z``."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def past(entries: List[Entry], now_current: str) -> List[str]:
    """Return the releases that going back walks along, the current one last.

    A deploy is a step forward; going back to a release forgets the ones after it, so that going
    back twice leads two steps back. A switch whose line was never written is the last step.
    """
    steps: List[str] = []
    for entry in entries:
        release = entry.get("release", "")
        if entry.get("action") == "destroy":
            steps = []
        elif entry.get("action") not in SWITCHES or not release:
            continue
        elif entry["action"] != "deploy" and release in steps:
            del steps[len(steps) - steps[::-1].index(release) :]
        elif not steps or steps[-1] != release:
            steps.append(release)
    if now_current and steps[-1:] != [now_current]:
        steps.append(now_current)
    return steps


def _parsed(text: str) -> Optional[Entry]:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
