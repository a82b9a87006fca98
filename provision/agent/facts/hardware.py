"""Processors, memory, devices, disks, and what kind of machine it is."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Tuple

from provision.agent.system import System

_DMI = "/sys/class/dmi/id/"
_PCI = "/sys/bus/pci/devices"
_NVIDIA = "0x10de"  # the PCI Special Interest Group's number for the vendor
_REMOTE = ("nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "ceph", "glusterfs")
_CONTAINERS = (("docker", r"/docker[-/]"), ("lxc", r"/lxc/"), ("podman", r"/libpod-"))
_HYPERVISORS = (
    ("kvm", r"Amazon EC2|QEMU|Google|KVM|Bochs|RHEV|oVirt|DigitalOcean|Hetzner|Nutanix|AHV"),
    ("VMware", r"VMware"),
    ("virtualbox", r"VirtualBox|innotek"),
    ("openstack", r"OpenStack"),
    ("xen", r"Xen|HVM domU"),
    ("VirtualPC", r"Microsoft Corporation Virtual Machine"),
)


def hardware(system: System) -> Dict[str, Any]:
    """Return what Ansible's ``hardware`` and ``virtual`` subsets have that playbooks use."""
    memory = _memory(system)
    kind, role = _virtualization(system)
    return {
        "ansible_processor_vcpus": os.cpu_count() or 1,
        "ansible_processor_nproc": len(os.sched_getaffinity(0)),
        "ansible_memtotal_mb": memory.get("MemTotal", 0) // 1024,
        "ansible_memfree_mb": memory.get("MemFree", 0) // 1024,
        "ansible_swaptotal_mb": memory.get("SwapTotal", 0) // 1024,
        "ansible_mounts": mounts(system),
        "ansible_system_vendor": _dmi(system, "sys_vendor"),
        "ansible_product_name": _dmi(system, "product_name"),
        "ansible_virtualization_type": kind,
        "ansible_virtualization_role": role,
        "provision_memory_available_mb": memory.get("MemAvailable", 0) // 1024,
        "provision_nvidia": nvidia(system),
    }


def mounts(system: System) -> List[Dict[str, Any]]:
    """Return the mounted file systems; sizes of remote ones are left out, asking could hang."""
    found = []
    for line in (system.read_text("/proc/mounts") or "").splitlines():
        device, place, kind, options = (_unescaped(word) for word in line.split()[:4])
        if not device.startswith("/") and ":/" not in device:
            continue
        mount: Dict[str, Any] = {
            "mount": place,
            "device": device,
            "fstype": kind,
            "options": options,
        }
        disk = None if kind in _REMOTE else system.disk(place)
        if disk is not None:
            mount.update(size_total=disk.total, size_available=disk.available)
            mount.update(inode_total=disk.inodes, inode_available=disk.inodes_available)
        found.append(mount)
    return found


def nvidia(system: System) -> Dict[str, Any]:
    """Return NVIDIA's PCI devices, and the version of the driver that is loaded.

    A device's class tells GPUs (0x03…) from NVSwitch bridges (0x0680…) and audio functions.
    """
    devices = []
    for address in system.listdir(_PCI):
        if (system.read_text("{}/{}/vendor".format(_PCI, address)) or "").strip() == _NVIDIA:
            device = {"address": address}
            for name in ("device", "class", "subsystem_device"):
                text = system.read_text("{}/{}/{}".format(_PCI, address, name)) or ""
                device[name] = text.strip()
            devices.append(device)
    loaded = system.read_text("/sys/module/nvidia/version")
    return {"devices": devices, "driver": None if loaded is None else loaded.strip()}


def _memory(system: System) -> Dict[str, int]:
    """Return /proc/meminfo, in KiB."""
    text = system.read_text("/proc/meminfo") or ""
    return {name: int(size) for name, size in re.findall(r"^(\w+): +(\d+)", text, re.MULTILINE)}


def _dmi(system: System, name: str) -> str:
    return (system.read_text(_DMI + name) or "NA").strip()


def _virtualization(system: System) -> Tuple[str, str]:
    groups = system.read_text("/proc/1/cgroup") or ""
    for kind, pattern in _CONTAINERS:
        if re.search(pattern, groups):
            return kind, "guest"
    if system.exists("/run/systemd/container") or system.exists("/.dockerenv"):
        return "container", "guest"
    vendor = "{} {}".format(_dmi(system, "sys_vendor"), _dmi(system, "product_name"))
    for kind, pattern in _HYPERVISORS:
        if re.search(pattern, vendor):
            return kind, "guest"
    return ("kvm", "host") if system.exists("/sys/module/kvm") else ("NA", "NA")


def _unescaped(word: str) -> str:
    """Undo /proc/mounts' octal escapes of blanks and backslashes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match.group(1), 8)), word)
