"""The resources and queries, one noun a file; loaded when first used."""

import importlib
from typing import Any, Dict

_MODULES: Dict[str, str] = {
    "AccountAging": "account_aging",
    "Apt": "apt",
    "AptRepository": "apt_repository",
    "AptSource": "apt_source",
    "AuthorizedKey": "authorized_key",
    "BlockInFile": "block_in_file",
    "BootId": "reboot",
    "CdiSpecification": "cdi_specification",
    "Command": "command",
    "ComposeDown": "compose_down",
    "ComposeProject": "compose_project",
    "ComposeStart": "compose_start",
    "ComposeStop": "compose_stop",
    "Copy": "copy",
    "Cron": "cron",
    "CurrentRelease": "current_release",
    "Directory": "directory",
    "Dnf": "dnf",
    "DockerImage": "docker_image",
    "Execute": "execute",
    "Facts": "facts",
    "File": "file",
    "GetUrl": "get_url",
    "GpusAnswer": "gpus_answer",
    "Group": "group",
    "History": "history",
    "Hostname": "hostname",
    "ImageDigests": "image_digests",
    "LineInFile": "line_in_file",
    "Link": "link",
    "LockRelease": "host_lock",
    "LockStatus": "host_lock",
    "LockTake": "host_lock",
    "LoginSettings": "login_settings",
    "LoginTrouble": "login_trouble",
    "MergeJson": "merge_json",
    "Modprobe": "modprobe",
    "Mount": "mount",
    "Package": "package",
    "PasswordLoginClosed": "password_login",
    "PasswordLoginKept": "password_login",
    "PasswordLoginReopened": "password_login",
    "PrunedReleases": "pruned_releases",
    "Reboot": "reboot",
    "RebootCheckpoint": "reboot_checkpoint",
    "RebootStatus": "reboot_status",
    "RegistryLogin": "registry_login",
    "Release": "release",
    "Releases": "releases",
    "StrictHome": "strict_home",
    "Survey": "survey",
    "Sysctl": "sysctl",
    "Systemd": "systemd",
    "Timezone": "timezone",
    "User": "user",
    "WaitFor": "wait_for",
}


def load(kind: str) -> Any:
    """Return the declaration class of that name."""
    module = importlib.import_module("provision.agent.resources." + _MODULES[kind])
    return getattr(module, kind)
