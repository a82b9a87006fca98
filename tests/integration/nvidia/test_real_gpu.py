"""Real GPUs: those of this machine, which is left as it is, and those of hosts to be prepared.

The first tests need ``nvidia-smi``, and those about containers NVIDIA's toolkit and Docker; what is
missing is skipped, and said. ``PROVISION_TEST_GPU_INVENTORY`` names an inventory of GPU hosts that
may be changed and rebooted: they get driver, toolkit and Docker, and have to agree on their GPUs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from provision.agent.resource import compare, converge
from provision.agent.resources.cdi_specification import PATH, CdiSpecification
from provision.agent.resources.driver_status import DriverStatus
from provision.agent.resources.facts import Facts
from provision.agent.resources.gpus_answer import GpusAnswer
from provision.agent.system import System
from provision.tasks.gpus import gpus_of
from provision.tasks.nvidia.host_machine import machine_of
from provision.tasks.nvidia.machine import Wanted
from provision.tasks.nvidia.present import keeps
from provision.tasks.nvidia.resolver import resolve
from tests.integration.commandline import Project
from tests.integration.nvidia.own_image import python_image

INVENTORY = os.environ.get("PROVISION_TEST_GPU_INVENTORY", "")

pytestmark = [pytest.mark.integration, pytest.mark.gpu]
here = pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="needs an NVIDIA GPU")
on_hosts = pytest.mark.skipif(not INVENTORY, reason="PROVISION_TEST_GPU_INVENTORY names no hosts")


def asked(field: str) -> list[str]:
    argv = ["nvidia-smi", f"--query-gpu={field}", "--format=csv,noheader"]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()


@here
def test_the_driver_that_is_there_is_found_and_kept() -> None:
    system = System()
    facts = Facts().answer(system)
    machine = machine_of(facts, DriverStatus().answer(system), Wanted())
    (version,) = set(asked("driver_version"))
    assert len(gpus_of(facts)) >= len(asked("index"))  # a container may see some of them alone
    assert machine.driver.loaded == version
    assert keeps(machine)
    decision = resolve(machine)
    assert {gpu.architecture for gpu in decision.gpus} != {"unknown"}
    if decision.verdict != "keep":  # what it lacks cannot be had for this system
        assert decision.refusals


@here
def test_all_gpus_answer() -> None:
    (version,) = set(asked("driver_version"))
    answer = GpusAnswer(count=len(asked("index")), timeout=10).answer(System())
    assert answer == {"gpus": len(asked("index")), "driver": version}


@here
@pytest.mark.skipif(shutil.which("nvidia-ctk") is None, reason="needs NVIDIA's container toolkit")
def test_the_cdi_specification_names_them(tmp_path: Path) -> None:
    specification = CdiSpecification(path=str(tmp_path / "nvidia.yaml"))
    converge(specification, System(), check=False, pending=False)
    told = specification.actual(System())
    assert compare(specification.expected(System()), told) == {}
    assert "all" in told["devices"]
    assert told["driver"] == asked("driver_version")[0]
    whole = [index for index, mode in enumerate(asked("mig.mode.current")) if mode != "Enabled"]
    assert {str(index) for index in whole} <= set(told["devices"])


@here
def test_a_cuda_context_opens(tmp_path: Path) -> None:
    verify_cuda(tmp_path, {})


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Return an image with Python, where containers can be given GPUs by their CDI names."""
    if shutil.which("docker") is None:
        pytest.skip("needs Docker")
    if not Path(PATH).exists():
        pytest.skip(f"needs the CDI specification {PATH}")
    name = python_image("provision-test-python:1")
    yield name
    subprocess.run(["docker", "image", "rm", name], capture_output=True, check=False)


def seen(image: str, *devices: str) -> list[str]:
    """Return the GPUs that a container has which asks for these."""
    options = [word for device in devices for word in ("--device", f"nvidia.com/gpu={device}")]
    argv = ["docker", "run", "--rm", *options, image, "/bin/ls", "/dev"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if name.startswith("nvidia") and name[6:].isdigit()]


@here
def test_containers_see_what_they_ask_for(image: str) -> None:
    if "Enabled" in asked("mig.mode.current"):
        pytest.skip("GPUs in MIG mode have other names")
    uuids = asked("uuid")
    assert len(seen(image, "all")) == len(uuids)
    assert seen(image, "0") == seen(image, uuids[0])
    assert len(seen(image, uuids[-1])) == 1
    assert seen(image) == []


@here
def test_a_cuda_context_opens_in_a_container(image: str, tmp_path: Path) -> None:
    verify_cuda(tmp_path, {"cuda_image": image})


def verify_cuda(directory: Path, variables: dict[str, str]) -> None:
    """Have ``provision verify`` open contexts on this machine."""
    host = {"ansible_connection": "local", "gpu_count": len(asked("index")), **variables}
    inventory = directory / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"localhost": host}}}))
    verified = Project(directory, inventory).run("verify", "-t", "cuda")
    assert verified.code == 0, verified.shown


# -- hosts that may be changed ----------------------------------------------------------------


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the hosts; the keys of whoever runs the tests open them."""
    made = Project(tmp_path_factory.mktemp("project"), Path(INVENTORY).absolute())
    made.environment.update(os.environ)
    return made


@on_hosts
def test_hosts_get_all_of_it_and_it_agrees(project: Project) -> None:
    prepared = project.run("deploy", "--tags", "prepare", timeout=3600)
    assert prepared.code == 0, prepared.shown
    again = project.run("deploy", "--tags", "prepare")
    assert again.code == 0, again.shown
    assert {row["changed"] for row in again.recap().values()} == {0}, again.shown
    verified = project.run("verify", "-t", "gpu")
    assert verified.code == 0, verified.shown


@on_hosts
def test_they_reboot_and_their_gpus_come_back(project: Project) -> None:
    asks = 'mkdir -p /run/provision; echo \'{"reason": "a test"}\' >/run/provision/reboot-required'
    play = [{"hosts": "all", "become": True, "tasks": [{"name": "ask", "shell": asks}]}]
    assert project.play(json.dumps(play)).code == 0
    pending = project.run("deploy", "--tags", "prepare", "--no-reboot")
    assert "reboot: a test" in pending.out, pending.shown
    done = project.run("deploy", "--tags", "prepare", timeout=3600)
    assert done.code == 0, done.shown
    verified = project.run("verify", "-t", "gpu")
    assert verified.code == 0, verified.shown
