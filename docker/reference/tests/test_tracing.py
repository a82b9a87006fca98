"""Traces: what is passed on, what is exported, and that a collector's absence hurts nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from conftest import free_port, serving, wait_for
from generals_reference import otlp, rpc, trace
from generals_reference.game.matches import Matches
from generals_reference.game_server import GameServer
from generals_reference.settings import SettingsError
from generals_reference.v1 import game_pb2, game_pb2_grpc, otlp_pb2, otlp_pb2_grpc


class Collector(otlp_pb2_grpc.TraceServiceServicer):
    """Receives as a collector does, and keeps what it got."""

    def __init__(self) -> None:
        self.requests: list[otlp_pb2.ExportTraceServiceRequest] = []

    def Export(self, request: object, context: object) -> object:  # noqa: N802
        self.requests.append(request)
        return otlp_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[otlp_pb2.Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setattr(otlp, "PAUSE", 0.05)
    monkeypatch.setattr(trace, "_export", [])
    server, receiver = grpc.server(ThreadPoolExecutor(2)), Collector()
    otlp_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    trace.export_to(otlp.Exporter(f"http://127.0.0.1:{port}", "tests", "here").add)
    yield receiver
    server.stop(None)


def test_a_call_is_a_span_below_its_caller(collector: Collector) -> None:
    register = game_pb2_grpc.add_GameServerServicer_to_server
    with serving(lambda server: register(GameServer(Matches(9)), server)) as channel:
        stub = game_pb2_grpc.GameServerStub(channel)
        with trace.span("round", sampled=True) as outer:
            stub.Act(game_pb2.ActRequest(), metadata=rpc.metadata())
            with pytest.raises(grpc.RpcError):
                stub.Join(game_pb2.JoinRequest(game="none"), metadata=rpc.metadata())
        with trace.span("not sampled"):
            stub.Act(game_pb2.ActRequest(), metadata=rpc.metadata())
    wait_for(lambda: len(collector.spans) == 3)
    time.sleep(0.2)
    by_name = {span.name: span for span in collector.spans}
    assert set(by_name) == {"round", "Act", "Join"}
    assert {span.trace_id.hex() for span in collector.spans} == {outer.trace_id}
    assert by_name["Act"].parent_span_id.hex() == outer.span_id
    assert by_name["Act"].kind == otlp_pb2.Span.SPAN_KIND_SERVER
    assert by_name["Join"].status.code == otlp_pb2.Status.STATUS_CODE_ERROR
    assert by_name["Act"].status.code == otlp_pb2.Status.STATUS_CODE_UNSET
    assert by_name["round"].start_time_unix_nano <= by_name["Act"].start_time_unix_nano
    assert by_name["Act"].end_time_unix_nano <= by_name["round"].end_time_unix_nano
    resource = collector.requests[0].resource_spans[0].resource
    assert {pair.key: pair.value.string_value for pair in resource.attributes} == {
        "service.name": "tests",
        "host.name": "here",
    }


def test_links_and_attributes_are_exported(collector: Collector) -> None:
    other = trace.parse("00-" + "ab" * 16 + "-" + "cd" * 8 + "-01")
    assert other is not None
    with trace.span("update", sampled=True, links=(other,)) as span:
        span.attributes |= {"text": "a", "whole": 1, "part": 0.5}
    wait_for(lambda: collector.spans)
    (sent,) = collector.spans
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in sent.links] == [
        ("ab" * 16, "cd" * 8)
    ]
    values = {pair.key: pair.value for pair in sent.attributes}
    assert values["text"].string_value == "a"
    assert (values["whole"].int_value, values["part"].double_value) == (1, 0.5)


@pytest.mark.parametrize(
    "header", [None, "", "00-zz-11-01", "00-" + "a" * 32 + "-" + "b" * 16, "garbage"]
)
def test_a_header_that_is_none_is_ignored(header: str | None) -> None:
    assert trace.parse(header) is None


def test_the_header_says_whether_it_is_sampled() -> None:
    for sampled in (True, False):
        with trace.span("x", sampled=sampled) as span, trace.span("below", sampled=True) as below:
            assert below.sampled == sampled
            again = trace.parse(span.header)
            assert again is not None
            assert (again.trace_id, again.sampled) == (span.trace_id, sampled)


def test_without_a_collector_spans_are_dropped_and_nobody_waits() -> None:
    exporter = otlp.Exporter(f"http://127.0.0.1:{free_port()}", "tests", "here")
    began, span = time.monotonic(), trace.Span("ab" * 16, "cd" * 8, True)
    for _ in range(otlp.WAITING * 2):
        exporter.add(span)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("endpoint", ["ftp://here:1", "here", "http://here"])
def test_an_endpoint_that_is_none_is_a_bad_setting(endpoint: str) -> None:
    with pytest.raises(SettingsError, match="is not http://host:port"):
        otlp.channel(endpoint)
