"""What every gRPC service has in common: health, metrics, traces and a graceful end."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import FrameType
from typing import Any

import grpc
from prometheus_client import Counter, Histogram

from generals_reference import logs, metrics, otlp, reflection, trace
from generals_reference.settings import Settings, SettingsError
from generals_reference.v1 import health_pb2, reflection_pb2_grpc

MESSAGE_LIMIT = 64 << 20  # bytes
THREADS = 64  # a stream keeps one for as long as it lasts
CALLS = Counter("generals_rpc_total", "Calls answered", ["method", "code"])
SECONDS = Histogram("generals_rpc_seconds", "Time to answer a call", ["method"])

log = logging.getLogger(__name__)


class Health:
    """`grpc.health.v1`: SERVING until told otherwise."""

    def __init__(self) -> None:
        self.status = health_pb2.HealthCheckResponse.SERVING
        self.changed = threading.Condition()

    def set(self, serving: bool) -> None:
        answer = health_pb2.HealthCheckResponse
        with self.changed:
            self.status = answer.SERVING if serving else answer.NOT_SERVING
            self.changed.notify_all()

    def register(self, server: grpc.Server) -> None:
        """Answer under the standard's name."""
        question, answer = health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
        codec = (question.FromString, answer.SerializeToString)
        handlers = {
            "Check": grpc.unary_unary_rpc_method_handler(self.check, *codec),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch, *codec),
        }
        handler = grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)
        server.add_generic_rpc_handlers((handler,))

    def check(self, request: Any, context: grpc.ServicerContext) -> Any:
        return health_pb2.HealthCheckResponse(status=self.status)

    def watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        sent = None
        while context.is_active():
            with self.changed:
                if self.status == sent:
                    self.changed.wait(timeout=1.0)
                status = self.status
            if status != sent:
                yield health_pb2.HealthCheckResponse(status=status)
                sent = status


class Observe(grpc.ServerInterceptor):
    """Count and time every call with one answer, trace it below its caller, log what crashes."""

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        handler = continuation(details)
        if handler is None or handler.response_streaming or "Health" in details.method:
            return handler
        behaviour = handler.unary_unary or handler.stream_unary
        method = details.method.rpartition("/")[2]
        caller = trace.parse(dict(details.invocation_metadata).get(trace.HEADER))

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            began, code = time.perf_counter(), "OK"
            try:
                with trace.span(method, caller, server=True):
                    return behaviour(request, context)
            except Exception as error:
                aborted = context.code()
                code = aborted.name if aborted else "UNKNOWN"
                if aborted is None:
                    log.exception("%s failed: %s", method, error)
                raise
            finally:
                CALLS.labels(method, code).inc()
                SECONDS.labels(method).observe(time.perf_counter() - began)

        kinds = (grpc.unary_unary_rpc_method_handler, grpc.stream_unary_rpc_method_handler)
        return kinds[handler.request_streaming](
            answer, handler.request_deserializer, handler.response_serializer
        )


class Stop:
    """Set by SIGTERM and SIGINT; a loop waits on it instead of sleeping."""

    def __init__(self) -> None:
        self.event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.on_signal)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        self.event.set()

    @property
    def asked(self) -> bool:
        return self.event.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until asked to stop, or for so long; True if asked."""
        return self.event.wait(seconds)


def server(port: int, *add: Callable[[grpc.Server], None]) -> tuple[grpc.Server, int]:
    """A gRPC server that is bound but not started, and its port."""
    built = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="rpc"),
        interceptors=[Observe()],
        options=[
            ("grpc.max_receive_message_length", MESSAGE_LIMIT),
            ("grpc.max_send_message_length", MESSAGE_LIMIT),
            ("grpc.so_reuseport", 0),  # a second server on the port must fail, not share it
        ],
    )
    for register in add:
        register(built)
    try:
        bound = built.add_insecure_port(f"[::]:{port}")
    except RuntimeError:  # since gRPC 1.60; before, it answered 0
        bound = 0
    if not bound:
        raise SettingsError(f"port {port} is taken")
    return built, bound


def run(name: str, body: Callable[[Settings, Stop], None]) -> None:
    """Run a command; a bad setting ends it with code 2 and one clear line."""
    settings = Settings.from_process()
    try:
        logger = logs.set_up(name, settings.log_level)
        otlp.set_up(settings, name)
        stop = Stop()
        body(settings, stop)
        logger.info("stopped")
    except SettingsError as error:
        logging.getLogger(name).error("%s", error)
        sys.exit(2)
    except Exception:
        logging.getLogger(name).exception("crashed")
        sys.exit(1)


@dataclass(frozen=True)
class Api:
    """One gRPC service: its full name, and what puts it on a server."""

    name: str
    register: Callable[[grpc.Server], None]


def serve(
    settings: Settings,
    stop: Stop,
    default_port: int,
    api: Api,
    *,
    health: Health,
    drain: Callable[[], None] = lambda: None,
) -> None:
    """Serve until asked to stop; then say NOT_SERVING, `drain`, and end the calls under way."""
    built, bound = server(settings.port(default_port), api.register, health.register)
    if settings.development:
        known = reflection.Reflection((api.name,))
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(known, built)
    metrics.serve(settings.metrics_port)
    built.start()
    log.info("serving", extra={"port": bound, "reflection": settings.development})
    stop.wait()
    log.info("draining")
    health.set(serving=False)
    drain()
    built.stop(grace=5.0).wait()
