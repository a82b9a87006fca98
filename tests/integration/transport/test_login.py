"""Logging in: keys, an agent, passwords; and ``ssh_config`` with everything in it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.errors import UnreachableError
from provision.transport import connection
from provision.transport.endpoint import Endpoint

from .asking import ask, until
from .conftest import PASSWORD, Link, Servers

pytestmark = pytest.mark.integration


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An SSH agent without keys."""
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        assert until(socket.exists)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        yield
        process.terminate()


def make_key(path: Path, *words: str) -> Path:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-f", path, *words]
    subprocess.run(argv, check=True, capture_output=True)
    return path


def test_default_key(servers: Servers, link: Link, home: Path) -> None:
    path = home / ".ssh" / "id_ed25519"
    path.write_bytes(servers.host.key.read_bytes())
    assert ask(link(servers.start(), key_files=()), "id -un") == "ops"


def test_agent(servers: Servers, link: Link, agent: None) -> None:
    subprocess.run(["ssh-add", "-q", servers.host.key], check=True, capture_output=True)
    assert ask(link(servers.start(), key_files=()), "id -un") == "ops"


def test_encrypted_key_in_the_agent(servers: Servers, link: Link, agent: None) -> None:
    path = servers.directory / "encrypted"
    path.write_bytes(servers.host.key.read_bytes())
    path.chmod(0o600)
    endpoint = servers.start()
    subprocess.run(["ssh-add", "-q", path], check=True, capture_output=True)
    argv = ["ssh-keygen", "-q", "-p", "-N", "secret", "-f", path]
    subprocess.run(argv, check=True, capture_output=True)
    assert ask(link(endpoint, key_files=(path,)), "id -un") == "ops"
    os.environ.pop("SSH_AUTH_SOCK")
    with pytest.raises(UnreachableError, match="login as ops refused") as caught:
        ask(link(endpoint, key_files=(path,)), "id")
    assert f"{path}: encrypted, load it into ssh-agent (ssh-add {path})" in (
        caught.value.hint or ""
    )


def test_only_the_named_key(servers: Servers, link: Link, agent: None) -> None:
    """Six foreign keys in an agent are one too many for sshd, unless they are left out."""
    foreign = [make_key(servers.directory / f"foreign{n}", "-N", "") for n in range(6)]
    subprocess.run(["ssh-add", "-q", *foreign], check=True, capture_output=True)
    endpoint = servers.start()
    assert ask(link(endpoint), "id -un") == "ops"
    with pytest.raises(UnreachableError, match="refused") as caught:
        ask(link(endpoint, key_files=()), "id")
    assert "too many keys" in (caught.value.hint or "")
    with pytest.raises(UnreachableError, match="refused") as caught:
        ask(link(endpoint, key_files=(foreign[0],), identities_only=True), "id")
    assert caught.value.message.count("key ") == 1


def test_password(servers: Servers, link: Link) -> None:
    endpoint = servers.start()
    right = link(endpoint, user="asked", password=PASSWORD, key_files=())
    assert ask(right, "id -un") == "asked"
    with pytest.raises(UnreachableError, match="login as asked refused; tried: password"):
        ask(link(endpoint, user="asked", password="wrong", key_files=()), "id")


def test_keyboard_interactive(servers: Servers, link: Link) -> None:
    endpoint = servers.start(
        "PasswordAuthentication no", "KbdInteractiveAuthentication yes", "PerSourcePenalties no"
    )
    right = link(endpoint, user="asked", password=PASSWORD, key_files=())
    assert ask(right, "id -un") == "asked"


def test_key_and_password(servers: Servers, link: Link) -> None:
    endpoint = servers.start("AuthenticationMethods publickey,password", "PerSourcePenalties no")
    assert ask(link(endpoint, user="asked", password=PASSWORD), "id -un") == "asked"
    with pytest.raises(UnreachableError, match="refused; tried: key"):
        ask(link(endpoint, user="asked"), "id")


def test_nothing_to_try(servers: Servers, link: Link) -> None:
    with pytest.raises(UnreachableError, match="there is no key and no password to try"):
        ask(link(servers.start(), key_files=()), "id")


