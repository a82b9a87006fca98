"""A symbolic or hard link."""

from __future__ import annotations

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import require_parent
from provision.agent.system import System


class Link(Resource):
    """A link at ``path`` that leads to ``src``. A link that leads elsewhere is replaced.

    Args:
        path: where the link stands.
        src: where it leads; a relative one starts at the link's directory.
        hard: a hard link, to a file of the same file system; else a symbolic one.
        state: ``present`` or ``absent``; only a link is removed.
        force: replace a file or an empty directory; make a symbolic link to what does not exist.

    """

    path: str
    src: str = ""
    hard: bool = False
    state: str = "present"
    force: bool = False

    def expected(self, system: System) -> State:
        """Return the type and the target."""
        if self.state == "absent":
            return {"type": "absent"}
        if self.hard:
            return {"type": "hard link", "target": self.src}
        return {"type": "link", "target": self.src}

    def actual(self, system: System) -> State:
        """Return what stands at ``path``."""
        status = system.stat(self.path)
        if self.state == "present":
            self._source_must_exist(system)
            require_parent(system, self.path)
        if status is None:
            return {"type": "absent"}
        if status.type == "link":
            return {"type": "link", "target": status.target}
        if self.state == "absent":
            raise Failure("{} is a {}, not a link".format(self.path, status.type))
        if self.hard and system.same_file(self.path, self.src):
            return {"type": "hard link", "target": self.src}
        self._may_replace(system, status.type)
        return {"type": status.type}

    def fix(self, system: System, difference: Difference) -> None:
        """Remove it, or put it in place of what is there."""
        status = system.stat(self.path)
        if self.state == "absent":
            return system.remove(self.path)
        if status is not None and status.type == "directory":
            system.remove(self.path)
        if self.hard:
            return system.hard_link(self.src, self.path)
        return system.symlink(self.src, self.path)

    def _source_must_exist(self, system: System) -> None:
        directory = self.path.rstrip("/").rpartition("/")[0]
        source = self.src if self.src.startswith("/") else "{}/{}".format(directory, self.src)
        if system.exists(source) or (self.force and not self.hard):
            return
        raise NotThereYet(
            "{} would lead to {}, which does not exist".format(self.path, source),
            hint="create it first" + ("" if self.hard else ", or use force"),
        )

    def _may_replace(self, system: System, found: str) -> None:
        if not self.force:
            raise Failure(
                "{} is a {}, not a link".format(self.path, found),
                hint="remove it, or use force to replace it",
            )
        if found == "directory" and system.listdir(self.path):
            raise Failure("{} is a directory with something in it".format(self.path))
