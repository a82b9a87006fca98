"""Files of host keys, held beside ``ssh-keygen -F``, and what is made of them."""

from __future__ import annotations

import io
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provision.errors import UnreachableError, UsageError
from provision.transport.hostkeys import HostKeys, fingerprint
from provision.transport.known_hosts import keys_of, remember
from provision.transport.route import Hop

needs_keygen = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen")


def ed25519() -> paramiko.PKey:
    private = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return paramiko.Ed25519Key.from_private_key(io.StringIO(private.decode()))


ONE, OTHER = ed25519(), ed25519()
ECDSA = paramiko.ECDSAKey.generate()


def line(names: str, key: paramiko.PKey, marker: str = "") -> str:
    return f"{marker} {names} {key.get_name()} {key.get_base64()} a comment\n".lstrip()


def hop(*files: Path, **settings: object) -> Hop:
    plain = Hop(label="ops@h1", host="h1", port=22, user="ops", key_name="h1", known_hosts=files)
    return replace(plain, **settings)  # type: ignore[arg-type]


def judge(key: paramiko.PKey, at: Hop) -> None:
    HostKeys("h1", at).missing_host_key(paramiko.SSHClient(), "h1", key)


@needs_keygen
@pytest.mark.parametrize(
    "name",
    ["h1", "H1", "10.0.0.1", "[h2]:2222", "h2", "a.gpu.lab", "gpu.lab", "not.gpu.lab", "[a]:1"],
)
@pytest.mark.parametrize("hashed", [False, True])
def test_as_openssh(name: str, hashed: bool, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    text = line("h1,10.0.0.1", ONE) + line("[h2]:2222", OTHER) + "# h1 comment\n\nbroken line\n"
    text += line("*.gpu.lab,!not.gpu.lab", ECDSA) + line("[?]:1", ONE) + "h1 ssh-ed25519 !!!\n"
    path.write_text(text)
    if hashed:
        subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=False, capture_output=True)
    argv = ["ssh-keygen", "-F", name, "-f", str(path)]
    said = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    found = [words.split()[2] for words in said.splitlines() if not words.startswith("#")]
    ours = [paramiko.PKey.from_type_string(k.kind, k.blob) for k in keys_of(name, [path])]
    assert [key.get_base64() for key in ours] == [blob for blob in found if "!" not in blob]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00h1 ssh-ed25519 AAAA\n")
    assert keys_of("h1", [tmp_path / "absent", tmp_path, tmp_path / "binary"]) == []


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h1", ONE))
    assert len(keys_of("h1", [path])) == 1
    path.write_text("")
    assert keys_of("h1", [path]) == []


def test_thousand_hashed_lines_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    salted = (
        f"|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= ssh-ed25519 {'A' * 68}\n"
    )
    path.write_text(salted * 1000 + line("h1", ONE))
    assert [key.blob for key in keys_of("h1", [path])] == [ONE.asbytes()]


def test_remembering(tmp_path: Path) -> None:
    path = tmp_path / "new" / "known_hosts"
    with ThreadPoolExecutor(8) as pool:
        for _ in range(8):
            pool.submit(remember, path, "h1", ONE.get_name(), ONE.asbytes())
    assert path.read_text() == f"h1 ssh-ed25519 {ONE.get_base64()}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_remembering_after_a_line_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h2", OTHER).strip())
    path.chmod(0o644)
    remember(path, "h1", ONE.get_name(), ONE.asbytes())
    assert len(keys_of("h1", [path])) == len(keys_of("h2", [path])) == 1
    assert path.stat().st_mode & 0o777 == 0o644  # as its owner wants it


