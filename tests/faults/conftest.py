"""A host with the small stack deployed, for tests that break it; each worker has one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provision.lab.lab import Lab
from tests.labs import lab_for

from .broken import Broken, project_directory
from .running import Ended, Running

IMAGE = Path(__file__).with_name("stack") / "image"


class Stand:
    """The host, the project, and the two versions of the stack that it is taken between."""

    def __init__(self, host: Broken, project: Path) -> None:
        self.host = host
        self.project = project
        self.version = ""  # the one deployed
        self.images: dict[str, str] = {}
        self.undisturbed: dict[str, str] = {}  # version -> fingerprint

    @property
    def other(self) -> str:
        """The version to deploy next."""
        return "b" if self.version == "a" else "a"

    def command(self, version: str, *more: str) -> list[str]:
        """Return the arguments of a deploy."""
        given = f"web_version={version} web_image={self.images[version]}"
        return ["deploy", "-i", "hosts.yml", "--json", "-e", given, *more]

    def start(self, version: str, *more: str) -> Running:
        """Begin a deploy."""
        return Running(self.project, *self.command(version, *more))

    def deploy(self, version: str) -> Ended:
        """Deploy undisturbed."""
        with self.start(version) as running:
            ended = running.wait(120)
        if ended.code == 0:
            self.version = version
        return ended

    def begin_anew(self) -> None:
        """After a test that has failed: make sure of what the next one begins with."""
        self.host.heal()
        self.host.without_containers()
        version = self.version or "b"
        for each in ("a" if version == "b" else "b", version):
            ended = self.deploy(each)
            assert ended.code == 0, ended.told
            self.undisturbed[each] = self.host.fingerprint()
        self.deploy(self.other)
        self.undisturbed[self.version] = self.host.fingerprint()


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A lab of one host, with both versions deployed once."""
    with lab_for("matrix", tmp_path_factory) as lab:
        lab.up(1, with_images=False)
        project = project_directory(tmp_path_factory.mktemp("project"))
        made = Stand(Broken(lab, f"{lab.name}-registry"), project)
        for version in ("a", "b"):
            made.images[version] = lab.publish(IMAGE, f"faults-{version}", "1", VERSION=version)
        (project / "hosts.yml").write_text(yaml.safe_dump(_inventory(lab)))
        made.begin_anew()
        yield made


def _inventory(lab: Lab) -> dict[str, Any]:
    """Return the lab's inventory without its groups: the small stack has the role of every host."""
    everything: Any = yaml.safe_load(lab.inventory_file.read_text())["all"]
    return {"all": {name: everything[name] for name in ("vars", "hosts")}}
