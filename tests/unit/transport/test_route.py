"""The way to a host, held beside what the real ``ssh -G`` makes of the same configuration."""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.transport.endpoint import Endpoint, endpoint_of
from provision.transport.route import Hop, route_to

CONFIG = """
Include conf.d/*.conf
Host gpu-*
    User trainer
    Port 2222
    IdentityFile ~/.ssh/gpu
    Include deep/extra
    ConnectTimeout 3
Host gpu-01
    HostName 10.0.0.1
    IdentityFile ~/.ssh/gpu-01
Host inner
    ProxyJump ops@outer:2200,middle
Host outer
    Port 22
    ProxyCommand nc %h %p
Host quoted
    UserKnownHostsFile ~/.ssh/lab "~/.ssh/other lab"
    StrictHostKeyChecking accept-new
    IdentitiesOnly yes
Host lax
    StrictHostKeyChecking no
Host aliased
    HostKeyAlias cluster
    HostName 10.0.0.9
    Port 2022
Host circle-*
    ProxyJump circle-a
Match host matched user root
    Port 2200
Host command
    ProxyCommand ssh -W %h:%p %r@bastion 100%%
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with a configuration."""
    monkeypatch.setenv("HOME", str(tmp_path))
    ssh = tmp_path / ".ssh"
    (ssh / "conf.d").mkdir(parents=True)
    (ssh / "deep").mkdir()
    (ssh / "config").write_text(CONFIG)
    (ssh / "conf.d" / "a.conf").write_text("Host included\n  HostName 10.9.9.9\n")
    (ssh / "deep" / "extra").write_text("ServerAliveInterval 9\nIdentityFile ~/.ssh/deep\n")
    return tmp_path


def route(address: str, **variables: object) -> tuple[Hop, ...]:
    return route_to(endpoint_of(address, variables))


@pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")
@pytest.mark.parametrize(
    "alias", ["gpu-01", "gpu-02", "included", "quoted", "aliased", "unheard.of", "matched"]
)
def test_as_openssh(alias: str, home: Path) -> None:
    argv = ["ssh", "-G", "-F", str(home / ".ssh" / "config"), alias]
    # ssh takes `~` for the home directory of the passwd file, whatever $HOME says.
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    words = [line.split(" ", 1) for line in said.splitlines()]
    openssh = {keyword: value for keyword, value in words if keyword != "identityfile"}
    files = [value.rpartition("/")[2] for keyword, value in words if keyword == "identityfile"]
    (hop,) = route(alias)
    assert hop.host == openssh["hostname"]
    assert str(hop.port) == openssh["port"]
    assert hop.user == openssh["user"]
    assert hop.identities_only == (openssh["identitiesonly"] == "yes")
    if hop.key_files:
        assert [path.name for path in hop.key_files] == files
    assert openssh["connecttimeout"] in {"none", str(hop.connect_timeout)}
    known = [name.rpartition("/")[2] for name in openssh["userknownhostsfile"].split()]
    assert " ".join(path.name for path in hop.known_hosts) == " ".join(known)


def test_nothing_said() -> None:
    (hop,) = route("unheard.of")
    assert (hop.host, hop.port, hop.user) == ("unheard.of", 22, getpass.getuser())
    assert hop.key_name == "unheard.of"
    assert hop.connect_timeout == 10


def test_inventory_wins() -> None:
    (hop,) = route("gpu-01", ansible_user="ops", ansible_port=22, ansible_timeout=8)
    assert (hop.host, hop.port, hop.user, hop.connect_timeout) == ("10.0.0.1", 22, "ops", 8)
    assert hop.label == "ops@gpu-01:22"


def test_keys_of_the_inventory_are_tried_first() -> None:
    (hop,) = route("gpu-02", ansible_ssh_private_key_file="/keys/lab")
    assert [path.name for path in hop.key_files] == ["lab", "gpu", "deep"]


def test_match_sees_the_inventorys_user() -> None:
    assert route("matched", ansible_user="root")[0].port == 2200
    assert route("matched", ansible_user="ops")[0].port == 22


def test_names_in_known_hosts() -> None:
    assert route("gpu-01")[0].key_name == "[10.0.0.1]:2222"
    assert route("aliased")[0].key_name == "cluster"


def test_host_key_checking() -> None:
    assert route("quoted")[0].accept_new
    assert not route("lax")[0].accept_new
    assert route("lax")[0].checking_off


def test_jump_hosts_in_order() -> None:
    hops = route("inner", ansible_password="s3cret", ansible_ssh_private_key_file="/keys/lab")
    assert [hop.label for hop in hops] == ["ops@outer:2200", "middle", "inner"]
    assert [hop.port for hop in hops] == [2200, 22, 22]
    assert hops[0].proxy_command == "nc outer 2200"  # of its own section, with the port given
    assert [hop.password for hop in hops] == [None, None, "s3cret"]
    assert all(hop.key_files == (Path("/keys/lab"),) for hop in hops)


def test_jump_hosts_of_the_inventory_win() -> None:
    assert [hop.label for hop in route("inner", provision_jump="a,b")] == ["a", "b", "inner"]
    assert [hop.label for hop in route("inner", provision_jump="none")] == ["inner"]


def test_address_forms_of_jump_hosts() -> None:
    hops = route("h1", provision_jump="ssh://ops@[2001:db8::1]:2222, b@c.d")
    assert [(hop.user, hop.host, hop.port) for hop in hops[:2]] == [
        ("ops", "2001:db8::1", 2222),
        ("b", "c.d", 22),
    ]


def test_pinned_keys_are_the_hosts_alone() -> None:
    endpoint = Endpoint(name="h1", address="h1", jump="j", host_key="ssh-ed25519 AAAA")
    assert [hop.host_key for hop in route_to(endpoint)] == [None, "ssh-ed25519 AAAA"]


def test_proxy_command() -> None:
    assert route("command", ansible_port=7, ansible_user="me")[0].proxy_command == (
        "ssh -W command:7 me@bastion 100%"
    )
    (hop,) = route("gpu-01", ansible_ssh_common_args="-o 'ProxyCommand=nc %h %p'")
    assert hop.proxy_command == "nc 10.0.0.1 2222"


def test_circle() -> None:
    with pytest.raises(UsageError, match="circle") as caught:
        route("circle-b")
    assert "Host * !jump" in str(caught.value.hint)


def test_jump_host_that_is_none() -> None:
    with pytest.raises(UsageError, match="'a b' is not a jump host"):
        route("h1", provision_jump="a b")


def test_configuration_that_cannot_be_read(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Match nonsense\n")
    with pytest.raises(UsageError, match="ssh_config cannot be read"):
        route("h1")


def test_port_that_is_none(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Port ssh\n")
    with pytest.raises(UsageError, match="port ssh is not a number"):
        route("h1")
