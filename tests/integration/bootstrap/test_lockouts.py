"""Every way to lock oneself out that we know of: it is noticed, and the old way stays open."""

from __future__ import annotations

import time

import pytest

from provision.agent.resources.password_login import PasswordLoginClosed
from provision.engine.link import HostLink
from provision.transport.endpoint import Endpoint
from tests.integration.bootstrap.conftest import OURS, PASSWORD, Machine, Person

pytestmark = pytest.mark.integration
CONFIG = "/etc/ssh/sshd_config.d"

# name: (what the machine is like, what is said of it)
REFUSED = {
    "a list that the new user is not on": (
        f"echo 'AllowUsers root ops' > {CONFIG}/60-policy.conf",
        ["found     AllowUsers root ops", "not allowed because not listed in AllowUsers"],
    ),
    "a group that the new user is not in": (
        f"echo 'AllowGroups root ops' > {CONFIG}/60-policy.conf",
        ["found     AllowGroups root ops"],
    ),
    "two factors": (
        f"echo 'Match User deploy\n AuthenticationMethods publickey,password' > {CONFIG}/60-x.conf",
        ["AuthenticationMethods publickey,password"],
    ),
    "a later rule of sudo's": (
        "echo 'deploy ALL=(ALL) PASSWD: ALL' > /etc/sudoers.d/99-policy",
        ["sudo asks for a password", "found     sudo: (ALL : ALL) NOPASSWD: ALL; sudo: (ALL)"],
    ),
    "no keys from files": (
        f"echo 'AuthorizedKeysFile none' > {CONFIG}/60-x.conf",
        ["sshd takes no public keys from deploy"],
    ),
    "a file that counts before ours": (
        f"echo 'PasswordAuthentication yes' > {CONFIG}/00-first.conf",
        ["password login would stay open", f"{CONFIG}/00-first.conf:1: passwordauthentication yes"],
    ),
    "a file that is not read": (
        "sed -i 1d /etc/ssh/sshd_config; echo 'PermitRootLogin yes' >> /etc/ssh/sshd_config",
        ["would stay open", f"make `Include {CONFIG}/*.conf` the first line"],
    ),
    "a file that is read too late": (
        "sed -i '1i PasswordAuthentication yes' /etc/ssh/sshd_config",
        ["would stay open", "/etc/ssh/sshd_config:1: passwordauthentication yes"],
    ),
    "a block for some": (
        f"printf 'Match User ops\\n PasswordAuthentication yes\\n' > {CONFIG}/70-x.conf",
        ["would stay open", f"{CONFIG}/70-x.conf:2 (Match User ops)"],
    ),
}


@pytest.fixture
def mended(machine: Machine) -> Machine:
    """The machine, whose main file has been put right again."""
    machine.run(
        "sed -i '/^PasswordAuthentication yes$/d; /^PermitRootLogin/d' /etc/ssh/sshd_config"
    )
    return machine


@pytest.mark.parametrize("trap", REFUSED)
def test_nothing_is_closed(mended: Machine, person: Person, trap: str) -> None:
    script, told = REFUSED[trap]
    mended.fresh(script)
    done = person.bootstrap(mended.target(), "--ask-pass", "--close-password-login")
    assert done.code == 3, done.shown
    for words in told:
        assert words in done.shown, done.shown
    assert mended.is_as_before()


def test_settings_that_only_count_after_the_reload(mended: Machine, person: Person) -> None:
    """The first try is let in by what sshd has read before, the second one is not."""
    mended.fresh()
    mended.run(f"echo 'AllowUsers root ops' > {CONFIG}/60-policy.conf")
    done = person.bootstrap(mended.target(), "--ask-pass", "--close-password-login")
    assert done.code == 3, done.shown
    assert "undo: close password login" in done.out
    assert "log in as deploy again" in done.out
    assert "password login is as it was before" in done.out
    assert mended.is_as_before()


# What is put right rather than refused.
MENDED = {
    "a home that everybody may write to": (
        "useradd -m deploy; chmod 0777 /home/deploy; mkdir -m 0777 /home/deploy/.ssh"
    ),
    "a password that has expired": "useradd -m deploy; chage -d 0 -M 90 deploy",
    "an account that has ended": "useradd -m -e 2020-01-01 deploy",
    "keys that are kept elsewhere": (
        f"mkdir -p /etc/ssh/keys; echo 'AuthorizedKeysFile /etc/ssh/keys/%u' > {CONFIG}/60-x.conf"
    ),
}


@pytest.mark.parametrize("trap", MENDED)
def test_what_is_put_right(mended: Machine, person: Person, trap: str) -> None:
    mended.fresh(MENDED[trap])
    done = person.bootstrap(mended.target(), "--ask-pass", "--close-password-login")
    assert done.code == 0, done.shown
    assert mended.opens("deploy", key=person.key)
    assert not mended.opens("root", password=PASSWORD)


def test_an_expired_root_password_is_named(mended: Machine, person: Person) -> None:
    mended.fresh("chage -d 0 root")
    done = person.bootstrap(mended.target(), "--ask-pass")
    assert done.code == 4
    assert "the password of the login user has expired" in done.shown


def test_an_account_of_the_system_is_not_made_an_admin(mended: Machine, person: Person) -> None:
    mended.fresh()
    done = person.bootstrap(mended.target(), "--ask-pass", "--user", "backup")
    assert done.code == 3
    assert "an account that nobody logs in to" in done.shown
    assert mended.run("sudo -l -U backup").endswith("not allowed to run sudo on h1.\n")


def test_a_key_that_cannot_be_tried_is_refused_before_anything(
    mended: Machine, person: Person
) -> None:
    mended.fresh()
    theirs = person.home / "theirs.pub"
    theirs.write_text(person.key.with_suffix(".pub").read_text())
    done = person.bootstrap(mended.target(), "--ask-pass", "--key", str(theirs))
    assert done.code == 1
    assert "the new login cannot be tried" in done.shown
    assert mended.run("id deploy 2>&1 || true").endswith("no such user\n")


def test_a_session_that_ends_before_the_change_is_kept_puts_it_back(mended: Machine) -> None:
    """As when the controller is killed, or the connection is lost, between closing and trying."""
    mended.fresh()
    link = HostLink(
        Endpoint(
            name="gpu-01",
            address="127.0.0.1",
            port=mended.host.port,
            user="root",
            password=PASSWORD,
            known_hosts=(mended.host.known_hosts,),
        )
    )
    channel = link.channel("root")
    future = channel.submit(PasswordLoginClosed(user="deploy", offered=["password"]))
    channel.flush()
    assert future.result(timeout=20).status == "changed"
    assert mended.run(f"ls {OURS}") == f"{OURS}\n"
    channel.drop()
    deadline = time.monotonic() + 10
    while mended.run(f"ls {OURS} 2>/dev/null || true") and time.monotonic() < deadline:
        time.sleep(0.1)
    link.close()
    time.sleep(0.2)  # sshd is reading its files again
    assert mended.is_as_before()
