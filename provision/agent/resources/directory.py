"""A directory, and what is in it where that is asked for."""

from __future__ import annotations

from typing import Iterator, List, Optional, Tuple

from provision.agent.failure import Failure
from provision.agent.resource import Difference, Resource, State, compare
from provision.agent.resources.ownership import owned_as, ownership, ownership_of
from provision.agent.system import FileStatus, System

_SHOWN = 20  # paths inside that a difference lists


class Directory(Resource):
    """A directory: whether it is there, and its owner, group and mode.

    Args:
        path: the absolute path; missing parents are created with the same owner, group and mode.
        state: ``present``, or ``absent``: with all that is in it.
        mode: permission bits as a number; None keeps what is there (new: 0o755).
        owner, group: names or numbers; None keeps what is there.
        keep_existing: one that is there already keeps the owner, group and mode that it has.
        recurse: everything inside has that owner, group and mode as well; links are not followed.

    """

    path: str
    state: str = "present"
    mode: Optional[int] = None
    owner: Optional[str] = None
    group: Optional[str] = None
    keep_existing: bool = False
    recurse: bool = False

    def expected(self, system: System) -> State:
        """Return the type and the ownership that was declared."""
        if self.state == "absent":
            return {"type": "absent"}
        if self.keep_existing and system.exists(self.path):
            return {"type": "directory"}
        state: State = {"type": "directory", **self._owned(system)}
        return {**state, "others_inside": []} if self.recurse else state

    def actual(self, system: System) -> State:
        """Return what stands at ``path``; a link to a directory is as good as one."""
        path = self.path if self.state == "absent" else system.resolve(self.path)
        status = system.stat(path)
        if status is None:
            return {"type": "absent", "others_inside": []}
        if status.type != "directory" and self.state == "present":
            raise Failure(
                "{} is a {}, not a directory".format(self.path, status.type),
                hint="remove it, or choose another path",
            )
        state: State = {"type": status.type, **ownership_of(status)}
        if self.recurse and self.state == "present":
            inside = [found for found, _ in self._deviating(system, path)]
            more = len(inside) - _SHOWN
            rest = ["and {} more".format(more)] if more > 0 else []
            state["others_inside"] = inside[:_SHOWN] + rest
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Remove it, or create it with its parents, or own it and what is inside."""
        if self.state == "absent":
            return system.remove(self.path)
        path = system.resolve(self.path)
        for missing in _missing(system, path):
            self._create(system, missing)
        if "others_inside" in difference:
            for inside, deviation in list(self._deviating(system, path)):
                owned_as(system, inside, deviation)
        if "type" not in difference:
            owned_as(system, path, difference)
        return None

    def _owned(self, system: System) -> State:
        return ownership(system, self.mode, self.owner, self.group)

    def _create(self, system: System, path: str) -> None:
        system.make_directory(path, self.mode)
        status = system.stat(path)
        if status is not None:
            owned_as(system, path, compare(self._owned(system), ownership_of(status)))

    def _deviating(self, system: System, path: str) -> Iterator[Tuple[str, Difference]]:
        """Yield the paths inside that are owned otherwise. A link has no mode of its own."""
        declared = self._owned(system)
        for inside, status in _walk(system, path):
            actual = ownership_of(status)
            if status.type == "link":
                actual["mode"] = self.mode
            deviation = compare(declared, actual)
            if deviation:
                yield inside, deviation


def _walk(system: System, path: str) -> Iterator[Tuple[str, FileStatus]]:
    for name in system.listdir(path):
        inside = "{}/{}".format(path.rstrip("/"), name)
        status = system.stat(inside)
        if status is None:
            continue  # it was removed while we looked
        yield inside, status
        if status.type == "directory":
            yield from _walk(system, inside)


def _missing(system: System, path: str) -> List[str]:
    """Return ``path`` and those of its parents that do not exist, the outermost first."""
    missing: List[str] = []
    while path and not system.exists(path):
        missing.insert(0, path)
        path = path.rstrip("/").rpartition("/")[0]
    return missing
