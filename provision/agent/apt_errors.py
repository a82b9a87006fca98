"""What apt-get's and dpkg's error messages mean for the person who has to act on them."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from provision.agent.failure import Failure
from provision.agent.system import System, tail

_UNKNOWN = re.compile(
    r"Unable to locate package (?P<a>\S+)"
    r"|Package '?(?P<b>[^\s']+)'? has no installation candidate"
    r"|Couldn't find any package by (?:glob|regex) '(?P<c>[^']+)'"
)
_NO_VERSION = re.compile(r"Version '(?P<version>[^']+)' for '(?P<name>[^']+)' was not found")
_LOCKED = re.compile(
    r"Could not get lock (?P<lock>\S+?)\.?"
    r"(?:\s.*?held by process (?P<pid>\d+)(?: \((?P<program>[^)]+)\))?|\s|$)|"
    r"dpkg (?:frontend|status database|database) (?:lock )?(?:was|is) locked by another process"
    r"(?: with pid (?P<dpkg_pid>\d+))?"
)
_OUTDATED = re.compile(r"404 +Not Found|Hash Sum mismatch|File has unexpected size")

# A pattern of the output, what it means, and what to do.
_MEANINGS: Sequence[Tuple[str, str, str]] = (
    (
        r"No space left on device|don't have enough free space",
        "the disk is full",
        "free some space (apt-get clean, docker system prune) and run it again",
    ),
    (
        r"Held packages were changed",
        "a held package would have to change",
        "declare `hold: true` together with the new version, or release it: apt-mark unhold",
    ),
    (
        r"Packages were downgraded",
        "a package would have to be downgraded",
        "set `allow_downgrade: true` where that is meant",
    ),
    (
        r"have unmet dependencies|pkgProblemResolver",
        "packages depend on others that cannot be installed",
        "see the versions that conflict: apt-cache policy; look for held ones: apt-mark showhold",
    ),
    (
        r"NO_PUBKEY|is not signed|EXPKEYSIG|Missing key",
        "a package source is not signed by a key that the host trusts",
        "give the source its signing key (apt_repository: key or key_url)",
    ),
    (
        r"does not have a Release file",
        "a package source does not serve this distribution",
        "check its URL and suite",
    ),
    (
        r"Temporary failure resolving|Could not resolve|Could not connect|Unable to connect|"
        r"Connection timed out|Connection failed|Network is unreachable|Failed to fetch",
        "a package source cannot be reached",
        "check the host's network, DNS and proxy settings",
    ),
    (
        r"are you root\?|Permission denied",
        "only root may change packages",
        "set `become: true`",
    ),
    (
        r"returned (?:an )?error|post-?installation script|subprocess .* exit status",
        "a package's own script failed",
        "mend what it complains about; the next run first finishes what was left half done",
    ),
)


def is_locked(output: str) -> bool:
    """Tell whether another package manager was at work."""
    return _LOCKED.search(output) is not None


def is_outdated(output: str) -> bool:
    """Tell whether newer package lists may help."""
    return any(pattern.search(output) for pattern in (_UNKNOWN, _NO_VERSION, _OUTDATED))


def why(system: System, arguments: Sequence[str], output: str) -> Failure:
    """Return the failure that a person can act on."""
    log = _telling_lines(output)
    locked = _LOCKED.search(output)
    if locked is not None:
        return _lock_failure(locked, log)
    version = _NO_VERSION.search(output)
    if version is not None:
        return _version_failure(system, version.group("name"), version.group("version"), log)
    unknown = _UNKNOWN.search(output)
    if unknown is not None:
        return _unknown_failure(system, next(filter(None, unknown.groups())), log)
    for pattern, meaning, hint in _MEANINGS:
        if re.search(pattern, output):
            return Failure("apt-get {}: {}".format(_verb(arguments), meaning), log=log, hint=hint)
    return Failure("apt-get {} failed".format(_verb(arguments)), log=log)


def _verb(arguments: Sequence[str]) -> str:
    return next((word for word in arguments if not word.startswith("-")), "")


def _telling_lines(output: str) -> List[str]:
    """Return apt's own errors after the end of what led to them."""
    errors = [line for line in output.splitlines() if line.startswith(("E: ", "W: "))]
    rest = [line for line in tail(output, 15) if line not in errors]
    return rest[-max(15 - len(errors), 5) :] + errors


def _lock_failure(locked: "re.Match[str]", log: List[str]) -> Failure:
    pid = locked.group("pid") or locked.group("dpkg_pid")
    program = locked.group("program")
    holder = "process {}{}".format(pid, " ({})".format(program) if program else "") if pid else ""
    return Failure(
        "another package manager is at work on this host",
        expected="the lock {} to be free".format(locked.group("lock") or "of dpkg"),
        found="held by " + (holder or "an unknown process"),
        log=log,
        hint="wait until it is done, or raise `lock_timeout`"
        + (": ps -fp {}".format(pid) if pid else ""),
    )


def _version_failure(system: System, name: str, version: str, log: List[str]) -> Failure:
    madison = system.run(["apt-cache", "madison", name]).stdout
    versions = [line.split("|")[1].strip() for line in madison.splitlines() if line.count("|") > 1]
    return Failure(
        "there is no version {} of the package {}".format(version, name),
        expected=version,
        found="available: " + (", ".join(dict.fromkeys(versions)) or "none"),
        log=log,
        hint="choose one of the available versions, or add the repository that has it",
    )


def _unknown_failure(system: System, name: str, log: List[str]) -> Failure:
    near = _nearest(system, name)
    hint = "did you mean {}?".format(" or ".join(near)) if near else "check its name"
    return Failure(
        "there is no package {} in this host's package lists".format(name),
        log=log,
        hint=hint + "; it may also need another repository",
    )


def _nearest(system: System, name: str) -> List[str]:
    import difflib  # noqa: PLC0415 - needed only after a failure

    known = system.run(["apt-cache", "pkgnames", name[:1]]).stdout.split()
    alike = [other for other in known if abs(len(other) - len(name)) <= 2]  # noqa: PLR2004
    return difflib.get_close_matches(name, alike, n=3, cutoff=0.75)