def test_known_key_passes(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h1", ONE))
    judge(ONE, hop(path))


def test_either_of_two_keys_passes(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h1", ONE) + line("h1", OTHER))
    judge(ONE, hop(path))
    judge(OTHER, hop(path))


def test_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError) as caught:
        judge(ONE, hop(tmp_path / "absent"))
    assert (
        f"host h1: ops@h1: its host key ssh-ed25519 {fingerprint(ONE.asbytes())} is not known"
        in (caught.value.message)
    )
    assert "--accept-new-host-keys" in (caught.value.hint or "")
    assert not (tmp_path / "absent").exists()


def test_checking_switched_off_in_ssh_config_is_mentioned(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError) as caught:
        judge(ONE, hop(tmp_path / "absent", checking_off=True))
    assert "StrictHostKeyChecking no of ssh_config is not obeyed" in (caught.value.hint or "")


def test_new_key_is_remembered_in_the_first_file(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    at = hop(first, second, accept_new=True, key_name="[h1]:2222")
    judge(ONE, at)
    judge(ONE, at)
    assert first.read_text() == f"[h1]:2222 ssh-ed25519 {ONE.get_base64()}\n"
    assert not second.exists()
    with pytest.raises(UnreachableError, match="has changed"):
        judge(OTHER, at)


@pytest.mark.parametrize("shown", [OTHER, ECDSA], ids=["same type", "other type"])
@pytest.mark.parametrize("accept_new", [False, True])
def test_changed_key_is_refused_always(
    shown: paramiko.PKey, accept_new: bool, tmp_path: Path
) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h2", OTHER) + line("h1", ONE))
    with pytest.raises(UnreachableError, match="has changed") as caught:
        judge(shown, hop(path, accept_new=accept_new))
    assert fingerprint(shown.asbytes()) in caught.value.message
    assert f"{fingerprint(ONE.asbytes())} is expected ({path}:2)" in caught.value.message
    assert f"ssh-keygen -f {path} -R 'h1'" in (caught.value.hint or "")
    assert path.read_text() == line("h2", OTHER) + line("h1", ONE)


def test_revoked_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h1", ONE) + line("*", ONE, "@revoked"))
    with pytest.raises(UnreachableError, match=r"revoked in .*:2"):
        judge(ONE, hop(path, accept_new=True))


def test_certificate_authorities_are_no_hosts(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h1", ONE, "@cert-authority"))
    with pytest.raises(UnreachableError, match="is not known"):
        judge(ONE, hop(path))


def test_known_type_is_asked_for_first(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("h1 ssh-rsa AAAA\n" + line("h1", ECDSA))
    offered = ("ssh-ed25519", ECDSA.get_name(), "rsa-sha2-512", "rsa-sha2-256")
    assert HostKeys("h1", hop(path)).preferred(offered) == (*offered[1:], "ssh-ed25519")
    assert HostKeys("h1", hop()).preferred(offered) == offered


def test_pinned_key() -> None:
    at = hop(host_key=f"ssh-ed25519 {ONE.get_base64()} root@h1")
    judge(ONE, at)
    with pytest.raises(UnreachableError, match="has changed") as caught:
        judge(OTHER, replace(at, accept_new=True))
    assert "correct provision_host_key" in (caught.value.hint or "")


def test_pinned_key_counts_alone(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(line("h1", OTHER))
    with pytest.raises(UnreachableError, match="has changed"):
        judge(OTHER, hop(path, host_key=f"ssh-ed25519 {ONE.get_base64()}"))


@pytest.mark.parametrize("pin", ["", "ssh-ed25519", "AAAA", "ssh-ed25519 ???", "ssh-rsa AAAA"])
def test_pin_that_is_no_key(pin: str) -> None:
    with pytest.raises(UsageError, match="provision_host_key is not a public key"):
        HostKeys("h1", hop(host_key=pin))


@needs_keygen
def test_fingerprint_as_openssh(tmp_path: Path) -> None:
    path = tmp_path / "key.pub"
    path.write_text(f"ssh-ed25519 {ONE.get_base64()}\n")
    said = subprocess.run(["ssh-keygen", "-lf", path], capture_output=True, text=True, check=True)
    assert fingerprint(ONE.asbytes()) in said.stdout
