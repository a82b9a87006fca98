"""What is declared where the lab has no host for it: RHEL, Amazon Linux, images with a driver.

Debian's side runs for real in ``tests/integration/nvidia``.
"""

from __future__ import annotations

from typing import Any

import pytest

from provision.agent.declaration import Declaration
from provision.tasks.library.nvidia_driver import nvidia_driver
from provision.transport.result import Result
from tests.unit.nvidia.test_host import STATUS, facts

KERNEL = "5.14.0-570.12.1.el9_6.x86_64"


class Recorded:
    """A host that takes note of what it is handed, and answers as it is told to."""

    name = "gpu-01"
    has_dkms = False  # in a repository that is there already

    def __init__(self, system: dict[str, Any], status: dict[str, Any], *, check: bool) -> None:
        self.facts = system
        self.check = check
        self.applied: list[Declaration] = []
        self.noted: list[Result] = []
        self._status = status

    def apply(self, resource: Declaration, **_: Any) -> None:
        self.applied.append(resource)

    def ask(self, query: Declaration, **_: Any) -> dict[str, Any]:
        if query.kind() == "DriverStatus":
            return self._status
        commands = query.fields()["commands"]
        said = "570.172.08\n580.95.05\n" if "repoquery" in commands[0] else ""
        code = int(" dkms " in commands[0] and not self.has_dkms)
        return {"commands": {command: {"rc": code, "stdout": said} for command in commands}}

    def note(self, _: str, result: Result, **__: Any) -> None:
        self.noted.append(result)

    def on_change(self, *_: Any) -> None:
        """Take no note: handlers are run by real hosts."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [it.fields() for it in self.applied if it.kind() == kind]

    def text(self, path: str) -> str:
        return next(str(it["content"]) for it in self.of("Copy") if it["dest"] == path)


def redhat(name: str = "RedHat", version: str = "9.6", *devices: str) -> dict[str, Any]:
    found = [
        {"device": f"0x{device}", "class": "0x068000" if device == "22a3" else "0x030200"}
        for device in devices or ("2330",)
    ]
    return facts(
        ansible_os_family="RedHat",
        ansible_distribution=name,
        ansible_distribution_version=version,
        ansible_distribution_major_version=version.split(".", maxsplit=1)[0],
        ansible_system_vendor="Supermicro",
        provision_nvidia={"devices": found, "driver": None},
    )


def status(**other: Any) -> dict[str, Any]:
    kernels = {"running": KERNEL, "next": KERNEL, "headers": []}
    return {**STATUS, "nouveau": False, "kernels": kernels, **other}


def carried_out(
    system: dict[str, Any], found: dict[str, Any], *, check: bool = False, **wanted: Any
) -> Recorded:
    host = Recorded(system, found, check=check)
    nvidia_driver(host, **wanted)  # type: ignore[arg-type]
    return host


def test_red_hat_gets_epel_a_repository_a_stream_and_one_version() -> None:
    host = carried_out(redhat("RedHat", "9.6", "2330", "2330", "22a3"), status())
    epel, repository = host.of("DnfRepository")
    assert epel["key_fingerprint"] == "FF8AD1344597106ECE813B918A3872BF3228467C"
    nvidia = "https://developer.download.nvidia.com/compute/cuda/repos/rhel9/x86_64"
    assert repository == {
        "name": "nvidia-cuda",
        "baseurl": nvidia,
        "key_url": f"{nvidia}/D42D0685.pub",
        "key_fingerprint": "610C7B14E068A878070DA4E99CD0A493D42D0685",
    }
    assert "stream=580-open\n" in host.text("/etc/dnf/modules.d/nvidia-driver.module")
    headers, driver, _held = host.of("Dnf")
    assert headers["name"] == (f"kernel-devel-{KERNEL}",)
    assert driver["name"] == (
        "kmod-nvidia-open-dkms=580.95.05",
        "nvidia-driver-cuda=580.95.05",
        "nvidia-persistenced=580.95.05",
        "nvidia-fabricmanager=580.95.05",
    )
    assert driver["hold"] is True
    assert host.of("DkmsModules") == [{"kernels": (KERNEL,)}]
    assert [it["name"] for it in host.of("Modprobe")] == ["nvidia", "nvidia-uvm"]
    (units,) = host.of("Systemd")
    assert units["name"] == ["nvidia-persistenced", "nvidia-fabricmanager"]
    assert units["state"] == "started"


def test_amazon_linux_needs_no_epel() -> None:
    host = carried_out(redhat("Amazon", "2023", "27b8"), status())
    (repository,) = host.of("DnfRepository")
    assert repository["baseurl"].endswith("repos/amzn2023/x86_64")


def test_epel_is_not_added_where_another_repository_has_dkms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Recorded, "has_dkms", True)
    host = carried_out(redhat(), status())
    assert [it["name"] for it in host.of("DnfRepository")] == ["nvidia-cuda"]


def test_a_mirror_has_a_key_of_its_own() -> None:
    mirror = {"repository": "https://mirror.example.org/cuda/", "key_fingerprint": "A" * 40}
    *_, repository = carried_out(redhat(), status(), **mirror).of("DnfRepository")
    assert repository["baseurl"] == "https://mirror.example.org/cuda/rhel9/x86_64"
    assert repository["key_url"] == "https://mirror.example.org/cuda/rhel9/x86_64/D42D0685.pub"
    assert repository["key_fingerprint"] == "A" * 40


LOADED = {
    **STATUS["driver"],
    "loaded": "570.172.08",
    "installed": "570.172.08",
    "flavour": "open",
    "modules": {KERNEL: "570.172.08"},
}


@pytest.mark.parametrize(
    ("persistenced", "units", "unit_files"),
    [("unit", ["nvidia-persistenced"], 0), ("program", ["nvidia-persistenced"], 1), ("", None, 0)],
)
def test_an_images_driver_is_kept_and_stays_loaded(
    persistenced: str, units: list[str] | None, unit_files: int
) -> None:
    found = status(driver=LOADED, persistenced=persistenced)
    host = carried_out(redhat(), found)
    assert host.of("Dnf") == host.of("Modprobe") == []
    started = [it["name"] for it in host.of("Systemd") if it.get("state") == "started"]
    assert started == ([units] if units else [])
    written = [it for it in host.of("Copy") if it["dest"].endswith("persistenced.service")]
    assert len(written) == unit_files


def test_a_plan_keeps_the_pattern_where_the_repository_is_not_there_yet() -> None:
    host = carried_out(redhat(), status(), check=True, branch=590)
    (_, driver) = host.of("Dnf")
    assert driver["name"][0] == "kmod-nvidia-open-dkms=590.*"
    assert host.noted[0].status == "changed"


def test_a_refusal_changes_nothing() -> None:
    host = carried_out(redhat("RedHat", "9.6", "102d"), status())
    assert host.applied == []
    (refused,) = host.noted
    assert (refused.status, bool(refused.hint)) == ("failed", True)


def test_a_host_without_a_gpu_is_asked_nothing() -> None:
    system = facts(provision_nvidia={"devices": [], "driver": None})
    host = Recorded(system, {}, check=False)
    host.ask = None  # type: ignore[method-assign,assignment]
    nvidia_driver(host)  # type: ignore[arg-type]
    assert host.applied == host.noted == []
