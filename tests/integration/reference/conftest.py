"""The reference stack on a lab host of its own, with a receiver for its traces."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.commandline import Project
from tests.labs import lab_for

REFERENCE = Path(__file__).parents[3] / "docker" / "reference"
sys.path.insert(0, str(REFERENCE))

import stubs  # noqa: E402

if stubs.stale():
    stubs.generate()

if TYPE_CHECKING:
    from tests.integration.reference.cluster import Cluster


class Receiver:
    """What an OpenTelemetry collector is to the services: it takes their spans."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Any]] = []  # service, span

    def Export(self, request: Any, context: object) -> Any:
        from generals_reference.v1 import otlp_pb2

        for group in request.resource_spans:
            attributes = {pair.key: pair.value.string_value for pair in group.resource.attributes}
            for scope in group.scope_spans:
                self.spans += [(attributes["service.name"], span) for span in scope.spans]
        return otlp_pb2.ExportTraceServiceResponse()


@pytest.fixture(scope="package")
def receiver() -> Iterator[tuple[Receiver, int]]:
    """A receiver, and the port that it listens on."""
    import grpc
    from generals_reference.v1 import otlp_pb2_grpc

    server, made = grpc.server(ThreadPoolExecutor(4)), Receiver()
    otlp_pb2_grpc.add_TraceServiceServicer_to_server(made, server)
    port = server.add_insecure_port("0.0.0.0:0")
    server.start()
    yield made, port
    server.stop(None).wait()


@pytest.fixture(scope="package")
def cluster(
    receiver: tuple[Receiver, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """All roles on one host, deployed; the tests of this directory share it, in their order."""
    from tests.integration.reference.cluster import Cluster

    with lab_for("reference", tmp_path_factory) as lab:
        (host,) = lab.up(1)
        gateway = host.private_address.rpartition(".")[0] + ".1"
        project = Project(tmp_path_factory.mktemp("project"), lab.inventory_file)
        made = Cluster(
            lab,
            project,
            {
                "otel_endpoint": f"http://{gateway}:{receiver[1]}",
                "prometheus_scrape_seconds": 2,
                "buffer_size": 100000,  # nothing makes room: every experience is accounted for
                "redis_maxmemory": "512mb",
                "redis_memory": "1g",
                "agent_environment": {"BOARD_SIZE": "7", "OTEL_TRACES_SAMPLER_ARG": "1"},
                "trainer_environment": {"CHECKPOINT_EVERY": "5", "PUBLISH_EVERY": "5"},
                "model_server_environment": {"EVALUATION_MATCHES": "4"},
            },
        )
        done = made.provision("deploy")
        assert done.code == 0, done.shown
        yield made
