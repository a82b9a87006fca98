"""A kernel parameter."""

from __future__ import annotations

from typing import List, Optional, Union

from provision.agent.failure import NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.edited_file import lines_of
from provision.agent.resources.ownership import make_parent
from provision.agent.system import System


class Sysctl(Resource):
    """A parameter of the running kernel, and of the next boot.

    Args:
        name: as ``sysctl`` takes it: ``net.ipv4.ip_forward``, or with slashes for dots.
        value: its value; spaces between parts do not count.
        sysctl_file: where the next boot reads it.
        state: ``present``, or ``absent``: not in the file; the running kernel stays as it is.
        reload: set it in the running kernel too.

    """

    name: str
    value: Optional[Union[str, int]] = None
    sysctl_file: str = "/etc/sysctl.d/99-provision.conf"
    state: str = "present"
    reload: bool = True

    def expected(self, system: System) -> State:
        """Return the value in the file and in the kernel."""
        if self.state == "absent":
            return {"configured": None}
        value = _words(str(self.value))
        return {"configured": value, "live": value} if self.reload else {"configured": value}

    def actual(self, system: System) -> State:
        """Return the last value in the file, which is the one that counts, and the kernel's."""
        lines = lines_of(system.read_text(self.sysctl_file) or "")
        values = [line.partition("=")[2] for line in lines if self._is_ours(line)]
        state: State = {"configured": _words(values[-1]) if values else None}
        if self.reload and self.state == "present":
            state["live"] = self._live(system)
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Set it; the kernel comes first, so that no refused value gets into the file."""
        if "live" in difference:
            system.write_kernel(_kernel_path(self.name), str(self.value))
        if "configured" in difference:
            lines = lines_of(system.read_text(self.sysctl_file) or "")
            content = "".join(self._edited(lines))
            make_parent(system, self.sysctl_file)
            system.write(self.sysctl_file, content.encode("utf-8", "surrogateescape"))

    def _live(self, system: System) -> str:
        value = system.read_text(_kernel_path(self.name))
        if value is None:
            raise NotThereYet(
                "the kernel has no parameter {}".format(self.name),
                hint="its module may have to be loaded first",
            )
        return _words(value)

    def _is_ours(self, line: str) -> bool:
        name, equals, _ = line.partition("=")
        is_comment = line.lstrip().startswith(("#", ";"))
        # "-" before a name: errors do not count, see sysctl.d(5)
        name = name.strip().lstrip("-")
        return bool(equals) and not is_comment and _kernel_path(name) == _kernel_path(self.name)

    def _edited(self, lines: List[str]) -> List[str]:
        """Return the lines with ours in the place of its first one, or at the end."""
        ours = [number for number, line in enumerate(lines) if self._is_ours(line)]
        others = [line for line in lines if not self._is_ours(line)]
        if self.state == "absent":
            return others
        line = "{} = {}\n".format(self.name, _words(str(self.value)))
        if ours:
            return [*others[: ours[0]], line, *others[ours[0] :]]
        return [*(text if text.endswith("\n") else text + "\n" for text in others), line]


def _words(value: str) -> str:
    return " ".join(value.split())


def _kernel_path(name: str) -> str:
    """Return the file of a parameter: the first separator tells which of them it uses."""
    dot, slash = name.find("."), name.find("/")
    if dot != -1 and (slash == -1 or dot < slash):
        name = name.translate({ord("."): "/", ord("/"): "."})
    return "/proc/sys/" + name
