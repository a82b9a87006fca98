"""Encrypted values: opened with the password, missed only when they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from provision.errors import UsageError
from provision.inventory.inventory import Inventory
from provision.inventory.secrets import Secret, VaultedString, secret_values
from provision.inventory.vault import PASSWORD_FILE_VARIABLE, read_vault_password
from provision.source import UnsafeString
from provision.templating import Templater

from .places import FIXTURES, VAULT_PASSWORD_FILE

VALUES = FIXTURES / "vault" / "inventory.yml"
WHOLE_FILE = FIXTURES / "vault_file" / "inventory.yml"


def test_values_are_decrypted_and_marked() -> None:
    password = read_vault_password(VAULT_PASSWORD_FILE)
    variables = Inventory.load([VALUES], vault_password=password).variables("gpu-1")
    value = variables["redis_password"]
    assert value == "hunter2-{{ no template }}"
    assert isinstance(value, VaultedString)
    assert isinstance(value, UnsafeString), "an encrypted text is never a template"
    assert variables["nested"] == {"inner": "tokyo"}
    assert "tokyo" in secret_values(variables)


def test_unsafe_and_decrypted_texts_are_not_rendered() -> None:
    password = read_vault_password(VAULT_PASSWORD_FILE)
    inventory = Inventory.load([VALUES], vault_password=password)
    templater = Templater(inventory.context("gpu-1"))
    assert templater.render("{{ raw }} {{ redis_password }} {{ plain_value }}") == (
        "{{ never rendered }} hunter2-{{ no template }} 1"
    )


def test_without_password_only_use_is_an_error() -> None:
    variables = Inventory.load([VALUES]).variables("gpu-1")
    assert variables["plain_value"] == 1
    value = variables["redis_password"]
    for use in (str, bool, len, list, lambda v: v == "x", lambda v: v + "x", lambda v: f"{v}"):
        with pytest.raises(UsageError, match="there is no vault password") as caught:
            use(value)
        assert str(VALUES) in str(caught.value)
        assert "--vault-password-file" in (caught.value.hint or "")


def test_a_whole_file_may_be_encrypted() -> None:
    password = read_vault_password(VAULT_PASSWORD_FILE)
    variables = Inventory.load([WHOLE_FILE], vault_password=password).variables("gpu-1")
    assert variables == {"grafana_password": "opensesame", "retention": "{{ days }}d"}
    assert isinstance(variables["grafana_password"], Secret)
    assert not isinstance(variables["retention"], UnsafeString), "Ansible renders these"


def test_a_whole_file_needs_the_password() -> None:
    with pytest.raises(UsageError, match=r"trainer\.yml: this file is encrypted"):
        Inventory.load([WHOLE_FILE]).variables("gpu-1")


def test_a_wrong_password_is_named_with_the_value() -> None:
    with pytest.raises(UsageError, match=r"inventory\.yml:4:23: the vault password does not fit"):
        Inventory.load([VALUES], vault_password="wrong")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$ANSIBLE_VAULT;1.1;AES256\n   zz", "damaged"),
        ("$ANSIBLE_VAULT;1.1;AES256\n   6162", "damaged"),
        ("$ANSIBLE_VAULT;1.0;AES\n   6162", "unknown vault format"),
    ],
)
def test_damaged_values(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    path.write_text(f"web:\n vars:\n  a: !vault |\n   {text}\n")
    with pytest.raises(UsageError, match=message):
        Inventory.load([path], vault_password="pw")


def test_the_password_comes_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PASSWORD_FILE_VARIABLE, raising=False)
    assert read_vault_password() is None
    monkeypatch.setenv(PASSWORD_FILE_VARIABLE, str(VAULT_PASSWORD_FILE))
    assert read_vault_password() == "correct horse"


def test_an_executable_password_file_is_run(tmp_path: Path) -> None:
    script = tmp_path / "password"
    script.write_text("#!/bin/sh\necho from-script\n")
    script.chmod(0o700)
    assert read_vault_password(script) == "from-script"
    script.write_text("#!/bin/sh\nexit 3\n")
    with pytest.raises(UsageError, match="script failed"):
        read_vault_password(script)


def test_an_empty_password_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("\n")
    with pytest.raises(UsageError, match="the vault password is empty"):
        read_vault_password(tmp_path / "password")
