"""What a host runs on, in the few words that a reader of a report wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

_GPU_CLASS = "0x03"  # PCI's class of display controllers


def versions(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return ``system``, ``kernel`` and, where there are any, ``docker`` and ``gpu``."""
    found = {
        "system": f"{facts['ansible_distribution']} {facts['ansible_distribution_version']}",
        "kernel": str(facts["ansible_kernel"]),
    }
    docker = facts["provision_docker"]["version"]
    if docker is not None:
        found["docker"] = str(docker)
    gpus = _gpus(facts["provision_nvidia"])
    return {**found, "gpu": gpus} if gpus else found


def _gpus(nvidia: Mapping[str, Any]) -> str:
    """Return ``2 x 10de:2237, driver 570.172.08``."""
    models = Counter(
        device["device"].removeprefix("0x")
        for device in nvidia["devices"]
        if device["class"].startswith(_GPU_CLASS)
    )
    driver = nvidia["driver"]
    named = [f"{number} x 10de:{model}" for model, number in models.items()]
    return ", ".join([*named, f"driver {driver}" if driver else "no driver"]) if named else ""
