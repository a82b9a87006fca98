"""A module of the kernel."""

from __future__ import annotations

from provision.agent.resource import Difference, Resource, State
from provision.agent.resources.ownership import make_parent
from provision.agent.system import System


class Modprobe(Resource):
    """A kernel module, loaded now and at the next boot.

    Args:
        name: the module.
        state: ``present``: loaded, or built into the kernel; ``absent``: not loaded.
        params: its parameters, for loading it now and, if ``persistent``, at boot.
        persistent: the next boot loads it too (or, ``absent``, does not).

    """

    name: str
    state: str = "present"
    params: str = ""
    persistent: bool = False

    def expected(self, system: System) -> State:
        """Return whether it is loaded, and what the next boot is told."""
        present = self.state == "present"
        state: State = {"loaded": present}
        if self.persistent:
            state["at_boot"] = self.name + "\n" if present else None
            options = "options {} {}\n".format(self.name, self.params)
            state["options"] = options if present and self.params else None
        return state

    def actual(self, system: System) -> State:
        """Return the same of /proc/modules and of our files."""
        return {
            "loaded": self._is_loaded(system) or self._is_built_in(system),
            "at_boot": system.read_text(self._boot_file()),
            "options": system.read_text(self._options_file()),
        }

    def fix(self, system: System, difference: Difference) -> None:
        """Load or unload it; only then tell the next boot."""
        if "loaded" in difference:
            remove = [] if self.state == "present" else ["-r"]
            system.must_run(
                ["modprobe", *remove, self.name, *self.params.split()],
                hint="a module of another kernel than the running one needs a reboot",
            )
        for name, path in (("options", self._options_file()), ("at_boot", self._boot_file())):
            if name in difference:
                _write(system, path, difference[name].expected)

    def _boot_file(self) -> str:
        return "/etc/modules-load.d/{}.conf".format(self.name)

    def _options_file(self) -> str:
        return "/etc/modprobe.d/{}.conf".format(self.name)

    def _is_loaded(self, system: System) -> bool:
        lines = (system.read_text("/proc/modules") or "").splitlines()
        return any(line.split(" ", 1)[0] == _underscored(self.name) for line in lines)

    def _is_built_in(self, system: System) -> bool:
        release = (system.read_text("/proc/sys/kernel/osrelease") or "").strip()
        listed = system.read_text("/lib/modules/{}/modules.builtin".format(release)) or ""
        files = (line.rpartition("/")[2] for line in listed.splitlines())
        return any(_underscored(file.split(".")[0]) == _underscored(self.name) for file in files)


def _underscored(name: str) -> str:
    return name.replace("-", "_")


def _write(system: System, path: str, content: object) -> None:
    if isinstance(content, str):
        make_parent(system, path)
        system.write(path, content.encode())
    else:
        system.remove(path)
