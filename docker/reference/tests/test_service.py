"""What all services share: a port of their own, metrics of every call, reflection."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import grpc
import pytest
from conftest import OPTIONS, free_port, status, wait_for
from generals_reference import health, service
from generals_reference.game.matches import Matches
from generals_reference.game_server import GameServer
from generals_reference.settings import Settings, SettingsError
from generals_reference.v1 import (
    game_pb2,
    game_pb2_grpc,
    reflection_pb2,
    reflection_pb2_grpc,
)
from google.protobuf import descriptor_pb2

Code = grpc.StatusCode
NAME = "generals.v1.GameServer"


@contextmanager
def running(**environment: str) -> Iterator[tuple[grpc.Channel, int]]:
    """A whole service, and its metrics port; on leaving it is stopped."""
    port, metrics_port = free_port(), free_port()
    ports = {"PORT": str(port), "METRICS_PORT": str(metrics_port)}
    settings, stop = Settings(environment | ports), threading.Event()
    register = partial(game_pb2_grpc.add_GameServerServicer_to_server, GameServer(Matches(9)))
    thread = threading.Thread(target=service.serve, args=(settings, stop, 0, NAME, register))
    thread.start()
    wait_for(lambda: health.check(f"127.0.0.1:{port}") == "")
    with grpc.insecure_channel(f"127.0.0.1:{port}", OPTIONS) as channel:
        yield channel, metrics_port
    stop.set()
    thread.join(timeout=10)
    assert not thread.is_alive()


def reflect(channel: grpc.Channel, **request: str) -> reflection_pb2.ServerReflectionResponse:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(**request)
    return next(iter(stub.ServerReflectionInfo(iter([asked]))))


def test_reflection_in_development() -> None:
    with running(ENVIRONMENT="development") as (channel, _):
        listed = reflect(channel, list_services="*").list_services_response.service
        assert {item.name for item in listed} == {NAME}
        answer = reflect(channel, file_containing_symbol=NAME).file_descriptor_response
        file = descriptor_pb2.FileDescriptorProto.FromString(answer.file_descriptor_proto[0])
        assert [item.name for item in file.service] == ["GameServer"]
        assert {item.name for item in file.service[0].method} == {"Create", "Join", "Act", "Stream"}
        unknown = reflect(channel, file_containing_symbol="no.such.thing").error_response
        assert unknown.error_code == 5  # NOT_FOUND


def test_no_reflection_in_production() -> None:
    with running() as (channel, _):
        assert status(lambda: reflect(channel, list_services="*"))[0] == Code.UNIMPLEMENTED


def test_every_call_is_counted_by_its_outcome() -> None:
    with running() as (channel, metrics_port):
        stub = game_pb2_grpc.GameServerStub(channel)
        stub.Act(game_pb2.ActRequest())
        status(lambda: stub.Join(game_pb2.JoinRequest(game="none")))
        time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{metrics_port}/metrics") as answer:
            text = answer.read().decode()
    assert 'generals_rpc_total{code="OK",method="Act"}' in text
    assert 'generals_rpc_total{code="NOT_FOUND",method="Join"}' in text
    assert 'generals_rpc_seconds_bucket{le="0.005",method="Act"}' in text


def test_a_taken_port_is_a_bad_setting() -> None:
    _, port = service.server(0)
    with pytest.raises(SettingsError, match=f"port {port} is taken"):
        service.server(port)
