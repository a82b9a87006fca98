"""One lab host: a container that is reached by SSH and looks like a freshly installed server."""

from __future__ import annotations

import io
import socket
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from provision.errors import ProvisionError, UsageError
from provision.lab import machine
from provision.lab.credentials import Credentials
from provision.lab.layout import DOMAIN, REGISTRY, Layout
from provision.lab.variant import SCRIPTS, Variant

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

USER = "ops"
_USER_ID = 1000
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
BOOT_TIMEOUT = 60.0
HOST_LABEL = "io.provision.lab.host"


@dataclass(frozen=True)
class LabHost:
    """How to reach a lab host.

    Args:
        name: ``h1``, ``h2``, …; on the lab's network also ``h1.lab.test``.
        port: of its sshd, on this machine's loopback.
        key: the login user's private key.
        known_hosts: the file with its host key.
        private_address: on the lab's network, where hosts reach each other.

    """

    name: str
    port: int
    key: Path
    known_hosts: Path
    private_address: str
    address: str = "127.0.0.1"
    user: str = USER


@dataclass(frozen=True)
class Completed:
    """How a command on a host ended."""

    returncode: int
    stdout: str
    stderr: str


def describe(layout: Layout, credentials: Credentials, name: str) -> LabHost:
    """Return how ``name`` is reached in the lab of this layout."""
    return LabHost(
        name=name,
        port=layout.port(name),
        key=credentials.key,
        known_hosts=credentials.known_hosts,
        private_address=str(layout.address(name)),
    )


def create(
    client: DockerClient, layout: Layout, credentials: Credentials, name: str, image: str
) -> Container:
    """Create and start the host ``name``; it is still booting when this returns."""
    port = layout.port(name)
    if not machine.port_is_free(port):
        raise UsageError(
            f"port {port} of this machine is taken, so the lab host {name} cannot have it",
            hint=f"see who has it: ss -ltnp 'sport = :{port}'",
        )
    api = client.api
    endpoint = api.create_endpoint_config(
        aliases=[f"{name}.{DOMAIN}"], ipv4_address=str(layout.address(name))
    )
    created = api.create_container(
        image,
        name=layout.container(name),
        hostname=name,
        labels={**layout.labels, HOST_LABEL: name},
        ports=[22],
        volumes=["/var/lib/docker", "/var/lib/containerd"],  # overlayfs does not stack
        host_config=_host_config(client, port),
        networking_config={"EndpointsConfig": {layout.name: endpoint}},
    )
    container = client.containers.get(created["Id"])
    try:
        container.put_archive("/", _files(credentials))
        container.start()
    except Exception:
        container.remove(force=True, v=True)
        raise
    return container


def _host_config(client: DockerClient, port: int) -> dict[str, Any]:
    config: dict[str, Any] = client.api.create_host_config(
        port_bindings={22: ("127.0.0.1", port)},
        restart_policy={"Name": "unless-stopped"},  # so that a reboot comes back
        tmpfs={"/run": "", "/run/lock": ""},
    )
    missing = machine.missing_capabilities(machine.process_status())
    cgroup_version = str(client.info().get("CgroupVersion", "1"))
    return config | machine.isolation(cgroup_version, missing)


def _files(credentials: Credentials) -> bytes:
    """Return what the lab puts onto a host: its key, and trust in the lab's registry."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        _add(tar, f"home/{USER}/.ssh/authorized_keys", credentials.public_key(), _USER_ID, 0o600)
        authority = credentials.ca.read_text(encoding="utf-8")
        _add(tar, f"etc/docker/certs.d/{REGISTRY}/ca.crt", authority, 0, 0o644)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, text: str, owner: int, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    content = text.encode()
    entry.size, entry.mode, entry.uid, entry.gid = len(content), mode, owner, owner
    tar.addfile(entry, io.BytesIO(content))


def execute(
    container: Container, argv: list[str], *, user: str = "root", timeout: float = 60.0
) -> Completed:
    """Run ``argv`` in the host out of band, not by SSH; after ``timeout`` seconds it is killed."""
    bounded = ["timeout", "--kill-after=2", f"{timeout}", *argv]
    done = container.exec_run(bounded, user=user, demux=True)
    output = cast(tuple[bytes | None, bytes | None], done.output)
    stdout, stderr = ((part or b"").decode(errors="replace") for part in output)
    return Completed(cast(int, done.exit_code), stdout, stderr)


def adapt(container: Container, variant: Variant) -> None:
    """Make a bare host into a ``variant``.

    Raises:
        ProvisionError: when the host could not be changed.

    """
    if script := SCRIPTS[variant]:
        done = execute(container, ["sh", "-ec", script])
        if done.returncode:
            raise ProvisionError(f"{container.name} did not become {variant}: {done.stderr}")


def wait_until_running(container: Container, port: int, timeout: float = BOOT_TIMEOUT) -> None:
    """Return once systemd has started everything and sshd greets.

    Raises:
        ProvisionError: with the units that failed, or the container's output.

    """
    deadline = time.monotonic() + timeout
    state = "not started"
    while time.monotonic() < deadline:
        state = execute(container, ["systemctl", "is-system-running"]).stdout.strip() or state
        if state == "running" and sshd_greets(port):
            return
        if state == "degraded":
            break
        time.sleep(0.1)
    failed = execute(container, ["systemctl", "--failed", "--plain", "--no-legend"]).stdout.strip()
    log = container.logs(tail=5).decode(errors="replace").strip()
    raise ProvisionError(
        f"the lab host {container.name} did not boot within {timeout:.0f} s: systemd is {state}\n"
        f"  {failed or log}",
        hint=f"look inside: docker exec -it {container.name} journalctl -b",
    )


def sshd_greets(port: int, timeout: float = 2.0) -> bool:
    """Return whether an SSH server answers on this machine's loopback ``port``."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.settimeout(timeout)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def host_key(container: Container) -> str:
    """Return the host's public SSH key, ``ssh-ed25519 AAAA…``."""
    chunks, _ = container.get_archive(_HOST_KEY)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        file = tar.extractfile(Path(_HOST_KEY).name)
        if file is None:
            raise ProvisionError(f"{container.name} has no host key {_HOST_KEY}")
        return " ".join(file.read().decode().split()[:2])


def ssh_command(host: LabHost, argv: Sequence[str] = ()) -> list[str]:
    """Return the ``ssh`` command line that logs into ``host``, whatever the user's ssh_config."""
    options = {
        "UserKnownHostsFile": str(host.known_hosts),
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "ConnectTimeout": "10",
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    target = ["-i", str(host.key), "-p", str(host.port), f"{host.user}@{host.address}"]
    return ["ssh", "-F", "none", *flags, *target, *argv]
