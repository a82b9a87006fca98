"""A real GPU, where this machine has one: what is found of its driver is what nvidia-smi says."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from provision.agent.resources.driver_status import DriverStatus
from provision.agent.resources.facts import Facts
from provision.agent.system import System
from provision.tasks.gpus import gpus_of
from provision.tasks.nvidia.host_machine import machine_of
from provision.tasks.nvidia.machine import Wanted
from provision.tasks.nvidia.resolver import resolve

pytestmark = [
    pytest.mark.integration,
    pytest.mark.gpu,
    pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs an NVIDIA GPU"),
]


def asked(field: str) -> list[str]:
    argv = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_driver_that_is_there_is_found_and_kept() -> None:
    system = System()
    facts = Facts().answer(system)
    machine = machine_of(facts, DriverStatus().answer(system), Wanted())
    (version,) = set(asked("driver_version"))
    assert len(gpus_of(facts)) >= len(asked("index"))  # a container may see some of them alone
    assert machine.driver.loaded == version
    decision = resolve(machine)
    assert (decision.verdict, decision.version) == ("keep", version)
    assert {gpu.architecture for gpu in decision.gpus} != {"unknown"}
