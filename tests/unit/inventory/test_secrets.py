"""What counts as secret, and masking."""

from __future__ import annotations

import pytest

from provision.inventory.secrets import Masker, Secret, names_a_secret, secret_values

SECRET = (
    "password redis_password ansible_become_pass ansible_ssh_pass grafana_admin_passwd token"
    " hf_token API_KEY aws_secret_access_key tls_private_key client_secret credentials apiKey"
    " ssh_key_passphrase secretKey"
)
NOT_SECRET = (
    "user ansible_ssh_private_key_file vault_password_file token_ttl secret_name bypass"
    " passenger password_length compass_url key monkey public_key"
)


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets(name: str) -> None:
    assert names_a_secret(name)


@pytest.mark.parametrize("name", NOT_SECRET.split())
def test_other_names(name: str) -> None:
    assert not names_a_secret(name)


def test_secrets_are_found_at_any_depth() -> None:
    variables = {
        "redis": {"password": "aaaa1", "port": 6379},
        "registries": [{"user": "u", "token": "bbbb2"}],
        "secrets": {"whatever": ["cccc3", {"deeper": "dddd4"}]},
        "pin_password": 123456,
        "password": "{{ vault_password }}",
        "use_password": True,
        "harmless": Secret("eeee5"),
        "motd": "hello",
    }
    assert secret_values(variables) == {"aaaa1", "bbbb2", "cccc3", "dddd4", "123456", "eeee5"}


def test_masking_takes_the_longest_first() -> None:
    masker = Masker(["hunter2", "hunter2-long"])
    assert masker.mask("a hunter2-long b hunter2") == "a ******** b ********"


def test_every_line_of_a_key_is_masked() -> None:
    masker = Masker(["-----BEGIN KEY-----\nMIIEabc\nxyzw==\n-----END KEY-----\n"])
    assert masker.mask("log: MIIEabc") == "log: ********"


def test_short_and_special_values() -> None:
    masker = Masker(["", "80", "a.c*", "\n"])
    assert masker.mask("port 80 abcc a.c*") == "port 80 abcc ********"
    assert Masker([]).mask("text") == "text"
