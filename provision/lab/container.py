"""The container behind a lab host: creating it, booting it, and making it another variant."""

from __future__ import annotations

import io
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provision.errors import ProvisionError, UsageError
from provision.lab import gpus, machine
from provision.lab.archive import Entry, pack
from provision.lab.credentials import Credentials
from provision.lab.execution import execute
from provision.lab.host import USER, sshd_greets
from provision.lab.layout import CREDENTIALS_LABEL, DOMAIN, REGISTRY, Layout
from provision.lab.variant import SCRIPTS, Variant

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_USER_ID = 1000
_HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
BOOT_TIMEOUT = 60.0
HOST_LABEL = "io.provision.lab.host"


def create(
    client: DockerClient,
    layout: Layout,
    credentials: Credentials,
    name: str,
    image: str,
    simulated_gpus: int = 0,
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
        labels={
            **layout.labels,
            HOST_LABEL: name,
            CREDENTIALS_LABEL: credentials.fingerprint(),
            gpus.LABEL: str(simulated_gpus),
        },
        ports=[22],
        volumes=["/var/lib/docker", "/var/lib/containerd"],  # overlayfs does not stack
        host_config=_host_config(client, port),
        networking_config={"EndpointsConfig": {layout.name: endpoint}},
    )
    container = client.containers.get(created["Id"])
    try:
        container.put_archive("/", _files(credentials, simulated_gpus))
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


def _files(credentials: Credentials, simulated_gpus: int) -> bytes:
    """Return what the lab puts onto a host: its key, and trust in the lab's registry."""
    return pack(
        {
            **(gpus.files(simulated_gpus) if simulated_gpus else {}),
            f"home/{USER}/.ssh/authorized_keys": Entry(
                credentials.public_key().encode(), 0o600, _USER_ID
            ),
            f"etc/docker/certs.d/{REGISTRY}/ca.crt": Entry(credentials.ca.read_bytes()),
        }
    )


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


def simulated_gpus(container: Container) -> int:
    """Return how many GPUs a host pretends to have."""
    return int(container.labels.get(gpus.LABEL, "0"))


def host_key(container: Container) -> str:
    """Return the host's public SSH key, ``ssh-ed25519 AAAA…``."""
    chunks, _ = container.get_archive(_HOST_KEY)
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
        file = tar.extractfile(Path(_HOST_KEY).name)
        if file is None:
            raise ProvisionError(f"{container.name} has no host key {_HOST_KEY}")
        return " ".join(file.read().decode().split()[:2])


def ensure_running(container: Container, port: int) -> None:
    """Return once the host, in whatever state it was, has booted."""
    container.reload()
    if container.status == "running" and sshd_greets(port):
        return
    if container.status == "paused":
        container.unpause()
    elif container.status != "running":
        container.start()
    wait_until_running(container, port)
