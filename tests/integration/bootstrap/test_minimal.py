"""A machine with less on it than one would think: no Python, no sudo, no package lists."""

from __future__ import annotations

import pytest

from provision.lab.variant import SCRIPTS, Variant
from tests.integration.bootstrap.conftest import PASSWORD, Machine, Person, changes

pytestmark = pytest.mark.integration


def test_what_is_missing_is_installed(
    machines: list[Machine], machine: Machine, person: Person
) -> None:
    bare = machines[1].fresh(SCRIPTS[Variant.NO_PYTHON], "apt-get purge -y -qq sudo")
    bare.run("rm -rf /var/lib/apt/lists/*")
    arguments = (bare.target(), "--ask-pass", "--close-password-login")
    planned = person.bootstrap(*arguments, "--check")
    assert planned.code == 4
    assert "there is no python3 on the host" in planned.shown
    done = person.bootstrap(*arguments)
    assert done.code == 0, done.shown
    assert bare.opens("deploy", key=person.key)
    assert not bare.opens("root", password=PASSWORD)
    assert changes(person.bootstrap(*arguments)) == 0


def test_a_server_that_systemd_starts_when_somebody_comes(machine: Machine, person: Person) -> None:
    """As on Ubuntu since 22.10: ``ssh.socket`` listens, and the server comes with a connection."""
    machine.fresh()
    machine.run("systemctl disable -q --now ssh.service; systemctl enable -q --now ssh.socket")
    try:
        done = person.bootstrap(machine.target(), "--ask-pass", "--close-password-login")
        assert done.code == 0, done.shown
        assert machine.opens("deploy", key=person.key)
        assert not machine.opens("root", password=PASSWORD)
    finally:
        machine.run("systemctl disable -q --now ssh.socket; systemctl enable -q --now ssh.service")
