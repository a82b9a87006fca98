"""How the agent gets onto a host: one command line, and the first bytes of its standard input."""

from __future__ import annotations

import json
import shlex
import zlib

from provision.transport.modules import BOOTSTRAP, core, once, source

# The shell says this on stdout before anything else of ours: what comes before is the login
# shell's (a greeting in ~/.bashrc). Where sudo may ask for a password, nothing is sent before it
# has asked (the prompt appears on stderr) or this has come: else sudo would take what follows a
# wrong password for further attempts, and lock the account.
STARTED = '{"event":"started"}'
PROMPT = "provision-sudo-password:"

# The words below pass through whatever login shell the user has. Single quotes mean the same to
# sh, fish and csh only around text without ' \ ! and newlines, so there are none; each word is an
# argument of its own, so that none is quoted twice.

# For any Python 3, so that one which is too old can say so. $0 of sh.
_STARTER = (
    "import sys;v=sys.version_info[:2];"
    'v<(3,8)and(print(sys.argv[1]+"%d.%d"%v+sys.argv[2])or sys.exit(0));'
    'import zlib;stream=open(0,"rb",closefd=False);'
    "a,b=map(int,stream.readline().split());"
    "code=zlib.decompress(stream.read(a));archive=stream.read(b);"
    'exec(compile(code,"<bootstrap>","exec"))'
)
_TOO_OLD = (
    '{"event":"fatal","message":"its python3 is version ',
    '; 3.8 or newer is needed","hint":"install a newer one under that name"}',
)
_MISSING = {
    "event": "fatal",
    "message": "there is no python3 on the host",
    "hint": "a run without --check installs it; or install python3 by hand",
}
_INSTALLING = {
    "event": "bootstrap",
    "message": "there is no python3 on the host: installing it",
}
_NOT_INSTALLED = {
    "event": "fatal",
    "message": "python3 could not be installed",
    "hint": "install python3 (3.8 or newer) on the host by hand",
}
# $0 the starter, $1 STARTED, $2 what to say without Python, $3 where installing it failed, $4 and
# $5 what to say around the version of one that is too old.
_FIND = (
    'echo "$1"; p=$(command -v python3) || p=/usr/libexec/platform-python; '
    '[ -x "$p" ] || { echo "$2"; '
)
_GIVE_UP = "exit 0; }; "
_INSTALL = (
    "if command -v apt-get; then export DEBIAN_FRONTEND=noninteractive;"
    " apt-get -o DPkg::Lock::Timeout=300 update &&"
    " apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends python3;"
    " elif command -v dnf; then dnf install -y python3;"
    " elif command -v yum; then yum install -y python3;"
    " fi </dev/null >&2;"
    ' p=$(command -v python3) || { echo "$3"; exit 0; }; }; '
)
_START = 'exec "$p" -I -S -X utf8 -c "$0" "$4" "$5"'


def agent_command(*, become: str | None, password: bool, install_python: bool) -> str:
    """Return the command line that starts the agent, for whatever login shell the host has.

    Args:
        become: the user to become through sudo, or None.
        password: whether a password is at hand, should sudo ask for one.
        install_python: whether to install python3 where it is missing (not in check mode).

    """
    script = _FIND + (_INSTALL if install_python else _GIVE_UP) + _START
    without = _INSTALLING if install_python else _MISSING
    said = (STARTED, _json(without), _json(_NOT_INSTALLED), *_TOO_OLD)
    words = ["/bin/sh", "-c", script, _STARTER, *said]
    if become is not None:
        ask = ["-S", "-p", PROMPT] if password else ["-n"]
        words = ["sudo", "-H", *ask, "-u", become, "--", *words]
    return "exec " + shlex.join(words)


def _json(event: dict[str, str]) -> str:
    return json.dumps(event, separators=(",", ":"))


def first_bytes() -> bytes:
    """Return what the agent's standard input begins with: sizes, bootstrap, agent."""
    code, archive = _payload()
    return f"{len(code)} {len(archive)}\n".encode() + code + archive


@once
def _payload() -> tuple[bytes, bytes]:
    """Return the compressed bootstrap and the compressed agent; the same for every host."""
    code = source(BOOTSTRAP).encode()
    archive = json.dumps({name: source(name) for name in sorted(core())})
    return zlib.compress(code, 9), zlib.compress(archive.encode(), 9)
