"""NVIDIA GPUs: the machine, the driver, Docker and the containers agree on them."""

from __future__ import annotations

import re

import pytest
from testinfra.host import Host

from provision.verify.demand import demand
from provision.verify.node import Node, Service
from provision.verify.questions import Questions
from provision.verify.reading import PACKAGES, UNITS, packages, units

# Class 0x03: display controllers; 0x0300 VGA, 0x0302 3D. 0x0680 of NVIDIA is an NVSwitch.
_PCI = (
    "cd /sys/bus/pci/devices && for d in *; do"
    ' [ "$(cat $d/vendor)" = 0x10de ] && echo "$d $(cat $d/class)"; done; true'
)
_FIELDS = (
    "index,name,driver_version,persistence_mode,ecc.errors.uncorrected.volatile.total,"
    "mig.mode.current"
)
_SMI = f"nvidia-smi --query-gpu={_FIELDS} --format=csv,noheader"
_LOADED = "cat /proc/driver/nvidia/version"
_FABRIC = "nv-fabricmanager --version"
_CDI = "cat /etc/cdi/*nvidia* /var/run/cdi/*nvidia* 2>/dev/null || true"
_XID = "{ journalctl -k -b -o cat 2>/dev/null || dmesg; } | grep -a 'NVRM: Xid' | tail -n 5; true"
# The kernel of the next boot is the one that grubby names, or the newest that is installed; modinfo
# asks for its own module. That of Debian's packages has another name, by which modinfo, unlike
# modprobe, does not find it.
_NEXT = (
    "k=$(grubby --default-kernel 2>/dev/null);"
    " k=${k:-$(ls -v /boot/vmlinuz-* 2>/dev/null | tail -n 1)};"
    " k=${k##*/vmlinuz-}; k=${k:-$(uname -r)};"
    " for m in nvidia nvidia-current nvidia-current-open; do"
    ' v=$(modinfo -k "$k" -F version $m 2>/dev/null) && break; done; echo "$k $v"'
)
_VERSION = re.compile(r"\b(\d{3}\.\d+(?:\.\d+)?)\b")
_LIBRARY = re.compile(r"libcuda\.so\.(\d{3}\.\d+(?:\.\d+)?)")


def questions(node: Node) -> Questions:
    """Return what is asked of hosts with GPUs."""
    if node.gpu_count == 0:
        return Questions()
    about_gpus = (_PCI, _SMI, _LOADED, _FABRIC, _CDI, _XID, _NEXT)
    return Questions(commands=(UNITS, PACKAGES, *about_gpus), containers=True)


@pytest.fixture
def declared(node: Node) -> int:
    """The number of GPUs that the inventory gives the host."""
    if node.gpu_count == 0:
        pytest.skip("gpu_count is 0")
    return node.gpu_count


def _cards(host: Host) -> list[list[str]]:
    """Return nvidia-smi's columns, a row a GPU."""
    answer = host.run(_SMI)
    demand(
        "an answer of nvidia-smi",
        found=[] if answer.rc == 0 else [(answer.stdout + answer.stderr).strip()[:200]],
        todo="Deploy again, or see `dmesg | grep NVRM`; a new driver may wait for a reboot",
    )
    return [[cell.strip() for cell in row.split(",")] for row in answer.stdout.splitlines()]


def test_count(host: Host, declared: int) -> None:
    """The machine, the driver and the inventory count the same GPUs."""
    on_bus = [line for line in host.run(_PCI).stdout.splitlines() if " 0x030" in line]
    counts = {"PCI": len(on_bus), "nvidia-smi": len(_cards(host))}
    demand(
        f"{declared} GPUs (gpu_count)",
        found=[f"{number} by {who}" for who, number in counts.items() if number != declared],
        todo="See `lspci -d 10de:` and `dmesg | grep NVRM`, or correct gpu_count",
    )


def test_versions(host: Host, declared: int) -> None:
    """The loaded driver, its libraries, the fabric manager and the CDI specification are one."""
    versions = {"nvidia-smi": {row[2] for row in _cards(host)}}
    versions["the loaded module"] = set(_VERSION.findall(host.run(_LOADED).stdout)[:1])
    fabric = host.run(_FABRIC)
    if fabric.rc == 0:
        versions["fabricmanager"] = set(_VERSION.findall(fabric.stdout))
    versions["the CDI specification"] = set(_LIBRARY.findall(host.run(_CDI).stdout))
    wanted = min(versions["the loaded module"], default="a driver")
    demand(
        f"{wanted} everywhere",
        found=[
            f"{who}: {', '.join(sorted(found)) or 'none'}"
            for who, found in versions.items()
            if found != {wanted}
        ],
        todo="A changed driver needs a reboot; then `nvidia-ctk cdi generate`, or deploy again",
    )


