"""Docker Engine and Compose v2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from provision.agent.resources.apt import Apt
from provision.agent.resources.apt_repository import AptRepository
from provision.agent.resources.directory import Directory
from provision.agent.resources.dnf import Dnf
from provision.agent.resources.dnf_repository import DnfRepository
from provision.agent.resources.merge_json import MergeJson
from provision.agent.resources.systemd import Systemd
from provision.agent.resources.user import User
from provision.errors import TaskError
from provision.tasks.host import Host
from provision.tasks.task import task

# https://docs.docker.com/engine/install/debian/ (ubuntu, rhel): packages, repository and key.
_DOCKER_PACKAGES = ("docker-ce", "docker-ce-cli")
_DOCKER_COMPANIONS = ("containerd.io", "docker-buildx-plugin", "docker-compose-plugin")
_DOCKER_KEY_FINGERPRINTS = {
    "Debian": "9DC858229FC7DD38854AE2D88D81803C0EBFCD88",
    "RedHat": "060A61C51B558A7F742B77AAC52FEB6B621E9F35",
}

# Where Docker has the packages of a distribution. It builds none for Amazon Linux 2023, which is
# close enough to CentOS Stream 9 to run those; see github.com/moby/moby/issues/49169.
_DOCKER_RPMS = {"Amazon": "centos/9", "CentOS": "centos/{major}", "Fedora": "fedora/{major}"}
_DOCKER_RPMS_OF_OTHERS = "rhel/{major}"

# The distribution's packages that hold the engine and Compose v2.
_DISTRO_PACKAGES = {
    ("Debian", 13): ("docker.io", "docker-cli", "docker-compose"),
    ("Ubuntu", 22): ("docker.io", "docker-compose-v2"),
    ("Ubuntu", 24): ("docker.io", "docker-compose-v2"),
}

_DAEMON = {
    # Compose files set their own; this is for containers started by hand.
    "log-driver": "json-file",
    "log-opts": {"max-size": "20m", "max-file": "5"},
    "live-restore": True,  # an upgrade or restart of the daemon leaves containers running
    "features": {"cdi": True},
}


@task
def docker_engine(
    host: Host,
    *,
    source: Literal["docker", "distro"] = "docker",
    version: str = "",
    daemon: Mapping[str, Any] | None = None,
    users: Sequence[str] = (),
    repository: str = "https://download.docker.com/linux",
    key_fingerprint: str = "",
) -> None:
    """Install Docker Engine and Compose v2, and merge our settings into ``daemon.json``.

    Args:
        source: Docker's own repository, or the distribution's packages.
        version: of the engine, such as ``5:28.3.*`` (for dnf ``28.3.*``); empty installs the newest
            and then holds it.
        daemon: settings for ``daemon.json`` beside ours, deep-merged with what is there.
        users: who may use the Docker socket; that makes them root on the host.
        repository: of Docker's packages, or a mirror of it.
        key_fingerprint: of the key that signs them; empty means Docker's.

    """
    family = host.facts["ansible_os_family"]
    if family not in _DOCKER_KEY_FINGERPRINTS:
        raise TaskError(f"host {host.name}: no Docker packages are known for {family}")
    install = _install_on_debian if family == "Debian" else _install_on_redhat
    key = key_fingerprint or _DOCKER_KEY_FINGERPRINTS[family]
    install(host, source, version, repository, key)
    _configure(host, daemon or {})
    host.apply(Systemd(name="docker", enabled=True, state="started"))
    for user in users:
        host.apply(User(name=user, groups=["docker"], append=True))


def _install_on_debian(
    host: Host, source: str, version: str, repository: str, key_fingerprint: str
) -> None:
    if source == "distro":
        packages = _distro_packages(host)
        names = [_pinned(packages[0], version), *packages[1:]]
    else:
        distribution = host.facts["ansible_distribution"].lower()
        host.apply(
            AptRepository(
                name="docker",
                uris=[f"{repository}/{distribution}"],
                suites=[host.facts["ansible_distribution_release"]],
                components=["stable"],
                key_url=f"{repository}/{distribution}/gpg",
                key_fingerprint=key_fingerprint,
            )
        )
        names = [*(_pinned(name, version) for name in _DOCKER_PACKAGES), *_DOCKER_COMPANIONS]
    host.apply(Apt(name=names, hold=True, update_cache=True, cache_valid_time=86400))


def _distro_packages(host: Host) -> Sequence[str]:
    name = host.facts["ansible_distribution"]
    major = int(host.facts["ansible_distribution_major_version"])
    packages = _DISTRO_PACKAGES.get((name, major))
    if packages is None:
        raise TaskError(
            f"host {host.name}: {name} {major} has no packages of Compose v2",
            hint="use docker_source: docker",
        )
    return packages


def _install_on_redhat(
    host: Host, source: str, version: str, repository: str, key_fingerprint: str
) -> None:
    distribution = host.facts["ansible_distribution"]
    if source == "distro":
        raise TaskError(
            f"host {host.name}: {distribution} has no packages of Compose v2",
            hint="use docker_source: docker",
        )
    major = host.facts["ansible_distribution_major_version"]
    place = _DOCKER_RPMS.get(distribution, _DOCKER_RPMS_OF_OTHERS).format(major=major)
    host.apply(
        DnfRepository(
            name="docker",
            baseurl=f"{repository}/{place}/$basearch/stable",
            key_url=f"{repository}/{place.partition('/')[0]}/gpg",
            key_fingerprint=key_fingerprint,
        )
    )
    names = [_pinned(name, version) for name in _DOCKER_PACKAGES]
    host.apply(Dnf(name=[*names, *_DOCKER_COMPANIONS], hold=True))


def _pinned(name: str, version: str) -> str:
    return f"{name}={version}" if version else name


def _configure(host: Host, daemon: Mapping[str, Any]) -> None:
    """Merge, never overwrite: other tools keep their settings in the same file."""
    host.on_change("restart docker", Systemd(name="docker", state="restarted"))
    host.apply(Directory(path="/etc/docker", mode=0o755))
    host.apply(
        MergeJson(
            dest="/etc/docker/daemon.json",
            values={**_DAEMON, **daemon},
            mode=0o644,
            validate="dockerd --validate --config-file %s",
        ),
        notify="restart docker",
    )
