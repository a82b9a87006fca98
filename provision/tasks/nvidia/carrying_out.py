"""Makes of a decision what the host should have."""

from __future__ import annotations

import json
from collections.abc import Sequence

from provision.agent.boot import REQUIRED
from provision.agent.resources.apt import Apt
from provision.agent.resources.apt_components import AptComponents
from provision.agent.resources.apt_repository import AptRepository
from provision.agent.resources.command import Command
from provision.agent.resources.copy import Copy
from provision.agent.resources.directory import Directory
from provision.agent.resources.dkms_modules import DkmsModules
from provision.agent.resources.dnf import Dnf
from provision.agent.resources.dnf_repository import DnfRepository
from provision.agent.resources.modprobe import Modprobe
from provision.agent.resources.systemd import Systemd
from provision.tasks.host import Host
from provision.tasks.nvidia.decision import Decision, Pin
from provision.tasks.nvidia.distribution import Repository
from provision.tasks.nvidia.repositories import found, has_packages
from provision.tasks.nvidia.resolver import PERSISTENCED

_PREFERENCES = "/etc/apt/preferences.d/provision-nvidia.pref"
_BLACKLIST = "/etc/modprobe.d/provision-nvidia.conf"
_STREAM = "/etc/dnf/modules.d/nvidia-driver.module"
_UNIT = "/etc/systemd/system/nvidia-persistenced.service"
_PERSISTENCED = """\
# Written by provision, after the sample that comes with NVIDIA's driver.
[Unit]
Description=NVIDIA Persistence Daemon

[Service]
Type=forking
ExecStart=/usr/bin/nvidia-persistenced --verbose
ExecStopPost=/bin/rm -rf /run/nvidia-persistenced

[Install]
WantedBy=multi-user.target
"""
_ABOVE_ANYTHING = 1001  # apt_preferences(5): even when that is a downgrade
_INITRAMFS = (
    "if command -v update-initramfs >/dev/null; then update-initramfs -u -k all;"
    " elif command -v dracut >/dev/null; then dracut --regenerate-all --force; fi"
)


def add_repository(host: Host, decision: Decision, family: str) -> None:
    """Make the driver's packages known to the host."""
    if decision.components:
        host.apply(AptComponents(components=decision.components), name="components of the archive")
    if decision.repository is not None and family == "debian":
        _add_apt_repository(host, decision)
    elif decision.repository is not None:
        _add_dnf_repository(host, decision)


def install(host: Host, decision: Decision, family: str) -> None:
    """Install the packages of a decision, all at its version, and hold them."""
    if decision.pin is not None:
        host.apply(Copy(dest=_PREFERENCES, content=_preferences(decision.pin), mode=0o644))
    if decision.headers:
        host.apply(packages(family, decision.headers), name="kernel headers")
    if decision.packages:
        host.apply(packages(family, decision.packages, hold=True), name="packages")


def hold(host: Host, names: Sequence[str], family: str) -> None:
    """Keep upgrades that nobody has asked for away from packages that are there."""
    if names:
        host.apply(packages(family, names, hold=True), name="hold the driver's packages")


def release(host: Host, names: Sequence[str], family: str) -> None:
    """Let dependencies of a driver that is replaced follow it; apt keeps those that are held."""
    if names and family == "debian":
        host.apply(
            packages(family, names, hold=False), name="release the old driver's dependencies"
        )


def packages(family: str, names: Sequence[str], *, hold: bool | None = None) -> Apt | Dnf:
    """Return packages, without what is only recommended: that would be a desktop."""
    if family == "debian":
        return Apt(name=names, hold=hold, install_recommends=False, allow_downgrade=True)
    return Dnf(name=names, hold=hold, install_recommends=False, allow_downgrade=True)


