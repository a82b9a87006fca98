"""Key pairs of the person at the terminal: the public half to install, the private one to use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from provision.errors import Location, UsageError
from provision.source import read_text
from provision.transport.ssh_config import look_up

_DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")
_LINE = re.compile(r"(?:ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+(?: .*)?")


@dataclass(frozen=True)
class Identity:
    """A public key, and how it can be used from here.

    Args:
        public: a line as in a ``.pub`` file.
        private: the file with the private half; None where only the SSH agent has it.
        usable: whether the private half is at hand.

    """

    public: str
    private: Path | None
    usable: bool


def identity_at(path: Path) -> Identity:
    """Return the key of ``path``, a ``.pub`` file (or the private key that has one beside it).

    Raises:
        UsageError: there is no public key.

    """
    path = path.expanduser()
    public = path if path.suffix == ".pub" else path.with_name(f"{path.name}.pub")
    if not public.exists():
        private = public.with_suffix("")
        raise UsageError(
            f"there is no public key {public}",
            hint=f"make it: ssh-keygen -y -f {private} > {public}"
            if private.exists()
            else "name one that is there, such as --key ~/.ssh/id_ed25519.pub",
        )
    lines = [line.strip() for line in read_text(public).splitlines() if line.strip()]
    if len(lines) != 1 or not _LINE.fullmatch(lines[0]):
        raise UsageError("this is no public key of OpenSSH", where=Location(str(public)))
    private = public.with_suffix("")
    in_file = _opens(private)
    return Identity(lines[0], private if in_file else None, in_file or lines[0] in _Agent())


def require_usable(paths: Sequence[Path]) -> list[Identity]:
    """Return the keys of these files, one of which at least can be used from here.

    Raises:
        UsageError: none can, so that nobody could try the login that they are for.

    """
    identities = [identity_at(path) for path in paths]
    if not any(identity.usable for identity in identities):
        names = ", ".join(str(path) for path in paths)
        raise UsageError(
            f"the private half of {names} cannot be used here, so the new login cannot be tried",
            hint="load it into your SSH agent (ssh-add), or give a second --key that is yours",
        )
    return identities


def own_identity(path: Path) -> Identity:
    """Return the key of a private key file, whether it has a ``.pub`` file beside it or not.

    Raises:
        UsageError: it cannot be used.

    """
    if not path.is_file():
        raise UsageError(f"there is no private key {path}", hint="name the file that ssh -i takes")
    identity = _identity_of(path)
    if identity is None:
        public = path.suffix == ".pub"
        raise UsageError(
            f"the private key {path} cannot be used",
            hint=f"that is the public half: {path.with_suffix('')} is the private one"
            if public
            else "one with a passphrase has to be in your SSH agent: ssh-add",
        )
    return identity


def _identity_of(path: Path) -> Identity | None:
    if path.with_name(f"{path.name}.pub").exists():
        identity = identity_at(path)
        return identity if identity.usable else None
    return Identity(_public_half(path), path, usable=True) if _opens(path) else None


def default_identity(address: str) -> Identity:
    """Return the key that a login to ``address`` would use first: a file's, else the SSH agent's.

    Raises:
        UsageError: there is none.

    """
    for path in tried_for(address):
        identity = _identity_of(path)
        if identity is not None:
            return identity
    for line in _Agent():
        return Identity(line, None, usable=True)
    raise UsageError(
        "there is no SSH key to install: none in ~/.ssh, none in an SSH agent",
        hint="make one (ssh-keygen -t ed25519), load it (ssh-add), or name it: --key FILE.pub",
    )


def tried_for(address: str) -> tuple[Path, ...]:
    """Return the key files that a login to ``address`` tries without being told to."""
    named = list(look_up(address).get("identityfile", []))
    files = [Path(name).expanduser() for name in named if name != "none"]
    return tuple(files) or tuple(Path("~/.ssh").expanduser() / name for name in _DEFAULTS)


def _opens(path: Path) -> bool:
    """Tell whether a private key can be used as it is: it is there, and has no passphrase."""
    from paramiko import PKey, SSHException

    try:
        PKey.from_path(path)
    except (OSError, TypeError, ValueError, SSHException):  # TypeError: a passphrase is wanted
        return False
    return True


def _public_half(path: Path) -> str:
    from paramiko import PKey

    key = PKey.from_path(path)
    return f"{key.get_name()} {key.get_base64()}"


class _Agent:
    """The public keys of the SSH agent; two lines are the same key whatever their comments."""

    def __iter__(self) -> Iterator[str]:
        from paramiko import Agent

        agent = Agent()
        try:
            for key in agent.get_keys():
                yield f"{key.get_name()} {key.get_base64()} {key.comment}".strip()
        finally:
            agent.close()

    def __contains__(self, line: str) -> bool:
        return any(known.split()[:2] == line.split()[:2] for known in self)
