"""A user of the host."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence

from provision.agent import accounts
from provision.agent.failure import NotThereYet
from provision.agent.resource import Difference, Resource, State
from provision.agent.system import System

_OPTIONS = {"uid": "-u", "group": "-g", "home": "-d", "shell": "-s", "comment": "-c"}
_SECRET = "(as declared)"  # noqa: S105 - what is shown instead of a hash


class User(Resource):
    """A local user; None keeps what is there.

    Args:
        name: the login name.
        uid: its number.
        group: the primary group, by name.
        groups: further groups; all of them, or with ``append`` at least these.
        append: keep the user in groups that are not listed.
        home, shell, comment: as in /etc/passwd.
        create_home: make a missing home directory, out of /etc/skel.
        move_home: move what is in the old home when ``home`` is another one.
        system: take a new one's number from the system range.
        password: hashed, as /etc/shadow has it.
        update_password: ``always``, or ``on_create``: set it only for a new user.
        password_lock: whether login by password is locked.
        state: ``present`` or ``absent``.
        remove: ``absent`` removes the home directory too.

    """

    name: str
    uid: Optional[int] = None
    group: Optional[str] = None
    groups: Optional[Sequence[str]] = None
    append: bool = False
    home: Optional[str] = None
    shell: Optional[str] = None
    comment: Optional[str] = None
    create_home: bool = True
    move_home: bool = False
    system: bool = False
    password: Optional[str] = None
    update_password: str = "always"  # noqa: S105 - when, not what
    password_lock: Optional[bool] = None
    state: str = "present"
    remove: bool = False

    def expected(self, system: System) -> State:
        """Return the properties that were declared."""
        if self.state == "absent":
            return {"state": "absent"}
        user = accounts.find_user(system, self.name)
        state: State = {"state": "present"}
        for name in _OPTIONS:
            if getattr(self, name) is not None:
                state[name] = getattr(self, name)
        if self.groups is not None:
            kept = self._groups(system) if self.append else []
            state["groups"] = sorted(set(self.groups) | set(kept))
        if self.create_home:
            state["home_exists"] = True
        if self.password is not None and (user is None or self.update_password == "always"):  # noqa: S105
            state["password"] = _SECRET
        if self.password_lock is not None:
            state["locked"] = self.password_lock
        self._require_groups(system)
        return state

    def actual(self, system: System) -> State:
        """Return the same of /etc/passwd, /etc/group and /etc/shadow."""
        user = accounts.find_user(system, self.name)
        if user is None:
            return {"state": "absent"}
        state: State = {
            "state": "present",
            "uid": user.uid,
            "group": self._primary_group(system, user),
            "groups": self._groups(system),
            "home": user.home,
            "shell": user.shell,
            "comment": user.comment,
            "home_exists": system.exists(user.home),
        }
        if self.password is not None or self.password_lock is not None:
            found = accounts.password_hash(system, self.name)
            same = found.lstrip("!") == (self.password or "").lstrip("!")
            state["password"] = _SECRET if same else "(another one)"
            state["locked"] = found.startswith("!")
        return state

    def fix(self, system: System, difference: Difference) -> None:
        """Add, change or delete the user."""
        if self.state == "absent":
            system.must_run(["userdel", *(["-r"] if self.remove else []), self.name])
            return
        options = self._options(difference)
        if "state" in difference:
            system.must_run(["useradd", *self._new(system), *options, self.name])
        elif options:
            system.must_run(["usermod", *options, self.name])
        self._fix_password(system, difference)
        user = accounts.require_user(system, self.name)
        if self.create_home and not system.exists(user.home):
            system.must_run(["mkhomedir_helper", self.name])

    def _options(self, difference: Difference) -> List[str]:
        options: List[str] = []
        for name, option in _OPTIONS.items():
            if name in difference:
                options += [option, str(difference[name].expected)]
        if "home" in difference and self.move_home and "state" not in difference:
            options.append("-m")
        if "groups" in difference:
            options += ["-G", ",".join(difference["groups"].expected)]
        return options

    def _new(self, system: System) -> List[str]:
        """Return what only ``useradd`` is told."""
        options = ["-m" if self.create_home else "-M"]
        if self.system:
            options.append("-r")
        if self.group is None and self.name in accounts.groups(system):
            options.append("-N")  # a group of that name exists: do not try to create it
        return options

    def _fix_password(self, system: System, difference: Difference) -> None:
        """Set and lock the password; it travels by standard input, where nobody can read it."""
        if "password" in difference:
            line = "{}:{}\n".format(self.name, self.password)
            system.must_run(["chpasswd", "-e"], input=line.encode())
        if self.password_lock is True and {"locked", "password"} & set(difference):
            system.must_run(["usermod", "-L", self.name])
        if self.password_lock is False and "locked" in difference:
            locked = accounts.password_hash(system, self.name)
            if locked.startswith("!"):
                system.must_run(["usermod", "-U", self.name])

    def _require_groups(self, system: System) -> None:
        known: Dict[str, accounts.GroupEntry] = accounts.groups(system)
        wanted = list(self.groups or []) + ([self.group] if self.group is not None else [])
        for name in wanted:
            if name not in known:
                raise NotThereYet("there is no group {!r}".format(name))

    def _groups(self, system: System) -> List[str]:
        entries = accounts.groups(system).values()
        return sorted(entry.name for entry in entries if self.name in entry.members)

    def _primary_group(self, system: System, user: accounts.Account) -> str:
        names = (e.name for e in accounts.groups(system).values() if e.gid == user.gid)
        return next(names, str(user.gid))
