"""What makes a host unfit for a deploy, by its facts."""

from __future__ import annotations

from typing import Any

import pytest

from provision.engine.preflight import _CHECKS, Answers
from provision.stack.render import render_role
from tests.unit.stack.cluster import HERE, variables

GIB = 2**30
NOW = 1_700_000_000.0
GPU = {"class": "0x030200"}
NVSWITCH = {"class": "0x068000"}
PROJECT = render_role("game_server", variables("game-01"), project=HERE)
PORT = 50051


def facts(**other: Any) -> dict[str, Any]:
    """Return those of a bare host that is fit, other than in what is named."""
    return {
        "ansible_os_family": "Debian",
        "ansible_distribution": "Debian",
        "ansible_service_mgr": "systemd",
        "provision_disks": {"/": {"available": 40 * GIB}},
        "provision_memory_available_mb": 4000,
        "provision_clock": {"epoch": NOW},
        "provision_nvidia": {"devices": []},
        "provision_docker": {"installed": False, "version": None, "containers": None},
        "provision_listeners": [{"address": "0.0.0.0", "port": 22}],
        **other,
    }


def problems(gpu_count: int = 0, **other: Any) -> list[str]:
    answers = Answers(facts(**other), NOW, gpu_count)
    return [problem.message for check in _CHECKS for problem in check(answers, (PROJECT,))]


def test_a_fit_host_has_none() -> None:
    assert problems() == []
    assert problems(2, provision_nvidia={"devices": [GPU, GPU, NVSWITCH]}) == []


@pytest.mark.parametrize(
    ("gpu_count", "other", "message"),
    [
        (0, {"ansible_os_family": "Suse", "ansible_distribution": "SLES"}, "SLES is not supported"),
        (0, {"ansible_service_mgr": "openrc"}, "its init system is openrc, not systemd"),
        (
            0,
            {"provision_disks": {"/": {"available": 9 * GIB}, "/var": {"available": 2 * GIB}}},
            "/var has 2.0 GiB left, 5 are needed",
        ),
        (0, {"provision_memory_available_mb": 100}, "only 100 MiB of memory are available"),
        (0, {"provision_clock": {"epoch": NOW + 31}}, "its clock is 31 s ahead"),
        (0, {"provision_clock": {"epoch": NOW - 3600}}, "its clock is 3600 s behind"),
        (
            2,
            {"provision_nvidia": {"devices": [GPU, NVSWITCH]}},
            "gpu_count is 2, but there are 1 NVIDIA GPUs on its PCI bus",
        ),
        (
            0,
            {"provision_listeners": [{"address": "0.0.0.0", "port": PORT}]},
            f"port {PORT} of game_server is taken by another program",
        ),
    ],
)
def test_what_is_wrong_is_named(gpu_count: int, other: dict[str, Any], message: str) -> None:
    assert problems(gpu_count, **other) == [message]


def test_all_that_is_wrong_is_named_at_once() -> None:
    assert len(problems(1, provision_memory_available_mb=1, ansible_service_mgr="init")) == 3


def test_a_clock_that_is_a_little_off_is_none() -> None:
    assert problems(provision_clock={"epoch": NOW - 29}) == []
