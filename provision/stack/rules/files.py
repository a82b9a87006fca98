"""Rules about what is mounted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from provision.stack.finding import Problem, Service, rule
from provision.stack.mounts import Mount, bind_of

_ADDRESSED = re.compile(r"/config/[0-9a-f]{12}/")
_HOSTS_OWN = (
    "/etc/localtime",
    "/etc/timezone",
    "/etc/machine-id",
    "/etc/ssl/",
    "/proc",
    "/sys",
    "/dev",
)


@rule("mutable-config")
def mutable_config(service: Service) -> Iterator[Problem]:
    """A mounted file that changes leaves the container as it was, with the old content or half."""
    for mount in _binds(service):
        is_file = bool(PurePosixPath(mount.source).suffix)
        ours = mount.read_only and is_file and not mount.source.startswith(_HOSTS_OWN)
        if ours and not _ADDRESSED.search(mount.source):
            yield Problem(
                f"a change of {mount.source} does not recreate the container",
                "keep the file in templates/config/<role>/ and mount it by a relative path",
                "warning",
            )


@rule("relative-path")
def relative_path(service: Service) -> Iterator[Problem]:
    """Relative paths in `configs` and `secrets` are not shipped: nothing is at their end."""
    for kind in ("configs", "secrets"):
        used = {e.get("source") if isinstance(e, dict) else e for e in service.items(kind)}
        for name, entry in (service.model.get(kind) or {}).items():
            path = str(entry.get("file") or "/") if isinstance(entry, dict) else "/"
            if name in used and not path.startswith("/"):
                yield Problem(
                    f"{kind}: {name} reads {path!r}, which does not get to the host",
                    "mount `./name:/path:ro`, with `x-files: {name: {secret: true}}`",
                )


@rule("docker-socket")
def docker_socket(service: Service) -> Iterator[Problem]:
    """Whoever can talk to the daemon is root on the host."""
    for mount in _binds(service):
        if PurePosixPath(mount.source).name in {"docker.sock", "containerd.sock"}:
            yield Problem(f"{mount.source} makes the container root on the host", "do not mount it")


def _binds(service: Service) -> Iterator[Mount]:
    for entry in service.items("volumes"):
        mount = bind_of(entry)
        if mount:
            yield mount
