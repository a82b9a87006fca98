"""Units of systemd: running or not, started at boot or not."""

from __future__ import annotations

import time
from typing import Dict, List, Mapping, Optional, Sequence, Union

from provision.agent.failure import Failure, NotThereYet
from provision.agent.resource import Data, Difference, Resource, State, names
from provision.agent.system import TAIL_LINES, System, tail
from provision.agent.systemd_bus import unit_properties

_PROPERTIES = (
    "Id,LoadState,LoadError,ActiveState,SubState,Result,Type,UnitFileState,NeedDaemonReload"
)
_UNIT_FILES = "unit files"
_RUNNING = ("active", "reloading")
# Static, generated and alias units have nothing to switch: they are on when something wants them.
_UNSWITCHABLE = ("static", "generated", "alias", "indirect", "transient")
# Types of services that count as running before they have read their configuration.
_UNTESTED = ("simple", "exec", "idle")
_SETTLING = 0.5  # seconds in which such a one mostly fails, if it does
_STATES = ("started", "stopped", "restarted", "reloaded")

Properties = Mapping[str, str]


class Systemd(Resource):
    """One unit or several.

    Args:
        name: unit names; ``.service`` may be left out. None at all with ``daemon_reload`` means
            every unit that systemd has loaded.
        state: "started", "stopped", "restarted" or "reloaded" (the latter two each time that they
            are declared; reloading starts what is not running); None keeps what is.
        enabled: whether it starts at boot; None keeps what is.
        masked: whether nothing may start it; None keeps what is.
        daemon_reload: reread unit files first, where systemd says that it has to.

    """

    name: Union[str, Sequence[str]] = ()
    state: Optional[str] = None
    enabled: Optional[bool] = None
    masked: Optional[bool] = None
    daemon_reload: bool = False

    def expected(self, system: System) -> State:
        """Return the declared properties of every unit."""
        if self.state not in (None, *_STATES):
            raise Failure(
                "there is no unit state {!r}".format(self.state), expected=", ".join(_STATES)
            )
        if not self._units():
            return {_UNIT_FILES: "loaded"} if self.daemon_reload else {}
        return {
            _label(name, unit, self._units()): value
            for unit in self._units()
            for name, value in self._declared().items()
        }

    def actual(self, system: System) -> State:
        """Return what systemd says of them, asked once for all."""
        units = self._units()
        if not units:
            return {_UNIT_FILES: _all_unit_files(system)} if self.daemon_reload else {}
        state: State = {}
        for unit, properties in _look(system, units).items():
            self._require(unit, properties)
            for name, value in self._found(properties).items():
                state[_label(name, unit, units)] = value
        return state

    def fix(self, system: System, difference: Difference) -> Data:
        """Make it so; returns the units' properties as ``status``, by name."""
        units = self._units()
        if not units:
            system.must_run(["systemctl", "daemon-reload"])
            return {}
        shown = _show(system, units)
        if any(properties["NeedDaemonReload"] == "yes" for properties in shown.values()):
            system.must_run(["systemctl", "daemon-reload"])
        for unit, properties in shown.items():
            for name, value in self._declared().items():
                if _label(name, unit, units) in difference:
                    _switch(system, unit, name, value, properties)
        return {"status": _show(system, units)}

    def _units(self) -> List[str]:
        return names(self.name)

    def _declared(self) -> State:
        """Return what is asked of each unit, in the order in which it has to be done."""
        state: State = {}
        if self.daemon_reload:
            state["unit file"] = "loaded"
        if self.masked is False:
            state["masked"] = False
        if self.enabled is not None:
            state["enabled"] = self.enabled
        if self.state is not None:
            state["state"] = self.state
        if self.masked:
            state["masked"] = True
        return state

    def _found(self, properties: Properties) -> State:
        outdated = properties["NeedDaemonReload"] == "yes"
        return {
            "unit file": "changed since it was loaded" if outdated else "loaded",
            "masked": properties["LoadState"] == "masked",
            "enabled": self._is_enabled(properties["UnitFileState"]),
            "state": _activity(properties),
        }

    def _is_enabled(self, unit_file_state: str) -> bool:
        if unit_file_state in _UNSWITCHABLE:
            return bool(self.enabled)
        return unit_file_state == "enabled"

    def _require(self, unit: str, properties: Properties) -> None:
        """Raise where the unit is not one that can be brought to the expected state."""
        load = properties["LoadState"]
        if load == "not-found":
            raise NotThereYet(
                "there is no unit {}".format(unit),
                hint="check its name: systemctl list-unit-files; its package may be missing",
            )
        if load == "masked" and self.masked is None and self.state not in (None, "stopped"):
            raise Failure(
                "{} is masked, nothing can start it".format(unit), hint="set `masked: false`"
            )
        if load in ("error", "bad-setting"):
            raise Failure(
                "the unit file of {} is not valid".format(unit),
                found=properties["LoadError"],
                hint="systemd-analyze verify {}".format(properties["Id"]),
            )


