"""GPUs for containers: NVIDIA's container toolkit, and the file that tells Docker of the GPUs."""

from __future__ import annotations

from provision.agent.resources.apt import Apt
from provision.agent.resources.apt_repository import AptRepository
from provision.agent.resources.cdi_specification import PATH, CdiSpecification
from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.agent.resources.dnf import Dnf
from provision.agent.resources.dnf_repository import DnfRepository
from provision.agent.resources.file import File
from provision.agent.resources.systemd import Systemd
from provision.errors import TaskError
from provision.tasks import cdi_units
from provision.tasks.gpus import gpus_of
from provision.tasks.host import Host
from provision.tasks.task import task

# docs.nvidia.com/datacenter/cloud-native/container-toolkit, "Installing the NVIDIA Container
# Toolkit": repository, key, packages, and that all of them have to be of one version.
_PACKAGES = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
_REPOSITORY = "https://nvidia.github.io/libnvidia-container"
_KEY_FINGERPRINT = "C95B321B61E88C1809C4F759DDCAE044F796ECB0"
_VERSION = "1.19.1-1"
_DEBIAN_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@task
def nvidia_container_toolkit(
    host: Host,
    *,
    version: str = _VERSION,
    repository: str = _REPOSITORY,
    key_fingerprint: str = _KEY_FINGERPRINT,
) -> None:
    """Install the toolkit, and keep the CDI specification of the GPUs as they are.

    Docker reads the specification itself (``features.cdi``, see ``docker_engine``); its legacy
    runtime is left alone. A host without an NVIDIA GPU is left as it is.

    Args:
        version: of all packages, such as ``1.19.1-1``; held, so that only a deploy changes it.
        repository: of the packages, or a mirror of it.
        key_fingerprint: of the key that signs it.

    """
    if not gpus_of(host.facts):
        return
    host.apply(Directory(path="/etc/cdi", mode=0o755))
    are_shipped = cdi_units.are_shipped(version)
    _settings(host) if are_shipped else _units(host)
    family = host.facts["ansible_os_family"]
    if family == "Debian":
        _install_on_debian(host, version, repository, key_fingerprint)
    elif family == "RedHat":
        _install_on_redhat(host, version, repository, key_fingerprint)
        if are_shipped:
            _settings(host)  # rpm puts its own file in the place of one that no package has
    else:
        raise TaskError(f"host {host.name}: NVIDIA has no container toolkit for {family}")
    for name in cdi_units.NAMES if are_shipped else ():  # ours are kept until others are there
        host.apply(File(path=f"{cdi_units.DIRECTORY}/{name}", state="absent"))
    host.apply(Systemd(name=cdi_units.NAMES, enabled=True, daemon_reload=True))
    host.apply(Systemd(name=cdi_units.NAMES[0], state="started"))
    host.apply(File(path=cdi_units.VOLATILE, state="absent"))
    host.apply(CdiSpecification(), name=f"CDI specification {PATH}")


def _settings(host: Host) -> None:
    """Have them there before the packages, whose service runs as soon as it is installed."""
    host.apply(Directory(path=cdi_units.SETTINGS.rpartition("/")[0], mode=0o755))
    host.apply(Copy(dest=cdi_units.SETTINGS, content=cdi_units.SETTINGS_TEXT, mode=0o644))


def _units(host: Host) -> None:
    for name, text in cdi_units.UNITS.items():
        host.apply(Copy(dest=f"{cdi_units.DIRECTORY}/{name}", content=text, mode=0o644))


def _install_on_debian(host: Host, version: str, repository: str, key_fingerprint: str) -> None:
    machine = host.facts["ansible_architecture"]
    host.apply(
        AptRepository(
            name="nvidia-container-toolkit",
            uris=[f"{repository}/stable/deb/{_DEBIAN_ARCHITECTURES.get(machine, machine)}"],
            suites=["/"],
            key_url=f"{repository}/gpgkey",
            key_fingerprint=key_fingerprint,
        )
    )
    names = [f"{name}={version}" for name in _PACKAGES]
    host.apply(Apt(name=names, hold=True, allow_downgrade=True))


def _install_on_redhat(host: Host, version: str, repository: str, key_fingerprint: str) -> None:
    """Do as the ``.repo`` file there says: NVIDIA signs the metadata, not the packages."""
    host.apply(
        DnfRepository(
            name="nvidia-container-toolkit",
            baseurl=f"{repository}/stable/rpm/$basearch",
            key_url=f"{repository}/gpgkey",
            key_fingerprint=key_fingerprint,
            signed="metadata",
        )
    )
    names = [f"{name}={version}" for name in _PACKAGES]
    host.apply(Dnf(name=names, hold=True, allow_downgrade=True))
