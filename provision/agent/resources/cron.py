"""A job of cron."""

from __future__ import annotations

from typing import List, Optional

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.edited_file import lines_of
from provision.agent.resources.ownership import require_parent
from provision.agent.system import System

_MARKER = "#Ansible: {}\n"  # Ansible's, so that jobs that it made are known by their names


class Cron(Resource):
    """A line of a user's crontab, or of a file in /etc/cron.d, known by the comment before it.

    Args:
        name: what the job is called.
        job: the command line.
        minute, hour, day, month, weekday: when; or
        special_time: ``reboot``, ``hourly``, ``daily``, ``weekly``, ``monthly``, ``yearly``.
        disabled: keep the line, but as a comment.
        user: whose crontab; in a ``cron_file``, who runs it.
        cron_file: a name in /etc/cron.d, or a path.
        state: ``present`` or ``absent``.

    """

    name: str
    job: str = ""
    minute: str = "*"
    hour: str = "*"
    day: str = "*"
    month: str = "*"
    weekday: str = "*"
    special_time: Optional[str] = None
    disabled: bool = False
    user: Optional[str] = None
    cron_file: Optional[str] = None
    state: str = "present"

    def expected(self, system: System) -> State:
        """Return the job's line."""
        return {"line": None if self.state == "absent" else self._line()}

    def actual(self, system: System) -> State:
        """Return the line after the job's comment."""
        lines = self._lines(system)
        marker = _MARKER.format(self.name)
        following = lines[lines.index(marker) + 1 :][:1] if marker in lines else []
        return {"line": following[0].rstrip("\n") if following else None}

    def fix(self, system: System, difference: Difference) -> None:
        """Replace the crontab, or the file."""
        content = "".join(self._edited(self._lines(system))).encode("utf-8", "surrogateescape")
        path = self._path()
        if path is None:
            system.must_run(["crontab", *self._whose(), "-"], input=content)
        else:
            system.write(path, content)

    def _line(self) -> str:
        times = (self.minute, self.hour, self.day, self.month, self.weekday)
        when = "@" + self.special_time if self.special_time else " ".join(map(str, times))
        who = [self.user or "root"] if self.cron_file else []
        line = " ".join([when, *who, self.job])
        return "#" + line if self.disabled else line

    def _edited(self, lines: List[str]) -> List[str]:
        marker = _MARKER.format(self.name)
        job = [] if self.state == "absent" else [marker, self._line() + "\n"]
        if marker not in lines:
            return [*(line if line.endswith("\n") else line + "\n" for line in lines), *job]
        at = lines.index(marker)
        return [*lines[:at], *job, *lines[at + 2 :]]

    def _lines(self, system: System) -> List[str]:
        path = self._path()
        if path is not None:
            if self.state == "present":
                require_parent(system, path)
            return lines_of(system.read_text(path) or "")
        if system.which("crontab") is None:
            raise NotThereYet("there is no crontab on the host", hint="install cron first")
        done = system.run(["crontab", *self._whose(), "-l"])
        if done.returncode != 0 and "no crontab for" not in done.stderr:
            raise Failure("cannot read the crontab", log=done.stderr.splitlines())
        return lines_of(done.stdout)

    def _whose(self) -> List[str]:
        return [] if self.user is None else ["-u", self.user]

    def _path(self) -> Optional[str]:
        if self.cron_file is None or "/" in self.cron_file:
            return self.cron_file
        return "/etc/cron.d/" + self.cron_file
