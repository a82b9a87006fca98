from __future__ import annotations

from typing import Any

from provision.engine.describing import versions


def facts(docker: str | None, devices: list[dict[str, str]], driver: str | None) -> dict[str, Any]:
    return {
        "ansible_distribution": "Debian",
        "ansible_distribution_version": "13.1",
        "ansible_kernel": "6.12.94",
        "provision_docker": {"version": docker},
        "provision_nvidia": {"devices": devices, "driver": driver},
    }


GPU = {"address": "0000:00:1e.0", "device": "0x2237", "class": "0x030200"}
AUDIO = {"address": "0000:00:1e.1", "device": "0x1aef", "class": "0x040300"}


def test_a_host_without_docker_and_gpu() -> None:
    assert versions(facts(None, [], None)) == {"system": "Debian 13.1", "kernel": "6.12.94"}


def test_gpus_are_counted_by_model_and_other_functions_are_not() -> None:
    assert versions(facts("26.1.5", [GPU, GPU, AUDIO], "570.172.08")) == {
        "system": "Debian 13.1",
        "kernel": "6.12.94",
        "docker": "26.1.5",
        "gpu": "2 x 10de:2237, driver 570.172.08",
    }
    assert versions(facts(None, [GPU], None))["gpu"] == "1 x 10de:2237, no driver"
