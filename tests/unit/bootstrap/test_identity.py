"""Which key is installed, and whether it can be used from here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.transport import ssh_config
from provision.transport.identity import (
    default_identity,
    identity_at,
    own_identity,
    require_usable,
    tried_for,
)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    ssh_config._config.cache_clear()
    (tmp_path / ".ssh").mkdir()
    return tmp_path / ".ssh"


def make(path: Path, passphrase: str = "") -> str:
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "me", "-f", str(path)]
    subprocess.run(argv, check=True)
    return path.with_name(path.name + ".pub").read_text().strip()


def test_the_key_of_a_file(ssh: Path) -> None:
    line = make(ssh / "cluster")
    for name in ("cluster.pub", "cluster"):
        identity = identity_at(ssh / name)
        assert identity.public == line
        assert identity.private == ssh / "cluster"
        assert identity.usable


def test_somebody_elses_key(ssh: Path) -> None:
    make(ssh / "theirs")
    (ssh / "theirs").unlink()
    identity = identity_at(ssh / "theirs.pub")
    assert not identity.usable
    with pytest.raises(UsageError, match="the new login cannot be tried"):
        require_usable([ssh / "theirs.pub"])
    make(ssh / "mine")
    assert [each.usable for each in require_usable([ssh / "theirs.pub", ssh / "mine.pub"])] == [
        False,
        True,
    ]


def test_the_key_file_that_a_cloud_hands_out(ssh: Path) -> None:
    line = make(ssh / "aws.pem")
    (ssh / "aws.pem.pub").unlink()
    identity = own_identity(ssh / "aws.pem")
    assert identity.public == " ".join(line.split()[:2])
    assert identity.private == ssh / "aws.pem"
    make(ssh / "closed", passphrase="long enough")
    wrong = {"closed": "ssh-add", "missing": "name the file", "closed.pub": "the public half"}
    for name, hint in wrong.items():
        with pytest.raises(UsageError) as caught:
            own_identity(ssh / name)
        assert hint in str(caught.value.hint)


def test_a_private_key_is_never_taken_for_a_public_one(ssh: Path) -> None:
    make(ssh / "cluster")
    (ssh / "cluster.pub").write_text((ssh / "cluster").read_text())
    with pytest.raises(UsageError, match="no public key of OpenSSH"):
        identity_at(ssh / "cluster")
    (ssh / "cluster.pub").unlink()
    hints = {"missing.pub": "name one that is there", "cluster.pub": "ssh-keygen -y -f"}
    for name, hint in hints.items():
        with pytest.raises(UsageError, match="there is no public key") as caught:
            identity_at(ssh / name)
        assert hint in str(caught.value.hint)


def test_the_default_is_the_first_that_can_be_used(ssh: Path) -> None:
    with pytest.raises(UsageError, match="no SSH key to install"):
        default_identity("gpu-01")
    make(ssh / "id_ed25519", passphrase="long enough")
    line = make(ssh / "id_rsa")  # the name decides, not the type
    assert default_identity("gpu-01").public == line
    (ssh / "id_rsa.pub").unlink()
    assert default_identity("gpu-01").public == " ".join(line.split()[:2])


def test_the_key_that_ssh_config_names_for_the_host(ssh: Path) -> None:
    make(ssh / "id_ed25519")
    line = make(ssh / "work")
    (ssh / "config").write_text("Host gpu-*\n  IdentityFile ~/.ssh/work\n")
    assert default_identity("gpu-01").public == line
    assert tried_for("gpu-01") == (ssh / "work",)
    assert default_identity("cpu-01").private == ssh / "id_ed25519"


def test_a_key_that_only_the_agent_has(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = make(ssh / "held")
    socket = ssh / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            assert agent.poll() is None
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        subprocess.run(["ssh-add", "-q", str(ssh / "held")], check=True)
        (ssh / "held").unlink()
        assert default_identity("gpu-01").public == line
        identity = identity_at(ssh / "held.pub")
        assert identity.usable
        assert identity.private is None
    finally:
        agent.terminate()
        agent.wait()
