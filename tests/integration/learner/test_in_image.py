"""The reference stack's own tests, in the image that it is deployed as, with PyTorch."""

from __future__ import annotations

import subprocess
from pathlib import Path

import docker
import pytest

from provision.lab import base
from provision.lab.images import Images, read_context
from provision.lab.services import available
from provision.project import find

pytestmark = pytest.mark.integration

INSIDE = "/opt/generals"  # where the image has the package


@pytest.fixture(scope="module")
def image() -> str:
    """The lab's own trainer image, with pytest and a Redis."""
    store = Images(docker.from_env(), print)
    (trainer,) = (service for service in available() if service.name == "reference-trainer")
    built = store.build(
        f"provision-lab-{trainer.name}",
        read_context(find("docker", trainer.directory)),
        {"BASE": base.ensure(store), **trainer.arguments},
    )
    tools = read_context(Path(__file__).parent / "image")
    return store.build("provision-test-trainer", tools, {"BASE": built})


def test_they_pass_there(image: str) -> None:
    mounts = [
        option
        for name in ("tests", "stubs.py")
        for option in ("--volume", f"{find('docker', 'reference') / name}:{INSIDE}/{name}:ro")
    ]
    tests = ["python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{INSIDE}/tests"]
    done = subprocess.run(
        ["docker", "run", "--rm", *mounts, image, *tests],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PyTorch is not installed" not in done.stdout
