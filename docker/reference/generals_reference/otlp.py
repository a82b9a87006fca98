"""Spans to an OpenTelemetry collector, by OTLP over gRPC, in the background."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Mapping

import grpc
from prometheus_client import Counter

from generals_reference import trace
from generals_reference.settings import Settings, SettingsError
from generals_reference.v1 import otlp_pb2, otlp_pb2_grpc

WAITING = 2048  # spans; more are dropped, for traces must never slow the work
BATCH = 256
PAUSE = 1.0  # seconds between two exports
EXPORTED = Counter("generals_spans_exported_total", "Spans that the collector took")
DROPPED = Counter("generals_spans_dropped_total", "Spans that found no room or no collector")

log = logging.getLogger(__name__)


class Exporter:
    """Sends what it is given to the collector at `endpoint`, as `service` on `host`."""

    def __init__(self, endpoint: str, service: str, host: str) -> None:
        self.stub = otlp_pb2_grpc.TraceServiceStub(channel(endpoint))
        attributes = {"service.name": service, "host.name": host}
        self.resource = otlp_pb2.Resource(attributes=pairs(attributes))
        self.waiting: queue.Queue[trace.Span] = queue.Queue(WAITING)
        threading.Thread(target=self._work, name="otlp", daemon=True).start()

    def add(self, span: trace.Span) -> None:
        try:
            self.waiting.put_nowait(span)
        except queue.Full:
            DROPPED.inc()

    def _work(self) -> None:
        pause = threading.Event()
        while True:
            spans = [self.waiting.get()]
            pause.wait(PAUSE)
            while len(spans) < BATCH and not self.waiting.empty():
                spans.append(self.waiting.get())
            self._send(spans)

    def _send(self, spans: list[trace.Span]) -> None:
        scope = otlp_pb2.ScopeSpans(spans=map(message, spans))
        everything = otlp_pb2.ResourceSpans(resource=self.resource, scope_spans=[scope])
        request = otlp_pb2.ExportTraceServiceRequest(resource_spans=[everything])
        try:
            self.stub.Export(request, timeout=5)
            EXPORTED.inc(len(spans))
        except grpc.RpcError as error:
            DROPPED.inc(len(spans))
            log.debug("the collector did not take %s spans: %s", len(spans), error.code())


def channel(endpoint: str) -> grpc.Channel:
    """A channel to ``http://host:port`` or ``https://host:port``, as OpenTelemetry writes them."""
    scheme, _, address = endpoint.rpartition("://")
    if scheme == "https":
        return grpc.secure_channel(address, grpc.ssl_channel_credentials())
    if scheme not in ("", "http") or ":" not in address:
        raise SettingsError(f"OTEL_EXPORTER_OTLP_ENDPOINT={endpoint!r} is not http://host:port")
    return grpc.insecure_channel(address.rstrip("/"), [("grpc.enable_http_proxy", 0)])


def pairs(attributes: Mapping[str, trace.Attribute]) -> list[otlp_pb2.KeyValue]:
    kinds = {str: "string_value", int: "int_value", float: "double_value"}
    return [
        otlp_pb2.KeyValue(key=key, value=otlp_pb2.AnyValue(**{kinds[type(value)]: value}))
        for key, value in attributes.items()
    ]


def message(span: trace.Span) -> otlp_pb2.Span:
    code = otlp_pb2.Status.STATUS_CODE_ERROR if span.error else otlp_pb2.Status.STATUS_CODE_UNSET
    kind = otlp_pb2.Span.SPAN_KIND_SERVER if span.server else otlp_pb2.Span.SPAN_KIND_INTERNAL
    return otlp_pb2.Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_id),
        name=span.name,
        kind=kind,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=pairs(span.attributes),
        links=[
            otlp_pb2.Span.Link(
                trace_id=bytes.fromhex(link.trace_id), span_id=bytes.fromhex(link.span_id)
            )
            for link in span.links
        ],
        status=otlp_pb2.Status(code=code, message=span.error),
    )


def set_up(settings: Settings, service: str) -> None:
    """Export the spans of this process, where OTEL_EXPORTER_OTLP_ENDPOINT says where to."""
    endpoint = settings.text("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if endpoint:
        trace.export_to(Exporter(endpoint, service, settings.name).add)
