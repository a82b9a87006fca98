"""A mounted file system."""

from __future__ import annotations

from typing import Optional

from provision.agent.failure import Failure
from provision.agent.fstab import Entry, mounted_at, parse, replaced
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.edited_file import lines_of
from provision.agent.system import System


class Mount(Resource):
    """A mount point, in fstab and now; as ``ansible.posix.mount`` does it.

    Args:
        path: the mount point.
        src, fstype, opts, dump, passno: the other fields of fstab(5).
        state: ``mounted``: in fstab, and mounted now (the directory is made); ``present``: in
            fstab; ``unmounted``: not mounted now; ``absent``: neither, and no directory.
        fstab: the file.

    """

    path: str
    src: str = ""
    fstype: str = ""
    opts: str = "defaults"
    dump: str = "0"
    passno: str = "0"
    state: str = "mounted"
    fstab: str = "/etc/fstab"

    def expected(self, system: System) -> State:
        """Return fstab's line, and whether it is mounted."""
        if self.state == "unmounted":
            return {"mounted": False}
        if self.state == "absent":
            return {"fstab": None, "mounted": False, "directory": False}
        line = self._entry().line().strip()
        return {"fstab": line} if self.state == "present" else {"fstab": line, "mounted": True}

    def actual(self, system: System) -> State:
        """Return the same as it is."""
        entry = self._found(system)
        return {
            "fstab": None if entry is None else entry.line().strip(),
            "mounted": mounted_at(system, self._point()) is not None,
            "directory": system.exists(self._point()),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Write fstab, then mount; unmount before anything is taken away."""
        if self.state in ("unmounted", "absent"):
            if "mounted" in difference:
                system.must_run(["umount", self._point()])
            if "directory" in difference:
                self._remove_directory(system)
        if "fstab" in difference:
            self._write_fstab(system)
        if self.state == "mounted":
            self._mount(system, difference)

    def _point(self) -> str:
        return self.path.rstrip("/") or "/"

    def _entry(self) -> Entry:
        return Entry(self.src, self._point(), self.fstype, self.opts, self.dump, self.passno)

    def _found(self, system: System) -> Optional[Entry]:
        lines = lines_of(system.read_text(self.fstab) or "")
        entries = [entry for entry in map(parse, lines) if entry and entry.path == self._point()]
        return entries[-1] if entries else None

    def _write_fstab(self, system: System) -> None:
        lines = lines_of(system.read_text(self.fstab) or "")
        entry = None if self.state == "absent" else self._entry()
        content = "".join(replaced(lines, self._point(), entry))
        system.write(self.fstab, content.encode("utf-8", "surrogateescape"))

    def _mount(self, system: System, difference: Difference) -> None:
        """Mount it, or remount it with other options; another source has to be mounted anew."""
        point = self._point()
        if "mounted" not in difference:
            if "fstab" not in difference:
                return
            old = parse(difference["fstab"].actual or "")
            if old is None or (old.src, old.fstype) == (self.src, self.fstype):
                system.must_run(["mount", "-T", self.fstab, "-o", "remount", point])
                return
            system.must_run(["umount", point])
        if not system.exists(point):
            system.make_directory(point)
        system.must_run(["mount", "-T", self.fstab, point])

    def _remove_directory(self, system: System) -> None:
        if system.listdir(self._point()):
            raise Failure(
                "{} is not mounted, but holds files".format(self._point()),
                hint="remove them by hand if they are not needed",
            )
        system.remove(self._point())
