"""The login of a host at an image registry."""

from __future__ import annotations

from provision.agent.resources.registry_login import RegistryLogin
from provision.tasks.host import Host
from provision.tasks.task import task


@task
def registry_login(host: Host, *, server: str, username: str, password: str) -> None:
    """Let the host's root user pull from a registry.

    Args:
        server: host name, with the port where it is not 443.
        username: at the registry.
        password: never in an argument list, a log or a diff.

    """
    host.apply(RegistryLogin(server=server, username=username, password=password))
