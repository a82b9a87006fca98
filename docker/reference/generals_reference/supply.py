"""What the trainer learns from: batches of the buffers' experiences, none of them too often."""

from __future__ import annotations

from collections import Counter

from generals_reference import rpc, trace
from generals_reference.experience import Tensors
from generals_reference.settings import Settings
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc


def buffers(settings: Settings, client: str) -> rpc.Servers:
    stub = buffer_pb2_grpc.ExperienceBufferStub
    return rpc.servers(settings, "EXPERIENCE_BUFFER", 50052, stub, client)


class Supply:
    """Batches from all buffers in turn; settings say how large, and how often each fragment."""

    def __init__(self, settings: Settings) -> None:
        self.size = settings.integer("TRAINER_BATCH", 16, 1, 4096)
        self.minimum = settings.integer("TRAINER_MINIMUM", 64, 1, 10_000_000)
        self.reuse = settings.number("TRAINER_REUSE", 4, 0.01, 1000)
        strategies = ("uniform", "prioritised")
        strategy = settings.choice("TRAINER_SAMPLING", "uniform", strategies)
        self.strategy = buffer_pb2.SampleRequest.Strategy.Value(strategy.upper())
        self.buffers = buffers(settings, settings.name)
        self.learnt: dict[str, float] = {}  # fragments drawn of each buffer; some before our time

    def batch(self) -> buffer_pb2.SampleReply | None:
        """A batch from the next buffer; None while it has too little, or too little that is new."""
        self.buffers.next()
        stats = self.buffers.call("Stats", buffer_pb2.StatsRequest())
        before = (stats.appended - min(stats.fill, self.minimum)) * self.reuse
        learnt = self.learnt.setdefault(self.buffers.address, before)
        if stats.fill < self.minimum or learnt >= stats.appended * self.reuse:
            return None
        request = buffer_pb2.SampleRequest(count=self.size, strategy=self.strategy)
        batch = self.buffers.call("Sample", request)
        self.learnt[self.buffers.address] += len(batch.experiences)
        return batch

    def surprised(self, sequence: list[int], surprise: list[float]) -> None:
        """Tell the buffer of the last batch how surprising each of these was."""
        if self.strategy == buffer_pb2.SampleRequest.PRIORITISED:
            request = buffer_pb2.PrioritiseRequest(sequence=sequence, priority=surprise)
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
