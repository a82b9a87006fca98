"""What a machine gets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from provision.source import plain
from provision.tasks.nvidia.distribution import Repository
from provision.tasks.nvidia.gpu import Flavour
from provision.tasks.nvidia.refusal import Refusal

Verdict = Literal["nothing", "install", "keep", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Found:
    """GPUs of one model."""

    name: str
    architecture: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What apt's preferences keep at one version."""

    packages: tuple[str, ...]
    version: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer to a machine; what is empty is not needed.

    Args:
        verdict: nothing (there is no GPU), install, keep (what is there), or refuse.
        gpus: what was found.
        nvswitches: how many there are on the PCI bus.
        because: why, a few words each.
        flavour: of the kernel modules; None where that is not known.
        branch: of the driver.
        version: exact, or a pattern: the newest that fits in the repository is then it.
        source: ``nvidia``, or ``distro`` for the distribution's own archive.
        repository: to be added.
        components: of the distribution's own archive, to be switched on.
        epel: to be added as well where no repository has ``dkms``.
        stream: dnf's module stream.
        headers: packages that building modules needs.
        packages: each ``name=version``, or a name alone where the version is its own.
        holds: names of packages that unattended upgrades must leave alone.
        pin: see there.
        build: kernels that the driver's module has to be built for.
        blacklist: kernel modules that must not be loaded.
        load: kernel modules that each boot loads.
        services: enabled and started.
        reboot: why the machine has to be rebooted; none: it has not.
        refusals: why there is no driver.

    """

    verdict: Verdict
    gpus: tuple[Found, ...] = ()
    nvswitches: int = 0
    because: tuple[str, ...] = ()
    flavour: Flavour | None = None
    branch: int | None = None
    version: str = ""
    source: str = ""
    repository: Repository | None = None
    components: tuple[str, ...] = ()
    epel: Repository | None = None
    stream: str | None = None
    headers: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    pin: Pin | None = None
    build: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()
    load: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    reboot: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what is not empty, as plain values."""
        return {name: plain(value) for name, value in asdict(self).items() if value}