def test_key_files_that_are_none(servers: Servers, link: Link, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a key")
    endpoint = servers.start()
    with pytest.raises(UnreachableError) as caught:
        ask(link(endpoint, key_files=(tmp_path / "absent", tmp_path / "text")), "id")
    assert "absent: no such file or directory; " in (caught.value.hint or "")
    assert "text: not a private key" in (caught.value.hint or "")


def test_penalty_after_failed_logins(
    servers: Servers, link: Link, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_PATIENCE", 1.0)
    endpoint = servers.start("PerSourcePenalties authfail:60s min:10s")
    with pytest.raises(UnreachableError, match="refused"):
        ask(link(endpoint, user="asked", password="wrong", key_files=()), "id")

    def refusal() -> str:  # the penalty is imposed when the failed session has ended
        try:
            return ask(link(endpoint), "id -un")
        except UnreachableError as error:
            return error.message

    assert until(lambda: "PerSourcePenalties" in refusal())


def test_ssh_config(servers: Servers, link: Link, home: Path) -> None:
    """An alias with everything said in the file, and nothing in the inventory."""
    endpoint = servers.start()
    known = home / "lab hosts"
    known.write_text(endpoint.known_hosts[0].read_text())
    (home / ".ssh" / "config").write_text(
        f"Host lab-*\n  HostName {endpoint.address}\n  Port {endpoint.port}\n  User noisy\n"
        f'  IdentityFile {servers.host.key}\n  UserKnownHostsFile "{known}"\n  ConnectTimeout 5\n'
    )
    assert ask(link(Endpoint(name="gpu", address="lab-1")), "id -un") == "noisy"


def test_accept_new_of_ssh_config(servers: Servers, link: Link, home: Path) -> None:
    endpoint = servers.start()
    (home / ".ssh" / "config").write_text("StrictHostKeyChecking accept-new\n")
    assert ask(link(endpoint, known_hosts=()), "id -un") == "ops"
    assert f"[{endpoint.address}]:{endpoint.port} " in (home / ".ssh" / "known_hosts").read_text()


def through_the_lab(servers: Servers) -> str:
    """Return a proxy command; netcat is not on every machine, OpenSSH is."""
    lab = servers.host
    return (
        f"ssh -F none -i {lab.key} -o UserKnownHostsFile={lab.known_hosts} -p {lab.port}"
        f" -W %h:%p {lab.user}@{lab.address}"
    )


def test_proxy_command(servers: Servers, link: Link) -> None:
    opened = link(servers.start(), proxy_command=through_the_lab(servers))
    assert ask(opened, "id -un") == "ops"
    process = opened.connection.proxy._process
    assert process.poll() is None
    opened.close()
    assert process.returncode is not None


def test_proxy_command_of_ssh_config(servers: Servers, link: Link, home: Path) -> None:
    endpoint = servers.start()
    text = f"Host {endpoint.address}\n  ProxyCommand {through_the_lab(servers)}\n"
    (home / ".ssh" / "config").write_text(text)
    opened = link(endpoint)
    assert ask(opened, "id -un") == "ops"
    assert opened.connection.proxy is not None


def test_proxy_command_that_fails(servers: Servers, link: Link) -> None:
    endpoint = servers.start()
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="its proxy command failed: no way") as caught:
        ask(link(endpoint, proxy_command="sh -c 'echo no way >&2; exit 1'"), "id")
    assert "echo no way" in (caught.value.hint or "")
    assert time.monotonic() - started < 5


def behind(servers: Servers) -> tuple[Endpoint, Endpoint]:
    """A server that can only be reached from the host itself, and one to reach it through."""
    inner, outer = (
        servers.start("ListenAddress 127.0.0.1", "PerSourcePenalties no"),
        servers.start(),
    )
    name = f"[127.0.0.1]:{inner.port}"
    known = servers.directory / "both"
    known.write_text(outer.known_hosts[0].read_text() + f"{name} {servers.host_key()}\n")
    return Endpoint(
        name="inner",
        address="127.0.0.1",
        port=inner.port,
        user="noisy",
        key_files=inner.key_files,
        known_hosts=(known,),
    ), outer


def test_jump_host(servers: Servers, link: Link) -> None:
    inner, outer = behind(servers)
    opened = link(inner, jump=f"ops@{outer.address}:{outer.port}")
    assert ask(opened, "id -un") == "noisy"
    assert ask(opened, "id -un", become="root") == "root"
    assert servers.connections(outer) == 1
    opened.close()
    deadline = time.monotonic() + 5  # the server takes a moment to clear up
    while servers.connections(outer) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert servers.connections(outer) == 0


def test_two_jump_hosts_in_order(servers: Servers, link: Link) -> None:
    """The second one can only be reached through the first one."""
    inner, outer = behind(servers)
    other = servers.start("ListenAddress 127.0.0.1", "PerSourcePenalties no")
    with inner.known_hosts[0].open("a") as file:
        file.write(f"[127.0.0.1]:{other.port} {servers.host_key()}\n")
    jump = f"ops@{outer.address}:{outer.port},asked@127.0.0.1:{other.port}"
    assert ask(link(inner, jump=jump), "id -un") == "noisy"


def test_jump_host_of_ssh_config(servers: Servers, link: Link, home: Path) -> None:
    inner, outer = behind(servers)
    (home / ".ssh" / "config").write_text(
        f"Host inner\n  HostName 127.0.0.1\n  Port {inner.port}\n  ProxyJump outer\n"
        f"Host outer\n  HostName {outer.address}\n  Port {outer.port}\n  User ops\n"
    )
    opened = link(inner, address="inner", port=None)
    assert ask(opened, "id -un") == "noisy"


def test_key_of_the_jump_host_is_checked(servers: Servers, link: Link) -> None:
    inner, outer = behind(servers)
    known = inner.known_hosts[0]
    known.write_text("".join(known.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(UnreachableError, match=f"{outer.port}: its host key .* is not known"):
        ask(link(inner, jump=f"ops@{outer.address}:{outer.port}"), "id")


def test_jump_host_that_refuses(servers: Servers, link: Link) -> None:
    inner, outer = behind(servers)
    jump = f"nobody@{outer.address}:{outer.port}"
    with pytest.raises(UnreachableError, match=f"jump host {jump}: login as nobody refused"):
        ask(link(inner, jump=jump), "id")


def test_host_that_the_jump_host_cannot_reach(servers: Servers, link: Link) -> None:
    inner, outer = behind(servers)
    jump = f"ops@{outer.address}:{outer.port}"
    with pytest.raises(UnreachableError, match=f"the jump host {jump} cannot reach 127.0.0.1:1"):
        ask(link(inner, jump=jump, port=1), "id")


def test_jump_host_that_forbids_forwarding(servers: Servers, link: Link) -> None:
    inner, _ = behind(servers)
    outer = servers.start("AllowTcpForwarding no", "PerSourcePenalties no")
    with inner.known_hosts[0].open("a") as file:
        file.write(outer.known_hosts[0].read_text())
    with pytest.raises(UnreachableError, match="forbids forwarding"):
        ask(link(inner, jump=f"ops@{outer.address}:{outer.port}"), "id")