def test_persistence(host: Host, declared: int) -> None:
    """The driver stays loaded between jobs, and does so after a boot."""
    found = [f"GPU {row[0]} off" for row in _cards(host) if row[3] != "Enabled"]
    unit = units(host.run(UNITS).stdout).get("nvidia-persistenced")
    if unit is not None and unit.loaded == "loaded" and unit.active != "active":
        found.append(f"nvidia-persistenced {unit.active}")
    demand("persistence mode", found=found, todo="`systemctl enable --now nvidia-persistenced`")


def test_memory_errors(host: Host, declared: int) -> None:
    """No GPU has uncorrectable memory errors."""
    rows = [row for row in _cards(host) if row[4].isdigit() and int(row[4]) > 0]
    demand(
        "no uncorrected ECC errors since the driver was loaded",
        found=[f"GPU {row[0]} ({row[1]}): {row[4]}" for row in rows],
        todo="Reset the GPU or reboot; if they come back, have it replaced",
    )


def test_xid(host: Host, declared: int) -> None:
    """The driver has reported no fault since boot."""
    demand(
        "no Xid in the kernel's log",
        found=[line.strip()[-160:] for line in host.run(_XID).stdout.splitlines()],
        todo="Look it up in NVIDIA's list of Xids: 79 and 48 need a reboot, 13 and 31 do not",
    )


def test_fabric_manager(host: Host, declared: int) -> None:
    """The fabric manager runs where GPUs are joined by NVSwitches."""
    if " 0x0680" not in host.run(_PCI).stdout:
        pytest.skip("there is no NVSwitch")
    unit = units(host.run(UNITS).stdout).get("nvidia-fabricmanager")
    demand(
        "nvidia-fabricmanager active",
        found=[] if unit and unit.active == "active" else [unit.active if unit else "not there"],
        todo="`systemctl enable --now nvidia-fabricmanager`: CUDA fails with 802 without it",
    )


def test_next_boot(host: Host, declared: int) -> None:
    """The kernel of the next boot has the driver's module, too."""
    kernel, _, version = host.run(_NEXT).stdout.strip().partition(" ")
    loaded = (_VERSION.findall(host.run(_LOADED).stdout) or [""])[0]
    demand(
        f"module {loaded} for kernel {kernel}",
        found=[] if version == loaded else [version or "none"],
        todo="`dkms autoinstall -k KERNEL` with its headers installed, before the next reboot",
    )


def test_held(host: Host, declared: int) -> None:
    """The driver's packages are held: an unattended upgrade would break running jobs."""
    installed = packages(host.run(PACKAGES).stdout)
    drivers = {name: it for name, it in installed.items() if "nvidia" in name}
    if not drivers:
        pytest.skip("the driver was not installed from packages")
    demand(
        "NVIDIA's packages on hold",
        found=[f"{name} {it.version} is not" for name, it in drivers.items() if not it.held],
        todo="Deploy again, or hold them: apt-mark hold, dnf versionlock add",
    )


def test_containers(host: Host, node: Node, declared: int) -> None:
    """Each container sees exactly the GPUs that it asked for."""
    found = []
    for service in node.services:
        wanted = _wanted(service, declared)
        for container in node.containers_of(service) if wanted else ():
            pid = container.inspected["State"]["Pid"]
            seen = host.run(f"ls -d /proc/{pid}/root/dev/nvidia[0-9]* 2>/dev/null").stdout.split()
            if len(seen) != wanted:
                found.append(f"{container.name} sees {len(seen)}, not {wanted}")
    demand(
        "the GPUs of `reservations.devices`",
        found=found,
        todo="`docker restart NAME`; if that does not help, `nvidia-ctk cdi generate`",
    )


def _wanted(service: Service, all_of_them: int) -> int:
    resources = (service.spec.get("deploy") or {}).get("resources") or {}
    names = [
        name
        for device in (resources.get("reservations") or {}).get("devices") or ()
        for name in device.get("device_ids") or ()
    ]
    return all_of_them if any(name.endswith("=all") for name in names) else len(names)
