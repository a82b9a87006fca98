"""Becoming another user, through the real sudo, from all kinds of login shells."""

from __future__ import annotations

import time

import pytest

from provision.errors import UnreachableError
from provision.lab.lab import Lab
from provision.lab.variant import Variant
from provision.transport.endpoint import Endpoint

from .asking import ask
from .conftest import PASSWORD, Link, Servers

pytestmark = pytest.mark.integration


def attempts(servers: Servers, user: str) -> list[str]:
    """Return what sudo has logged of a user's refused attempts."""
    said = servers.run("journalctl -q -o cat -t sudo || true")
    return [line for line in said.splitlines() if user in line and "incorrect password" in line]


def test_without_a_password(servers: Servers, link: Link) -> None:
    opened = link(servers.start())
    assert ask(opened, "id -un; echo $HOME", become="root") == "root\n/root"
    assert ask(opened, "id -un", become="noisy") == "noisy"
    assert ask(opened, "id -un") == "ops"


def test_password_that_nobody_asks_for(servers: Servers, link: Link) -> None:
    assert ask(link(servers.start(), become_password="x"), "id -un", become="root") == "root"


def test_right_password(servers: Servers, link: Link) -> None:
    opened = link(servers.start(), user="asked", become_password=PASSWORD)
    assert ask(opened, "id -un", become="root") == "root"
    assert PASSWORD not in ask(opened, "ps -ef; cat /proc/*/environ 2>/dev/null", become="root")


def test_wrong_password_is_tried_once(servers: Servers, link: Link) -> None:
    endpoint = servers.start()
    before = attempts(servers, "asked")
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="sudo refused the password") as caught:
        ask(link(endpoint, user="asked", become_password="wrong"), "id", become="root")
    assert time.monotonic() - started < 10
    assert "tried once" in (caught.value.hint or "")
    time.sleep(1)
    (logged,) = attempts(servers, "asked")[len(before) :]
    assert "1 incorrect password attempt " in logged


def test_missing_password(servers: Servers, link: Link) -> None:
    with pytest.raises(UnreachableError, match="sudo asks for a password") as caught:
        ask(link(servers.start(), user="asked"), "id", become="root")
    assert "--ask-become-pass" in (caught.value.hint or "")


def test_user_who_may_not_use_sudo(servers: Servers, link: Link) -> None:
    opened = link(servers.start(), user="stranger", become_password=PASSWORD)
    with pytest.raises(UnreachableError, match="the login user may not use sudo"):
        ask(opened, "id", become="root")


def test_unknown_user(servers: Servers, link: Link) -> None:
    with pytest.raises(UnreachableError, match="there is no user nobody-here on the host"):
        ask(link(servers.start()), "id", become="nobody-here")


def test_no_sudo_on_the_host(servers: Servers, link: Link) -> None:
    endpoint = servers.start("SetEnv PATH=/opt/only-python", "PerSourcePenalties no")
    opened = link(endpoint)
    assert ask(opened, "echo fine") == "fine"
    with pytest.raises(UnreachableError, match="there is no sudo on the host"):
        ask(opened, "id", become="root")


@pytest.mark.parametrize("become", [None, "root"])
@pytest.mark.parametrize("password", [None, "unused"])
def test_shell_that_greets(
    servers: Servers, link: Link, become: str | None, password: str | None
) -> None:
    opened = link(servers.start(), user="noisy", become_password=password)
    assert ask(opened, "id -un", become=become) == become or "noisy"


def test_account_without_a_shell(servers: Servers, link: Link) -> None:
    servers.run("usermod -s /usr/sbin/nologin stranger")
    try:
        with pytest.raises(UnreachableError, match="could not be started: This account is"):
            ask(link(servers.start(), user="stranger"), "id")
    finally:
        servers.run("usermod -s /bin/bash stranger")


def test_fish_and_csh(servers: Servers, link: Link) -> None:
    servers.run(
        "apt-get -qq update && DEBIAN_FRONTEND=noninteractive"
        " apt-get -qq install --no-install-recommends fish tcsh >/dev/null 2>&1"
    )
    endpoint = servers.start()
    for shell in ("/usr/bin/fish", "/usr/bin/tcsh"):
        servers.run(f"usermod -s {shell} noisy")
        opened = link(endpoint, user="noisy")
        assert ask(opened, "id -un") == "noisy"
        assert ask(opened, "id -un", become="root") == "root"
        assert ask(link(endpoint, user="noisy", become_password="x"), "id -un", "root") == "root"
    servers.run("usermod -s /bin/bash noisy")


def test_host_without_python(lab: Lab, link: Link) -> None:
    host = lab.reset("h2", variant=Variant.NO_PYTHON)
    endpoint = Endpoint(
        name="h2",
        address=host.address,
        port=host.port,
        user=host.user,
        key_files=(host.key,),
        known_hosts=(host.known_hosts,),
    )
    with pytest.raises(UnreachableError, match="h2: there is no python3 on the host") as caught:
        ask(link(endpoint), "id", become="root")
    assert "without --check" in (caught.value.hint or "")
    with pytest.raises(UnreachableError, match="python3 could not be installed") as caught:
        ask(link(endpoint, install_python=True), "id")
    assert "Permission denied" in (caught.value.hint or "") or "root" in (caught.value.hint or "")
    assert ask(link(endpoint, install_python=True), "python3 -c 'print(6 * 7)'", "root") == "42"
