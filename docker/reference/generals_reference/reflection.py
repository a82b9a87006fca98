"""Server reflection, so that tools such as grpcurl know the services; in development only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import descriptor_pool

from generals_reference.v1 import reflection_pb2, reflection_pb2_grpc

Answer = reflection_pb2.ServerReflectionResponse


class Reflection(reflection_pb2_grpc.ServerReflectionServicer):
    """Describes `services`, by their full names, and everything that they use."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self.services = services
        self.pool = descriptor_pool.Default()

    def ServerReflectionInfo(  # noqa: N802
        self, requests: Iterator[Any], context: grpc.ServicerContext
    ) -> Iterator[Any]:
        for request in requests:
            answer = self.answer(request)
            answer.valid_host = request.host
            answer.original_request.CopyFrom(request)
            yield answer

    def answer(self, request: Any) -> Any:
        """The answer to one request."""
        kind = request.WhichOneof("message_request")
        try:
            if kind == "list_services":
                names = [reflection_pb2.ServiceResponse(name=name) for name in self.services]
                listed = reflection_pb2.ListServiceResponse(service=names)
                return Answer(list_services_response=listed)
            if kind == "file_by_filename":
                return described(self.pool.FindFileByName(request.file_by_filename))
            if kind == "file_containing_symbol":
                return described(self.pool.FindFileContainingSymbol(request.file_containing_symbol))
        except KeyError as error:
            return failed(grpc.StatusCode.NOT_FOUND, f"unknown: {error}")
        return failed(grpc.StatusCode.UNIMPLEMENTED, f"{kind} is not answered here")


def described(file: Any) -> Any:
    """A file; those of this project need no others."""
    files = reflection_pb2.FileDescriptorResponse(file_descriptor_proto=[file.serialized_pb])
    return Answer(file_descriptor_response=files)


def failed(code: grpc.StatusCode, text: str) -> Any:
    number, _ = code.value
    return Answer(
        error_response=reflection_pb2.ErrorResponse(error_code=number, error_message=text)
    )
