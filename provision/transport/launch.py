"""How the agent gets onto a host: one command line, and the first bytes of its standard input."""

from __future__ import annotations

import json
import shlex
import zlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent

# Readable by any Python, so that one which is too old can say so.
_STARTER = (
    "import sys;v=sys.version_info[:2]\n"
    "if v<(3,8):\n"
    ' print(\'{"event":"fatal","message":"python3 is version %d.%d; 3.8 or newer is needed"}\'%v)\n'
    " sys.exit(0)\n"
    "import zlib;stream=open(0,'rb',closefd=False)\n"
    "a,b=map(int,stream.readline().split())\n"
    "code=zlib.decompress(stream.read(a));archive=stream.read(b)\n"
    "exec(compile(code,'<bootstrap>','exec'))"
)

# Where sudo may ask for a password, nothing is sent before it has asked (this prompt appears on
# stderr) or the shell behind it has started (this line, on stdout): else sudo would take what
# follows a wrong password for further attempts, and lock the account.
PROMPT = "provision-sudo-password:"
STARTED = '{"event":"started"}'

_FIND_PYTHON = "p=$(command -v python3) || p=/usr/libexec/platform-python; "
_MISSING = """\
[ -x "$p" ] || { echo '{"event":"fatal","message":"there is no python3 on the host",\
"hint":"a run without --check installs it; or install python3 by hand"}'; exit 0; }; """
_INSTALL = """\
[ -x "$p" ] || {
echo '{"event":"bootstrap","message":"there is no python3 on the host: installing it"}'
if command -v apt-get; then
export DEBIAN_FRONTEND=noninteractive
apt-get -o DPkg::Lock::Timeout=300 update && \
apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends python3
elif command -v dnf; then dnf install -y python3
elif command -v yum; then yum install -y python3
fi </dev/null >&2
p=$(command -v python3) || { echo '{"event":"fatal","message":"python3 could not be installed",\
"hint":"install python3 (3.8 or newer) on the host by hand"}'; exit 0; }
}; """


def agent_command(*, become: str | None, password: bool, install_python: bool) -> str:
    """Return the command line that starts the agent, for whatever login shell the host has.

    Args:
        become: the user to become through sudo, or None.
        password: whether a password is at hand, should sudo ask for one.
        install_python: whether to install python3 where it is missing (not in check mode).

    """
    script = f"echo '{STARTED}'; " if become is not None and password else ""
    script += _FIND_PYTHON + (_INSTALL if install_python else _MISSING)
    script += f'exec "$p" -I -S -X utf8 -c {shlex.quote(_STARTER)}'
    words = ["/bin/sh", "-c", script]
    if become is not None:
        ask = ["-S", "-p", PROMPT] if password else ["-n"]
        words = ["sudo", "-H", *ask, "-u", become, "--", *words]
    return "exec " + shlex.join(words)


def first_bytes() -> bytes:
    """Return what the agent's standard input begins with: sizes, bootstrap, agent."""
    code, archive = _payload()
    return f"{len(code)} {len(archive)}\n".encode() + code + archive


@cache
def _payload() -> tuple[bytes, bytes]:
    """Return the compressed bootstrap and the compressed agent; the same for every host."""
    sources = {"provision": ""}
    for path in sorted((_PACKAGE / "agent").rglob("*.py")):
        name = ".".join(("provision", *path.relative_to(_PACKAGE).with_suffix("").parts))
        sources[name.removesuffix(".__init__")] = path.read_text(encoding="utf-8")
    code = sources.pop("provision.agent.bootstrap").encode()
    return zlib.compress(code), zlib.compress(json.dumps(sources).encode())
