"""Which versions of the container toolkit bring units of their own, and what ours look like."""

from __future__ import annotations

import configparser

import pytest

from provision.tasks import cdi_units


@pytest.mark.parametrize(
    ("version", "shipped"),
    [
        ("1.17.8-1", False),
        ("1.9.0-1", False),
        ("1.18.0-1", True),
        ("1.19.1-1", True),
        ("2.0.0-1", True),
        ("", True),
    ],
)
def test_shipped(version: str, shipped: bool) -> None:
    assert cdi_units.are_shipped(version) is shipped


def test_the_service_writes_before_docker_starts_containers() -> None:
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.read_string(cdi_units.UNITS["nvidia-cdi-refresh.service"])
    assert unit["Unit"]["Before"] == "docker.service"
    assert unit["Service"]["ExecStart"].endswith("--output=/etc/cdi/nvidia.yaml")