def keep_nouveau_out(host: Host, names: Sequence[str]) -> None:
    """Have the kernel's own drivers not loaded at boot, also not by the initial RAM disk."""
    lines = "".join(f"blacklist {name}\noptions {name} modeset=0\n" for name in names)
    host.on_change("rebuild initramfs", Command(shell=_INITRAMFS))
    host.apply(
        Copy(dest=_BLACKLIST, content="# Written by provision.\n" + lines, mode=0o644),
        notify="rebuild initramfs",
    )


def build(host: Host, kernels: Sequence[str]) -> None:
    """See to it that kernels have the module; installing packages has built most of them."""
    if kernels:
        host.apply(DkmsModules(kernels=kernels), name="kernel modules")


def load(host: Host, names: Sequence[str], *, at_boot: bool = False) -> None:
    """Load kernel modules; the driver's are loaded at boot by whoever finds the GPU."""
    for name in names:
        host.apply(Modprobe(name=name, persistent=at_boot))


def provide_persistenced(host: Host) -> None:
    """Make a unit of the daemon, which NVIDIA's installer leaves as a program alone."""
    host.apply(Copy(dest=_UNIT, content=_PERSISTENCED, mode=0o644))
    host.apply(Systemd(name=PERSISTENCED, daemon_reload=True))


def start(host: Host, services: Sequence[str]) -> None:
    """Start what belongs to the driver, now and at every boot."""
    if services:
        host.apply(Systemd(name=services, enabled=True, state="started"))


def ask_for_reboot(host: Host, services: Sequence[str], reasons: Sequence[str]) -> None:
    """Leave it to the reboot to load the driver, and to start what belongs to it."""
    if services:
        host.apply(Systemd(name=services, enabled=True))
    host.apply(Directory(path=REQUIRED.rpartition("/")[0], mode=0o755))
    reason = "NVIDIA driver: " + "; ".join(reasons)
    host.apply(Copy(dest=REQUIRED, content=json.dumps({"reason": reason}) + "\n", mode=0o644))


def _add_apt_repository(host: Host, decision: Decision) -> None:
    repository = decision.repository
    assert repository is not None  # noqa: S101 - whoever calls has looked
    host.apply(
        AptRepository(
            name=repository.name,
            uris=[repository.uri],
            suites=["/"],
            key_url=repository.key_url,
            key_fingerprint=repository.key_fingerprint,
        )
    )


def _add_dnf_repository(host: Host, decision: Decision) -> None:
    repository = decision.repository
    assert repository is not None  # noqa: S101 - whoever calls has looked
    if decision.epel is not None and not _has_dkms(host):
        _add(host, decision.epel)
    _add(host, repository)
    if decision.stream:
        host.apply(Directory(path=_STREAM.rpartition("/")[0], mode=0o755))
        host.apply(Copy(dest=_STREAM, content=_stream(decision.stream), mode=0o644))


def _has_dkms(host: Host) -> bool:
    """Tell whether a repository that is there has DKMS already: EPEL, or a mirror of it."""
    answers = found(host.ask(has_packages("redhat", ["dkms"]), name="DKMS"))
    return answers == [True]


def _add(host: Host, repository: Repository) -> None:
    host.apply(
        DnfRepository(
            name=repository.name,
            baseurl=repository.uri,
            key_url=repository.key_url,
            key_fingerprint=repository.key_fingerprint,
        )
    )


def _stream(stream: str) -> str:
    """Return what ``dnf module enable nvidia-driver:STREAM`` writes, see dnf(8)."""
    return f"[nvidia-driver]\nname=nvidia-driver\nstream={stream}\nprofiles=\nstate=enabled\n"


def _preferences(pin: Pin) -> str:
    """Return apt_preferences(5) that take dependencies at the driver's version, too."""
    return (
        "Explanation: Written by provision: one version for all of the driver.\n"
        f"Package: {' '.join(pin.packages)}\n"
        f"Pin: version {pin.version}\n"
        f"Pin-Priority: {_ABOVE_ANYTHING}\n"
    )
