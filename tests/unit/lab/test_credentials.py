from __future__ import annotations

import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from provision.lab.credentials import Credentials


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    made = Credentials(tmp_path / ".lab")
    made.ensure()
    return made


def test_nobody_else_can_read_them(credentials: Credentials) -> None:
    assert stat.S_IMODE(credentials.directory.stat().st_mode) == 0o700
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in credentials.directory.iterdir()
    }
    assert set(modes.values()) == {0o600}
    assert {"id_ed25519", "registry.key", "redis-password"} <= modes.keys()


def test_they_are_made_once(credentials: Credentials) -> None:
    before = {path: path.read_bytes() for path in credentials.directory.iterdir()}
    credentials.ensure()
    assert {path: path.read_bytes() for path in credentials.directory.iterdir()} == before


def test_openssh_reads_the_key(credentials: Credentials) -> None:
    printed = subprocess.check_output(
        ["ssh-keygen", "-y", "-f", credentials.key], text=True, timeout=10
    )
    assert printed.split()[:2] == credentials.public_key().split()[:2]


def test_the_authority_signs_exactly_the_registry(credentials: Credentials) -> None:
    context = ssl.create_default_context(cafile=str(credentials.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(credentials.registry_certificate, credentials.registry_key)
    handshake(context, server, "registry.lab.test")
    handshake(context, server, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context, server, "other.lab.test")


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """Shake hands in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(down, up, server_hostname=name),
        server.wrap_bio(up, down, server_side=True),
    ]
    for _ in range(10):
        for side in list(sides):
            try:
                side.do_handshake()
                sides.remove(side)
            except ssl.SSLWantReadError:
                continue
    assert not sides


def test_others_have_another_fingerprint(credentials: Credentials, tmp_path: Path) -> None:
    other = Credentials(tmp_path / "other")
    other.ensure()
    assert other.fingerprint() != credentials.fingerprint() == credentials.fingerprint()


def test_removing_them_leaves_what_is_not_the_labs(credentials: Credentials) -> None:
    (credentials.directory / "notes").write_text("mine")
    credentials.remove()
    assert [path.name for path in credentials.directory.iterdir()] == ["notes"]
    (credentials.directory / "notes").unlink()
    credentials.remove()
    assert not credentials.directory.exists()
