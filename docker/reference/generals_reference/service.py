"""What every gRPC service has in common: health, metrics, traces and a graceful end."""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from prometheus_client import Counter, Histogram

from generals_reference import logs, metrics, otlp, reflection, trace
from generals_reference.refused import Refused
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
    """Answer this project's calls where they are refused; count, time and trace unary answers."""

    def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        handler = continuation(details)
        if handler is None or not details.method.startswith("/generals."):
            return handler
        method = details.method.rpartition("/")[2]
        caller = trace.parse(dict(details.invocation_metadata).get(trace.HEADER))

        def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            try:
                yield from handler.unary_stream(request, context)
            except Refused as error:
                CALLS.labels(method, error.status.name).inc()
                context.abort(error.status, str(error))

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            began, code = time.perf_counter(), "OK"
            try:
                with trace.span(method, caller, server=True):
                    return (handler.unary_unary or handler.stream_unary)(request, context)
            except Refused as error:
                code = error.status.name
                context.abort(error.status, str(error))
            except Exception as error:
                code = "UNKNOWN"
                log.exception("%s failed: %s", method, error)
                raise
            finally:
                CALLS.labels(method, code).inc()
                SECONDS.labels(method).observe(time.perf_counter() - began)

        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(stream, *codec)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(answer, *codec)
        return grpc.unary_unary_rpc_method_handler(answer, *codec)


class Stop(threading.Event):
    """Set by SIGTERM and SIGINT; a loop waits on it instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.set())


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
    settings = Settings()
    try:
        levels = ("debug", "info", "warning", "error")
        logger = logs.set_up(name, settings.choice("LOG_LEVEL", "info", levels))
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


def serve(
    settings: Settings,
    stop: Stop,
    default_port: int,
    name: str,
    register: Callable[[grpc.Server], None],
    *,
    health: Health | None = None,
    drain: Callable[[], None] = lambda: None,
) -> None:
    """Serve `name` until asked to stop; then be NOT_SERVING, `drain`, and end what is left."""
    health = health or Health()
    port = settings.integer("PORT", default_port, 0, 65535)
    built, bound = server(port, register, health.register)
    development = settings.text("ENVIRONMENT", "production") == "development"
    if development:
        reflection_pb2_grpc.add_ServerReflectionServicer_to_server(
            reflection.Reflection(name), built
        )
    metrics.serve(settings.metrics_port)
    built.start()
    log.info("serving", extra={"port": bound, "reflection": development})
    stop.wait()
    log.info("draining")
    health.set(serving=False)
    drain()
    built.stop(grace=5.0).wait()
