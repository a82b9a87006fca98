"""Where a distribution gets a driver from, and what it is called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from provision.tasks.nvidia.gpu import Flavour
from provision.tasks.nvidia.refusal import Refusal
from provision.tasks.nvidia.tables import table

NVIDIA = "https://developer.download.nvidia.com/compute/cuda/repos"
"""Where NVIDIA has the driver's packages, a directory for each distribution."""


@dataclass(frozen=True)
class Repository:
    """A package repository: its address, and the key that signs it."""

    name: str
    uri: str
    key_url: str
    key_fingerprint: str

    def mirrored(self, mirror: str, fingerprint: str) -> Repository:
        """Return the same in a mirror of ``NVIDIA``; its key is NVIDIA's if none is given."""
        uri, key_url = (it.replace(NVIDIA, mirror.rstrip("/")) for it in (self.uri, self.key_url))
        return Repository(self.name, uri, key_url, fingerprint or self.key_fingerprint)

    @classmethod
    def of(cls, rules: Mapping[str, Any], architecture: str) -> Repository:
        """Return the one that a table describes; its key lies beside it, or at an address."""
        uri = rules["uri"].format(arch=rules["arch"][architecture])
        key = rules["key"] if "://" in rules["key"] else f"{uri}/{rules['key']}"
        return cls(rules["name"], uri, key, rules["fingerprint"])


@dataclass(frozen=True)
class Packaging:
    """How the packages of one branch are named; see ``data/packages.yml``."""

    branch: int
    exact: str
    pin: tuple[str, ...]
    prebuilt: bool
    names: Mapping[str, Any]

    def of_driver(self, flavour: Flavour) -> list[str]:
        """Return the packages that are at exactly the driver's version, the modules' first."""
        return [self._named(name) for name in (*self.names[flavour], *self.names["driver"])]

    def tools(self) -> list[str]:
        """Return the packages that go with the driver at versions of their own."""
        return [self._named(name) for name in self.names.get("tools", ())]

    def modules(self, flavour: Flavour, kernel: str) -> list[str]:
        """Return the packages with the modules that were built for a kernel."""
        named = self.names.get("modules")
        return [self._named(named[flavour], kernel)] if named else []

    def fabricmanager(self) -> str | None:
        """Return the fabric manager's package, None where there is none."""
        name = self.names.get("fabricmanager")
        return self._named(name) if name else None

    def nvlink5(self) -> list[str]:
        """Return what the fabric manager needs for NVSwitches of the fourth generation."""
        return list(self.names.get("nvlink5", ()))

    def stream(self, flavour: Flavour) -> str | None:
        """Return dnf's module stream, None where there is none."""
        streams = self.names.get("stream")
        return self._named(streams[flavour]) if streams else None

    def pattern(self, version: str) -> str:
        """Return what the versions of packages look like that are built from a driver version."""
        return self.exact.format(version=version) if version else f"{self.branch}.*"

    def _named(self, template: str, kernel: str = "") -> str:
        return template.format(branch=self.branch, kernel=kernel)


@dataclass(frozen=True)
class Origin:
    """One of the places where a distribution's drivers come from."""

    name: str
    branches: tuple[int, ...]
    rules: Mapping[str, Any]

    @property
    def is_prebuilt(self) -> bool:
        """Whether the kernel modules come built and signed."""
        return bool(table("packages")[self.rules["packages"]].get("prebuilt"))

    @property
    def components(self) -> tuple[str, ...]:
        """The components of the distribution's own archive that have it."""
        return tuple(self.rules.get("components", ()))

    def repository(self, architecture: str) -> Repository | None:
        """Return the repository; None where it is the distribution's own archive.

        Raises:
            Refusal: it has nothing for the architecture.

        """
        rules = self.rules.get("repository")
        if rules is None:
            return None
        if architecture not in rules["arch"]:
            raise Refusal(
                "NVIDIA's repository for this distribution has nothing for this architecture",
                expected=" or ".join(rules["arch"]),
                found=architecture,
                next="use a newer release of the distribution",
            )
        return Repository.of(rules, architecture)

    def packaging(self, branch: int) -> Packaging:
        """Return how the packages of a branch are named."""
        rules = table("packages")[self.rules["packages"]]
        names: dict[str, Any] = {}
        for since, entry in rules["branches"].items():
            if int(since) <= branch:
                names.update(entry)
        pin, prebuilt = tuple(rules.get("pin", ())), rules.get("prebuilt", False)
        return Packaging(branch, rules["exact"], pin, prebuilt, names)


@dataclass(frozen=True)
class Distribution:
    """A release of a distribution."""

    name: str
    rules: Mapping[str, Any]

    @property
    def family(self) -> str:
        """``debian`` or ``redhat``."""
        return str(self.rules["family"])

    @property
    def origins(self) -> dict[str, Origin]:
        """Return the places that drivers come from, by ``nvidia`` and ``distro``."""
        return {
            name: Origin(name, tuple(rules["branches"]), rules)
            for name, rules in self.rules["sources"].items()
        }

    def epel(self, architecture: str) -> Repository | None:
        """Return EPEL, for ``dkms``; None where that is not needed."""
        rules = self.rules.get("epel")
        return Repository.of(rules, architecture) if rules else None

    def headers(self, kernel: str) -> list[str]:
        """Return the packages that building a module for a kernel needs."""
        base = self.rules.get("base_kernel", "")
        series = ".".join(kernel.split(".")[:2])
        fields = {"kernel": kernel, "series": "" if not base or series == base else series}
        return [template.format(**fields) for template in self.rules["headers"]]


def distribution(name: str) -> Distribution:
    """Return a distribution by name and version, such as ``debian-13``.

    Raises:
        Refusal: no driver packages are known for it.

    """
    known = table("distributions")
    if name not in known:
        raise Refusal(
            "no driver packages are known for this system",
            expected=", ".join(known),
            found=name,
            next="use one of these, or an image with a driver, which is then left as it is",
        )
    return Distribution(name, known[name])
