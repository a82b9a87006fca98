"""What the trainer learns from: batches of the buffers' experiences, none of them too often."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import grpc

from generals_reference import rpc, trace
from generals_reference.experience import Tensors
from generals_reference.settings import Environment, Settings
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc

UNIFORM, PRIORITISED = buffer_pb2.SampleRequest.UNIFORM, buffer_pb2.SampleRequest.PRIORITISED


@dataclass(frozen=True)
class Demand:
    """What a trainer asks its buffers for, from the environment."""

    batch: int  # fragments
    minimum: int  # fragments in the buffer before the first update
    reuse: float  # times that a fragment is learnt from, on average
    prioritised: bool

    @classmethod
    def of(cls, environment: Environment) -> Demand:
        strategies = ("uniform", "prioritised")
        return cls(
            batch=environment.integer("TRAINER_BATCH", 16, 1, 4096),
            minimum=environment.integer("TRAINER_MINIMUM", 64, 1, 10_000_000),
            reuse=environment.number("TRAINER_REUSE", 4, 0.01, 1000),
            prioritised=environment.choice("TRAINER_SAMPLING", "uniform", strategies)
            == "prioritised",
        )


@dataclass
class Source:
    """How far a buffer's experiences have been used by this process."""

    known: int  # experiences that had been appended when it began, less those it may use
    learnt: int = 0  # fragments drawn since then


class Supply:
    """Batches from all buffers in turn."""

    def __init__(self, settings: Settings, demand: Demand) -> None:
        self.demand = demand
        stub = buffer_pb2_grpc.ExperienceBufferStub
        self.buffers = rpc.Servers(settings.buffers, stub, settings.name)
        self.sources: dict[str, Source] = {}  # by the buffer's address

    def batch(self) -> buffer_pb2.SampleReply | None:
        """A batch from the next buffer; None while it has too little, or too little that is new."""
        self.buffers.next()
        demand = self.demand
        stats = self.buffers.call("Stats", buffer_pb2.StatsRequest())
        known = stats.appended - min(stats.fill, demand.minimum)
        source = self.sources.setdefault(self.buffers.address, Source(known))
        if source.learnt >= (stats.appended - source.known) * demand.reuse:
            return None
        request = buffer_pb2.SampleRequest(
            count=demand.batch,
            strategy=PRIORITISED if demand.prioritised else UNIFORM,
            minimum=demand.minimum,
        )
        try:
            batch = self.buffers.call("Sample", request)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.FAILED_PRECONDITION:
                return None
            raise
        source.learnt += len(batch.experiences)
        return batch

    def prioritise(self, request: buffer_pb2.PrioritiseRequest) -> None:
        """Tell the buffer of the last batch what was surprising."""
        self.buffers.call("Prioritise", request)


def alike(fragments: list[Tensors]) -> list[int]:
    """Which fragments have the commonest length and board; agents may play on several boards."""
    shapes = [fragment["army"].shape for fragment in fragments]
    commonest, _ = Counter(shapes).most_common(1)[0]
    return [index for index, shape in enumerate(shapes) if shape == commonest]


def origins(batch: buffer_pb2.SampleReply) -> tuple[trace.Span | None, tuple[trace.Span, ...]]:
    """The traced round whose trace an update goes on with, and the others, which it links to."""
    headers = dict.fromkeys(experience.traceparent for experience in batch.experiences)
    rounds = [span for header in headers if (span := trace.parse(header))]
    return (rounds[0] if rounds else None), tuple(rounds[1:])
