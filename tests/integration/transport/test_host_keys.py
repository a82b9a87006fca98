"""Host keys of real servers: known, unknown, changed, pinned."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.errors import UnreachableError

from .asking import ask
from .conftest import Link, Servers

pytestmark = pytest.mark.integration


def test_known_key(servers: Servers, link: Link) -> None:
    assert ask(link(servers.start()), "id -un") == "ops"


def test_hashed_known_hosts_of_the_user(servers: Servers, link: Link, home: Path) -> None:
    endpoint = servers.start()
    known = home / ".ssh" / "known_hosts"
    known.write_text(endpoint.known_hosts[0].read_text())
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", known], check=True, capture_output=True)
    assert endpoint.address not in known.read_text()
    assert ask(link(endpoint, known_hosts=()), "id -un") == "ops"


def test_unknown_key_is_refused_until_accepted(servers: Servers, link: Link, home: Path) -> None:
    endpoint = servers.start()
    known = home / ".ssh" / "known_hosts"
    with pytest.raises(UnreachableError, match="is not known") as caught:
        ask(link(endpoint, known_hosts=()), "id")
    shown = servers.run("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").split()[1]
    assert shown.startswith("SHA256:")
    assert shown in caught.value.message
    assert "--accept-new-host-keys" in (caught.value.hint or "")
    assert not known.exists()
    for _ in range(2):
        assert ask(link(endpoint, known_hosts=(), accept_new_host_keys=True), "id -un") == "ops"
    assert known.read_text() == f"[{endpoint.address}]:{endpoint.port} {servers.host_key()}\n"
    assert known.stat().st_mode & 0o777 == 0o600
    assert ask(link(endpoint, known_hosts=()), "id -un") == "ops"


@pytest.mark.parametrize("accept_new", [False, True])
def test_changed_key_is_refused_always(servers: Servers, link: Link, accept_new: bool) -> None:
    servers.run("rm -f /root/other*; ssh-keygen -q -t ed25519 -N '' -f /root/other")
    endpoint = servers.start()
    known = endpoint.known_hosts[0]
    text = f"[{endpoint.address}]:{endpoint.port} {servers.host_key('/root/other')}\n"
    known.write_text(text)
    with pytest.raises(UnreachableError, match="has changed") as caught:
        ask(link(endpoint, accept_new_host_keys=accept_new), "id")
    assert "ssh-keygen -f" in (caught.value.hint or "")
    assert known.read_text() == text


def test_pinned_key(servers: Servers, link: Link) -> None:
    endpoint = servers.start()
    right = servers.host_key()
    assert ask(link(endpoint, known_hosts=(), host_key=right), "id -un") == "ops"
    servers.run("rm -f /root/other*; ssh-keygen -q -t ed25519 -N '' -f /root/other")
    wrong = servers.host_key("/root/other")
    with pytest.raises(UnreachableError, match=r"has changed.*\(provision_host_key\)"):
        ask(link(endpoint, host_key=wrong, accept_new_host_keys=True), "id")


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_known_type_is_negotiated(servers: Servers, link: Link, kind: str) -> None:
    """The server would rather show its Ed25519 key, which nobody has seen."""
    servers.run(f"rm -f /root/{kind}*; ssh-keygen -q -t {kind} -N '' -f /root/{kind}")
    endpoint = servers.start(f"HostKey /root/{kind}", "PerSourcePenalties no")
    name = f"[{endpoint.address}]:{endpoint.port}"
    endpoint.known_hosts[0].write_text(f"{name} {servers.host_key(f'/root/{kind}')}\n")
    assert ask(link(endpoint), "id -un") == "ops"
