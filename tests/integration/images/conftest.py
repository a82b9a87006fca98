"""Images built of the fixture's source tree, on stand-ins for the official base images."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from docker.models.networks import Network

from provision.lab import base
from provision.lab.images import Images, read_context
from provision.project import find

FIXTURE = Path(__file__).parents[2] / "fixtures" / "user-source"
TAG = "provision-test"
NETWORK = "provision-test-images"
LABELS = {"io.provision.test": "images"}
HEALTHY_WITHIN = 90.0  # seconds, on a busy machine

Builder = Callable[..., "subprocess.CompletedProcess[str]"]
Runner = Callable[..., Container]


@dataclass(frozen=True)
class StandIns:
    """What takes the place of images that no registry gives us here."""

    debian: str
    go: str
    redis: str

    @property
    def options(self) -> list[str]:
        bases = {"go": self.go, "runtime": self.debian, "cuda": self.debian}
        return [word for key, image in bases.items() for word in ("--base", f"{key}={image}")]


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    connected = docker.from_env()
    yield connected
    connected.close()


@pytest.fixture(scope="session")
def stand_ins(client: docker.DockerClient) -> StandIns:
    store = Images(client, print)
    debian = base.ensure(store)
    go = read_context(Path(__file__).parent / "stand-in-go")
    redis = read_context(find("docker", "lab-services/redis"))
    return StandIns(
        debian=debian,
        go=store.build("provision-test-go", go, {"BASE": debian}),
        redis=store.build("provision-lab-redis", redis, {"BASE": debian}),
    )


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's source tree, outside this repository: its revision is not ours."""
    return shutil.copytree(FIXTURE, tmp_path_factory.mktemp("user") / "generals")


@pytest.fixture(scope="session")
def build(stand_ins: StandIns, source: Path) -> Builder:
    """Run ``provision build`` on the stand-ins."""

    def run(*arguments: str, source: Path = source) -> subprocess.CompletedProcess[str]:
        bases = [] if "--base" in arguments else stand_ins.options
        words = ["build", "--source", str(source), "--tag", TAG, *bases, *arguments]
        return subprocess.run(
            [sys.executable, "-m", "provision", *words],
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def built(build: Builder) -> str:
    """Build the deployed images, and return what was printed.

    Python's packages arrive while Go compiles. The fixture's requirements are all wheels.
    """
    with ThreadPoolExecutor() as pool:
        python = ("--image", "rl-agent", "--build-arg", "BUILD_PACKAGES=")
        go = ("--image", "game-server", "--image", "experience-buffer")
        done = list(pool.map(lambda words: build(*words), [go, python]))
    for each in done:
        assert each.returncode == 0, each.stdout + each.stderr
    return "".join(each.stdout for each in done)


@pytest.fixture
def network(client: docker.DockerClient) -> Iterator[Network]:
    """A network of the test's own; whatever is on it is removed with it."""
    _remove(client)
    made = client.networks.create(NETWORK, labels=LABELS)
    yield made
    _remove(client)


def _remove(client: docker.DockerClient) -> None:
    ours = {"label": [f"{name}={value}" for name, value in LABELS.items()]}
    for container in client.containers.list(all=True, filters=ours):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters=ours):
        network.remove()


@pytest.fixture
def run(client: docker.DockerClient, network: Network) -> Runner:
    """Start an image as the stack does: nobody's user, nothing to write to, no capabilities."""

    def start(name: str, image: str, *command: str, **environment: str) -> Container:
        made = client.containers.create(
            image,
            list(command),
            name=f"{NETWORK}-{name}",
            environment=environment,
            labels=LABELS,
            read_only=True,
            tmpfs={"/tmp": "size=64m,mode=1777"},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            healthcheck={"interval": 1_000_000_000},  # a second; the rest is the image's own
        )
        client.networks.get("bridge").disconnect(made)
        network.connect(made, aliases=[f"{name}.example.test"])
        made.start()
        return made

    return start


def state(container: Container) -> str:
    """Return ``healthy``, ``unhealthy`` or ``starting``; ``exited`` for one that is not running."""
    container.reload()
    facts = container.attrs["State"]
    return str(facts["Health"]["Status"]) if facts["Running"] else "exited"


def wait_until(container: Container, wanted: str) -> None:
    """Wait for a state of health; the failure shows the container's log and its last checks."""
    deadline = time.monotonic() + HEALTHY_WITHIN
    while state(container) != wanted:
        if time.monotonic() > deadline or state(container) == "exited":
            checks = container.attrs["State"]["Health"]["Log"][-2:]
            log = container.logs().decode()
            pytest.fail(f"{container.name} is {state(container)}, not {wanted}\n{log}\n{checks}")
        time.sleep(0.3)
