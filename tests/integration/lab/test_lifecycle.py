from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import docker
import pytest
from docker.errors import NotFound

from provision.errors import UsageError
from provision.lab import images, network
from provision.lab.archive import Entry
from provision.lab.images import Images
from provision.lab.lab import Lab
from provision.lab.layout import LABEL, NAME_LABEL, PORTS_LABEL
from tests.labs import lab_name

pytestmark = pytest.mark.integration
NAME = lab_name("lifecycle")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    made = Lab(NAME, tmp_path / ".lab")
    made.down()
    yield made
    made.down()


def test_down_removes_everything_it_made_and_nothing_else(
    lab: Lab, client: docker.DockerClient, tmp_path: Path
) -> None:
    bystander = client.networks.create(
        f"{NAME}-other", labels={LABEL: "1", NAME_LABEL: "other", PORTS_LABEL: "31900"}
    )
    volume = client.volumes.create(f"{NAME}-other-registry")
    (tmp_path / ".lab").mkdir(exist_ok=True)
    (tmp_path / ".lab" / "notes").write_text("mine")
    try:
        lab.up(1, with_images=False)
        mounted = [mount["Name"] for mount in lab.container("h1").attrs["Mounts"]]
        assert len(mounted) == 2
        lab.down_all()
        for gone in mounted:
            with pytest.raises(NotFound):
                client.volumes.get(gone)
        mine = {"label": f"{NAME_LABEL}={NAME}"}
        assert client.containers.list(all=True, filters=mine) == []
        assert client.networks.list(filters=mine) == []
        assert client.volumes.list(filters=mine) == []
        assert [path.name for path in (tmp_path / ".lab").iterdir()] == ["notes"]
        bystander.reload()
        volume.reload()
    finally:
        bystander.remove()
        volume.remove()
    assert lab.hosts == []
    assert lab.status() == {}


def test_the_last_lab_takes_the_images_with_it_and_nobody_elses(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def context(base: str, text: str) -> dict[str, Entry]:
        return {
            "Dockerfile": Entry(f"FROM {base}\nCOPY file /\n".encode()),
            "file": Entry(text.encode()),
        }

    monkeypatch.setattr(images, "LABEL", f"{LABEL}.test")
    said: list[str] = []
    store = Images(client, said.append)
    first = store.build("provision-test-one", context("scratch", "one"), {})
    assert store.build("provision-test-one", context("scratch", "one"), {}) == first
    second = store.build("provision-test-two", context(first, "two"), {})
    newer = store.build("provision-test-two", context(first, "newer"), {})
    assert not store.has(second)
    monkeypatch.setattr(images, "LABEL", f"{LABEL}.test-other")
    stranger = store.build("provision-test-stranger", context("scratch", "other"), {})
    monkeypatch.setattr(images, "LABEL", f"{LABEL}.test")
    store.remove_all()
    assert [store.has(tag) for tag in (first, newer, stranger)] == [False, False, True]
    monkeypatch.setattr(images, "LABEL", f"{LABEL}.test-other")
    store.remove_all()
    assert not store.has(stranger)
    assert len(said) == 4


def test_keys_of_another_directory_are_refused_before_anything_happens(
    lab: Lab, tmp_path: Path
) -> None:
    lab.up(1, with_images=False)
    stranger = Lab(NAME, tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="with other keys"):
        stranger.up(2, with_images=False)
    assert lab.status() == {"h1": "running"}


def test_a_network_that_is_somebody_elses_is_left_alone(
    lab: Lab, client: docker.DockerClient
) -> None:
    theirs = client.networks.create(NAME)
    try:
        with pytest.raises(UsageError, match="not a lab's"):
            lab.up(1, with_images=False)
        theirs.reload()
    finally:
        theirs.remove()


def test_a_taken_port_is_named(lab: Lab) -> None:
    (host,) = lab.up(1, with_images=False)
    port = host.port + 1
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(UsageError, match=f"port {port} of this machine is taken"),
    ):
        lab.up(2, with_images=False)
    assert lab.status() == {"h1": "running"}


def test_labs_that_start_at_once_share_neither_ports_nor_addresses(
    client: docker.DockerClient,
) -> None:
    names = [f"{NAME}-{number}" for number in range(4)]
    try:
        with ThreadPoolExecutor() as pool:
            layouts = list(pool.map(lambda name: network.ensure(client, name), names))
        assert len({layout.ports for layout in layouts}) == len(names)
        assert len({layout.subnet for layout in layouts}) == len(names)
        assert [network.find(client, name) for name in names] == layouts
    finally:
        for left in client.networks.list(names=names):
            left.remove()
