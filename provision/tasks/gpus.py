"""What the facts say of a host's GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_DISPLAY = "0x03"  # PCI class of VGA (0x0300) and 3D (0x0302) controllers; 0x0680 is an NVSwitch


def gpus_of(facts: Mapping[str, Any]) -> Sequence[Mapping[str, str]]:
    """Return NVIDIA's GPUs on the host's PCI bus, as the fact ``provision_nvidia`` has them."""
    devices: Sequence[Mapping[str, str]] = facts["provision_nvidia"]["devices"]
    return [device for device in devices if device["class"].startswith(_DISPLAY)]
