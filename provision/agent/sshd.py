"""The host's OpenSSH server: what it is told, and what that comes to for one login."""

from __future__ import annotations

import shlex
from typing import Dict, Iterator, List, NamedTuple, Optional

from provision.agent.failure import Failure
from provision.agent.system import System, tail

CONFIG = "/etc/ssh/sshd_config"
_PROGRAM = "/usr/sbin/sshd"
_UNITS = ("ssh.service", "sshd.service")  # Debian's name, everybody else's
_DEEPEST = 16  # levels of Include, as in OpenSSH's servconf.c

Settings = Dict[str, List[str]]  # keyword in lower case -> its values


class Connection(NamedTuple):
    """The addresses of an SSH connection, as ``Match`` sees them."""

    client: str
    server: str
    port: str


class Statement(NamedTuple):
    """One setting of ``sshd_config``; ``match`` is the block that it stands in, if any."""

    path: str
    line: int
    keyword: str
    value: str
    match: str

    @property
    def where(self) -> str:
        """Return file and line, and the block."""
        block = " (Match {})".format(self.match) if self.match else ""
        return "{}:{}{}".format(self.path, self.line, block)


def settings_for(system: System, user: str) -> Settings:
    """Return what the files on disk come to for a login of ``user`` from where we come from.

    The server that runs may not have read them yet.

    Raises:
        Failure: there is no OpenSSH server, or its configuration is not valid.

    """
    client, server, port = our_connection(system)
    probe = "user={},host={},addr={},laddr={},lport={}".format(user, client, client, server, port)
    if system.which(_PROGRAM) is None:
        raise Failure("there is no OpenSSH server on the host ({})".format(_PROGRAM))
    done = system.run([_PROGRAM, "-T", "-C", probe])
    if done.returncode != 0:
        raise Failure(
            "the sshd configuration of the host is not valid",
            log=tail(done.stderr),
            hint="mend it there; sshd -t tells whether it is well",
        )
    settings: Settings = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        settings.setdefault(keyword, []).append(value)
    return settings


def our_connection(system: System) -> Connection:
    """Return the connection that the agent runs over; sudo hides it from us, not from root."""
    pid = "self"
    while pid not in ("0", "1", ""):
        for entry in (system.read_text("/proc/{}/environ".format(pid)) or "").split("\0"):
            name, _, value = entry.partition("=")
            if name == "SSH_CONNECTION" and len(value.split()) == 4:  # noqa: PLR2004
                client, _, server, port = value.split()
                return Connection(client, server, port)
        pid = _parent(system, pid)
    return Connection("127.0.0.1", "127.0.0.1", "22")


def _parent(system: System, pid: str) -> str:
    status = system.read_text("/proc/{}/status".format(pid)) or ""
    lines = (line.split() for line in status.splitlines() if line.startswith("PPid:"))
    return next((words[1] for words in lines), "")


def statements(system: System, path: str = CONFIG) -> Iterator[Statement]:
    """Yield the settings in the order in which sshd reads them: of several, the first counts."""
    return _statements(system, path, "", 0)


def _statements(system: System, path: str, match: str, depth: int) -> Iterator[Statement]:
    for number, line in enumerate((system.read_text(path) or "").splitlines(), 1):
        keyword, _, value = line.strip().replace("=", " ", 1).partition(" ")
        keyword, value = keyword.lower(), value.strip()
        if not keyword or keyword.startswith("#"):
            continue
        if keyword == "match":
            match = "" if value.lower() == "all" else value
        elif keyword == "include" and depth < _DEEPEST:
            for included in _included(system, value):
                yield from _statements(system, included, match, depth + 1)
        else:
            yield Statement(path, number, keyword, value, match)


def _included(system: System, patterns: str) -> Iterator[str]:
    for pattern in shlex.split(patterns, comments=True):
        yield from system.glob(pattern if pattern[0] == "/" else "/etc/ssh/" + pattern)


def check(system: System) -> None:
    """Raise ``Failure`` where the configuration on disk is not one that sshd can start with."""
    done = system.run([_PROGRAM, "-t"])
    if done.returncode != 0:
        raise Failure("the sshd configuration would not be valid", log=tail(done.stderr))


def reload(system: System) -> None:
    """Have the server read its configuration; connections stay. One per connection needs none.

    A server that has its socket from systemd ends at a reload: it cannot bind the address itself.
    Sessions outlive a restart (``KillMode=process``).
    """
    unit = running_unit(system)
    if unit is not None:
        has_socket = _is_active(system, unit.replace(".service", ".socket"))
        system.must_run(["systemctl", "restart" if has_socket else "reload", unit])


def running_unit(system: System) -> Optional[str]:
    """Return the unit of the server that listens, or None where systemd starts one per login."""
    return next((unit for unit in _UNITS if _is_active(system, unit)), None)


def _is_active(system: System, unit: str) -> bool:
    return system.run(["systemctl", "is-active", "--quiet", unit]).returncode == 0
