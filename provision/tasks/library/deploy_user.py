"""The account that deploys log in as."""

from __future__ import annotations

from collections.abc import Sequence

from provision.agent.resources.account_aging import AccountAging
from provision.agent.resources.apt import Apt
from provision.agent.resources.authorized_key import AuthorizedKey
from provision.agent.resources.copy import Copy
from provision.agent.resources.login_settings import LoginSettings
from provision.agent.resources.package import Package
from provision.agent.resources.strict_home import StrictHome
from provision.agent.resources.user import User
from provision.errors import TaskError
from provision.tasks.host import Host
from provision.tasks.task import task

_NO_PASSWORD = "*"  # noqa: S105 - fits none; "!" would lock keys out as well where UsePAM is off


@task
def deploy_user(host: Host, *, name: str = "deploy", keys: Sequence[str]) -> None:
    """Make an account that logs in by key alone and may use sudo without a password.

    What else the account has, further keys among them, stays. Root only gets the keys.

    Args:
        name: the login name.
        keys: public keys, as in ``.pub`` files.

    """
    known = host.ask(LoginSettings(user=name), name=f"what sshd says of {name}")
    if name != "root":
        _refuse_nobody(host, name, known["shell"])
        _account(host, name, new=known["shell"] is None)
    keys_file = known["keys_file"]
    host.apply(
        AuthorizedKey(user=name, key="\n".join(keys), path=keys_file, manage_dir=keys_file is None),
        name=f"keys of {name}",
    )
    host.apply(StrictHome(user=name), name=f"home of {name}")


def _refuse_nobody(host: Host, name: str, shell: str | None) -> None:
    """Refuse accounts that are not meant to log in: giving one sudo would surprise somebody."""
    if shell is not None and shell.endswith(("/nologin", "/false")):
        raise TaskError(
            f"host {host.name}: {name} is an account that nobody logs in to (its shell is {shell})",
            hint="choose another name",
        )


def _account(host: Host, name: str, *, new: bool) -> None:
    host.apply(_sudo(host), name="sudo")
    host.apply(
        User(
            name=name,
            shell="/bin/bash" if new else None,
            password=_NO_PASSWORD,
            update_password="on_create",  # noqa: S106 - when, not what
        )
    )
    host.apply(AccountAging(user=name), name=f"no end of {name}")
    host.apply(
        Copy(
            # sudo passes files over that have a dot in their name; of several rules the last counts
            dest=f"/etc/sudoers.d/95-provision-{name.replace('.', '_')}",
            content=f"# Written by provision.\n{name} ALL=(ALL:ALL) NOPASSWD: ALL\n",
            owner="root",
            group="root",
            mode=0o440,
            validate="visudo -cf %s",
        ),
        name=f"sudo rights of {name}",
    )


def _sudo(host: Host) -> Apt | Package:
    """Return the package; a fresh image has no package lists."""
    if host.facts["ansible_pkg_mgr"] == "apt":
        return Apt(name=["sudo"], update_cache=True, cache_valid_time=86400)
    return Package(name=["sudo"])
