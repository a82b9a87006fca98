"""The inventory of a lab: which host plays which role, and the variables that are the lab's."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from provision.errors import Location, UsageError
from provision.lab.credentials import REGISTRY_USER, Credentials
from provision.lab.host import LabHost
from provision.lab.layout import REGISTRY

HEADER = "# Written by `provision lab up`, which overwrites it: put changes into another file.\n"

_ROLES_OF = {  # how many hosts there are -> the roles of h1, h2, …
    1: [
        "game_server experience_buffer trainer model_server agent_pool monitoring",
    ],
    2: [
        "game_server experience_buffer monitoring",
        "trainer model_server agent_pool",
    ],
    3: [
        "game_server experience_buffer",
        "trainer model_server agent_pool",
        "monitoring",
    ],
}
# The stack's own defaults are made for servers; these let three hosts share a laptop.
_SIZES = {
    "redis_maxmemory": "64mb",
    "redis_memory": "256m",
    "trainer_memory": "1536m",
    "trainer_cpus": 1.0,
    "trainer_shm_size": "64m",
    "trainer_tmp_size": "256m",
    "trainer_stop_seconds": 30,
    "game_server_stop_seconds": 20,
}
# The reference stack learns within minutes on two CPU cores, and its curves show it.
_PACE = {
    "agent_environment": {
        "AGENT_MOVES_PER_SECOND": "400",
        "AGENT_OPPONENTS": "self,random,random,evaluation",
        "BOARD_SIZE": "7",
        "TICK_LIMIT": "120",
    },
    "buffer_size": 4000,  # some minutes of play: old experience teaches little
    "prometheus_scrape_seconds": 5,
}
# Its workers tell as well when they make no progress any more.
_HEALTH = {
    "trainer_health": [
        "CMD",
        "generals-health",
        "http://127.0.0.1:{{ trainer_listen_metrics_port }}/healthz",
    ],
    "agent_health": ["CMD", "generals-health", "http://127.0.0.1:9464/healthz"],
}
_ROLE_OF_OTHERS = "agent_pool"  # the one role of which any number of hosts makes sense


def groups(hosts: Sequence[str]) -> dict[str, list[str]]:
    """Return the hosts of each role, spread so that what belongs together sits together."""
    spread = [roles.split() for roles in _ROLES_OF[min(len(hosts), max(_ROLES_OF))]]
    spread += [[_ROLE_OF_OTHERS]] * (len(hosts) - len(spread))
    members: dict[str, list[str]] = {}
    for host, roles in zip(hosts, spread, strict=True):
        for role in roles:
            members.setdefault(role, []).append(host)
    return members


def render(
    hosts: Sequence[LabHost], credentials: Credentials, image_variables: Mapping[str, str]
) -> str:
    """Return the text of the inventory, in Ansible's YAML format."""
    import yaml

    members = groups([host.name for host in hosts])
    tree = {
        "all": {
            "vars": {**_variables(credentials), **image_variables, **_SIZES, **_PACE, **_HEALTH},
            "hosts": {host.name: _host_variables(host) for host in hosts},
            "children": {
                role: {"hosts": {name: {} for name in names}} for role, names in members.items()
            },
        }
    }
    return HEADER + yaml.safe_dump(tree, sort_keys=False, width=120)


def _variables(credentials: Credentials) -> dict[str, Any]:
    known_hosts = f'UserKnownHostsFile="{credentials.known_hosts}"'
    return {
        "ansible_user": LabHost.user,
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(credentials.key),
        "ansible_ssh_common_args": f"-o {shlex.quote(known_hosts)}",
        "provision_known_hosts": str(credentials.known_hosts),
        "docker_source": "distro",
        "environment_name": "lab",
        "registry": {
            "server": REGISTRY,
            "username": REGISTRY_USER,
            "password": _password(credentials, "registry"),
        },
        "redis_password": _password(credentials, "redis"),
        "grafana_admin_password": _password(credentials, "grafana"),
    }


def _password(credentials: Credentials, service: str) -> str:
    return f"{{{{ lookup('file', '{credentials.password_file(service)}') }}}}"


def _host_variables(host: LabHost) -> dict[str, Any]:
    return {
        "ansible_host": host.address,
        "ansible_port": host.port,
        "private_address": host.private_address,
        **({"gpu_count": host.simulated_gpus} if host.simulated_gpus else {}),
    }


def write(path: Path, text: str) -> None:
    """Write the inventory, but never over one that a person wrote.

    Raises:
        UsageError: when the file is there and is not the lab's.

    """
    if path.exists() and not path.read_text(encoding="utf-8").startswith(HEADER):
        raise UsageError(
            "this inventory was not written by the lab, so it is not overwritten",
            where=Location(str(path)),
            hint="move it away, then run `provision lab up` again",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def remove(path: Path) -> None:
    """Remove the inventory if it is the lab's."""
    if path.exists() and path.read_text(encoding="utf-8").startswith(HEADER):
        path.unlink()
