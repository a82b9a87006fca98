"""The connection to this machine's Docker daemon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from provision.errors import ProvisionError, UsageError

if TYPE_CHECKING:
    from docker import DockerClient

TIMEOUT = 120  # seconds without an answer; removing a busy host takes some ten


def connect() -> DockerClient:
    """Return a client of the daemon named by ``DOCKER_HOST``, by default the local one.

    Raises:
        UsageError: when no daemon answers.

    """
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=TIMEOUT)
        client.ping()
    except DockerException as error:
        raise UsageError(
            f"no Docker daemon answers on this machine: {error}",
            hint="the lab needs one; `make demo` and `make test` start it where that is not rude",
        ) from None
    return client


@contextmanager
def explained() -> Iterator[None]:
    """Turn what Docker refuses into an error for the person at the terminal."""
    from docker.errors import APIError, DockerException

    try:
        yield
    except APIError as error:
        raise ProvisionError(f"Docker refused: {error.explanation or error}") from error
    except DockerException as error:
        raise ProvisionError(f"Docker failed: {error}") from error
