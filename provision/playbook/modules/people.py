"""Modules for users and groups."""

from __future__ import annotations

from provision.agent.declaration import Declaration
from provision.agent.resources import load
from provision.errors import UsageError
from provision.playbook.modules.module import (
    PRESENT_OR_ABSENT,
    Module,
    Parameters,
    as_it_is,
    flag,
    one_of,
    path,
    several,
    text,
    whole,
)


def _user(given: Parameters) -> Declaration:
    fields = dict(given)
    if "groups" in fields:  # an empty text means none, as in Ansible
        fields["groups"] = [str(group) for group in fields["groups"] if group != ""]
    declaration: Declaration = load("User")(**fields)
    return declaration


def _authorized_key(given: Parameters) -> Declaration:
    if given["key"].startswith(("http://", "https://")):
        raise UsageError(
            "the keys of an address are not fetched",
            hint="give the key itself, or \"{{ lookup('file', 'NAME.pub') }}\"",
        )
    declaration: Declaration = load("AuthorizedKey")(**given)
    return declaration


PEOPLE = {
    "user": Module(
        {
            "name": text("user", required=True),
            "state": PRESENT_OR_ABSENT,
            "uid": whole(),
            "group": text(),
            "groups": several(),
            "append": flag(),
            "home": path(),
            "shell": path(),
            "comment": text(),
            "create_home": flag("createhome"),
            "move_home": flag(),
            "system": flag(),
            "password": text(),
            "update_password": one_of("always", "on_create"),
            "password_lock": flag(),
            "remove": flag(),
        },
        _user,
    ),
    "group": Module(
        {
            "name": text(required=True),
            "state": PRESENT_OR_ABSENT,
            "gid": whole(),
            "system": flag(),
        },
        as_it_is("Group"),
    ),
    "authorized_key": Module(
        {
            "user": text(required=True),
            "key": text(required=True),
            "state": PRESENT_OR_ABSENT,
            "key_options": text(),
            "exclusive": flag(),
            "path": path(),
            "manage_dir": flag(),
        },
        _authorized_key,
    ),
}
