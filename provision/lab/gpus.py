"""Simulated GPUs: a lab host that looks as if it had some. See ``docker/lab-gpu``."""

from __future__ import annotations

from provision.lab.archive import Entry

LABEL = "io.provision.lab.simulated-gpus"
DRIVER = "570.172.08"
"""The version of the "driver" that such a host is delivered with."""


def files(gpus: int) -> dict[str, Entry]:
    """Return what tells a host of that image what is in it, by path."""
    return {
        "etc/simulated-gpu/count": Entry(f"{gpus}\n".encode()),
        "etc/simulated-gpu/driver": Entry(f"{DRIVER}\n".encode()),
    }
