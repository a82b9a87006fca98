"""Server reflection, so that tools such as grpcurl know the services; in development only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import descriptor_pool

from generals_reference.v1 import reflection_pb2, reflection_pb2_grpc

Answer = reflection_pb2.ServerReflectionResponse


class Reflection(reflection_pb2_grpc.ServerReflectionServicer):
    """Describes `service`, by its full name, and everything that it uses."""

    def __init__(self, service: str) -> None:
        self.service, pool = service, descriptor_pool.Default()
        self.finders = {
            "file_by_filename": pool.FindFileByName,
            "file_containing_symbol": pool.FindFileContainingSymbol,
        }

    def ServerReflectionInfo(  # noqa: N802
        self, requests: Iterator[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        for request in requests:
            yield Answer(valid_host=request.host, original_request=request, **self.answer(request))

    def answer(self, request: Any) -> dict[str, Any]:
        """The answer to one request; this project's files need no others."""
        kind = request.WhichOneof("message_request")
        if kind == "list_services":
            return {"list_services_response": {"service": [{"name": self.service}]}}
        try:
            file = self.finders[kind](getattr(request, kind)).serialized_pb
            return {"file_descriptor_response": {"file_descriptor_proto": [file]}}
        except KeyError as error:
            code, _ = grpc.StatusCode.NOT_FOUND.value
            return {"error_response": {"error_code": code, "error_message": f"unknown: {error}"}}