def _label(name: str, unit: str, units: Sequence[str]) -> str:
    return name if len(units) == 1 else "{} {}".format(unit, name)


def _look(system: System, units: Sequence[str]) -> Mapping[str, Properties]:
    """Return what tells whether units are as expected; more of those that are not loaded."""
    quick = unit_properties(system, units)
    if quick is not None and all(unit["LoadState"] == "loaded" for unit in quick.values()):
        return quick
    return _show(system, units)


def _show(system: System, units: Sequence[str]) -> Dict[str, "_Shown"]:
    done = system.must_run(
        ["systemctl", "show", "--property=" + _PROPERTIES, "--", *units],
        hint="is systemd the init system of this host?",
    )
    blocks = done.stdout.strip("\n").split("\n\n")
    shown = [_Shown(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    return dict(zip(units, shown))  # noqa: B905 - Python 3.8


def _all_unit_files(system: System) -> str:
    done = system.must_run(["systemctl", "show", "--property=NeedDaemonReload", "--", "*"])
    return "changed since they were loaded" if "=yes" in done.stdout else "loaded"


class _Shown(Dict[str, str]):
    """Properties of a unit; those that its type does not have are empty."""

    def __missing__(self, key: str) -> str:
        return ""


def _activity(properties: Properties) -> str:
    """Return "started", "stopped" or systemd's own words for what is neither."""
    active, sub = properties["ActiveState"], properties["SubState"]
    if active in _RUNNING:
        return "started"
    if active == "inactive":
        return "stopped"
    return "failed" if active == "failed" else "{} ({})".format(active, sub)


def _switch(system: System, unit: str, name: str, value: object, properties: Properties) -> None:
    if name == "masked":
        system.must_run(["systemctl", "mask" if value else "unmask", unit])
    elif name == "enabled":
        system.must_run(["systemctl", "enable" if value else "disable", unit])
    elif name == "state":
        _activate(system, unit, str(value), properties)


def _activate(system: System, unit: str, state: str, properties: Properties) -> None:
    """Start, stop, restart or reload; a failure comes with what the unit wrote to the journal."""
    verbs = {"started": "start", "stopped": "stop", "restarted": "restart"}
    verb = verbs.get(state, "reload-or-restart")
    if properties["ActiveState"] == "failed":
        system.must_run(["systemctl", "reset-failed", unit])  # else its start limit still counts
        if verb == "stop":
            return
    system.emitter.flush()
    done = system.run(["systemctl", verb, unit])
    after = _show(system, [unit])[unit]
    if after["Type"] in _UNTESTED and after["ActiveState"] in _RUNNING:
        time.sleep(_SETTLING)
        after = _show(system, [unit])[unit]
    runs = after["ActiveState"] in _RUNNING
    is_over = after["ActiveState"] == "inactive" and after["Type"] == "oneshot"
    if done.returncode == 0 and (runs or is_over or verb == "stop"):
        return
    raise Failure(
        "{} could not be {}".format(unit, state),
        expected="active" if verb != "stop" else "inactive",
        found="{} ({}), result {}".format(after["ActiveState"], after["SubState"], after["Result"]),
        log=_journal(system, after["Id"] or unit) or tail(done.stderr),
        hint="journalctl -u {}".format(after["Id"] or unit),
    )


def _journal(system: System, unit: str) -> List[str]:
    if system.which("journalctl") is None:
        return []
    count = str(TAIL_LINES)
    done = system.run(["journalctl", "-u", unit, "-n", count, "--no-pager", "-o", "short-iso"])
    return tail(done.stdout)
