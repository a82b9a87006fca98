"""The login of a host at an image registry."""

from __future__ import annotations

from provision.agent.resources.registry_access import RegistryAccess
from provision.agent.resources.registry_login import RegistryLogin
from provision.errors import TaskError
from provision.tasks.host import Host
from provision.tasks.task import task


@task
def registry_login(
    host: Host,
    *,
    server: str,
    username: str = "",
    password: str = "",
    ecr: bool = False,
    profile: str = "",
) -> None:
    """Let the host's root user pull from a registry.

    Args:
        server: the registry, such as ``registry.example.org:5000``.
        username: at the registry.
        password: it is sent to the host over the encrypted channel and given to ``docker login`` on
            standard input; Docker keeps it in root's ``config.json``.
        ecr: the registry is one of Amazon's ECR: a token is asked for on this machine. The host
            uses it for as long as the run lasts, and keeps nothing.
        profile: with ``ecr``, whose AWS credentials to use.

    """
    if ecr == bool(username or password) or bool(username) != bool(password):
        raise TaskError(
            f"the login at {server} needs either username and password, or ecr: true",
            hint="set them in the variable `registry`",
        )
    if ecr:
        username, password, _ = host.run.logins.ecr(server, profile)
        host.apply(RegistryAccess(server=server, username=username, password=password))
    else:
        host.apply(RegistryLogin(server=server, username=username, password=password))
