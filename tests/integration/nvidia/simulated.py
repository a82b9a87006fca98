"""A SIMULATED GPU: what the kernel would say of one on the PCI bus, put over /sys on a lab host."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from provision.lab.host import LabHost, ssh_command

A10G, K80 = "2237", "102d"  # PCI device ids

# A lab host boots no other kernel than the machine has: grubby, of the Red Hat family, says so.
GRUBBY = (
    "printf '#!/bin/sh\\necho /boot/vmlinuz-%s\\n' \"$(uname -r)\" >/usr/local/bin/grubby;"
    " chmod 755 /usr/local/bin/grubby"
)

_PLUG = """
devices=/run/simulated-gpu/devices
mkdir -p $devices/0000:00:1e.0
echo 0x10de >$devices/0000:00:1e.0/vendor
echo 0x{device} >$devices/0000:00:1e.0/device
echo 0x030200 >$devices/0000:00:1e.0/class
mount --bind $devices /sys/bus/pci/devices
"""
_UNPLUG = "umount /sys/bus/pci/devices && rm -r /run/simulated-gpu"


def as_root(host: LabHost, script: str, *, timeout: float = 600) -> str:
    """Run a shell script as root and return what it says."""
    done = subprocess.run(
        ssh_command(host, ["sudo", "sh", "-ec", shlex.quote(script)]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def simulated_gpu(host: LabHost, device: str = A10G) -> Iterator[None]:
    """Have the host find a GPU on its PCI bus."""
    as_root(host, _PLUG.format(device=device))
    try:
        yield
    finally:
        as_root(host, _UNPLUG)
