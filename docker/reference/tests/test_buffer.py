"""The experience buffer over a real Redis: bounded, durable, sampled, and strict about tensors."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import numpy as np
import pytest
import redis
from conftest import Redis, serving, status, wait_for
from generals_reference.buffer_server import ExperienceBuffer
from generals_reference.buffer_store import KEYS, Store
from generals_reference.service import Health
from generals_reference.v1 import buffer_pb2, buffer_pb2_grpc, health_pb2
from samples import experience, tensors

Code = grpc.StatusCode
CAPACITY = 50


@dataclass
class Client:
    """A buffer service and a stub for it."""

    store: Store
    servicer: ExperienceBuffer
    stub: buffer_pb2_grpc.ExperienceBufferStub

    def append(self, *experiences: buffer_pb2.Experience) -> buffer_pb2.AppendReply:
        return self.stub.Append(buffer_pb2.AppendRequest(experiences=experiences))

    def fill(self, count: int, start: int = 0) -> list[str]:
        names = [f"e{number}" for number in range(start, start + count)]
        self.append(*map(experience, names))
        return names

    def sample(self, count: int = 10, **fields: int) -> buffer_pb2.SampleReply:
        return self.stub.Sample(buffer_pb2.SampleRequest(count=count, **fields))

    def held(self) -> set[str]:
        """The ids in Redis, by what can be drawn."""
        numbers = range(self.store.first, self.store.next)
        payloads = self.store.redis.hmget(KEYS[0], list(numbers)) if numbers else []
        return {buffer_pb2.Experience.FromString(payload).id for payload in payloads}


def service_of(server: Redis, capacity: int = CAPACITY) -> ExperienceBuffer:
    connection = redis.Redis.from_url(server.url, socket_timeout=5)
    buffer = ExperienceBuffer(Store(connection, capacity))
    buffer.store.load()
    return buffer


@pytest.fixture
def client(redis_server: Redis, request: pytest.FixtureRequest) -> Iterator[Client]:
    buffer = service_of(redis_server, getattr(request, "param", CAPACITY))
    register = buffer_pb2_grpc.add_ExperienceBufferServicer_to_server
    with serving(lambda server: register(buffer, server)) as channel:
        yield Client(buffer.store, buffer, buffer_pb2_grpc.ExperienceBufferStub(channel))


def test_what_is_appended_is_drawn_unchanged(client: Client) -> None:
    sent = experience("one", seed=3)
    assert client.append(sent).stored == 1
    drawn = client.sample(4)
    assert all(item == sent for item in drawn.experiences)
    assert list(drawn.weight) == [1.0] * 4
    assert (drawn.appended, len(drawn.sequence)) == (1, 4)


def test_an_id_is_stored_once(client: Client) -> None:
    client.fill(3)
    reply = client.append(experience("e1"), experience("e7"), experience("e7"))
    assert (reply.stored, reply.repeated_ids, reply.fill) == (1, 2, 4)


def test_the_oldest_make_room(client: Client) -> None:
    client.fill(CAPACITY)
    client.fill(20, start=CAPACITY)
    assert client.held() == {f"e{number}" for number in range(20, CAPACITY + 20)}
    stats = client.stub.Stats(buffer_pb2.StatsRequest())
    assert (stats.fill, stats.capacity, stats.appended) == (CAPACITY, CAPACITY, CAPACITY + 20)
    assert {client.store.redis.hlen(key) for key in KEYS[:4]} == {CAPACITY}


def test_more_than_fits_in_one_append(client: Client) -> None:
    client.fill(CAPACITY * 2)
    assert client.held() == {f"e{number}" for number in range(CAPACITY, CAPACITY * 2)}


def test_too_little_to_draw_from(client: Client) -> None:
    assert status(client.sample)[0] == Code.FAILED_PRECONDITION
    client.fill(5)
    assert len(client.sample().experiences) == 10


def test_priorities_decide_how_often(client: Client) -> None:
    client.fill(10)
    priority = [1000.0 if number == 4 else 0.001 for number in range(10)]
    client.stub.Prioritise(buffer_pb2.PrioritiseRequest(sequence=range(10), priority=priority))
    drawn = client.sample(500, strategy=buffer_pb2.SampleRequest.PRIORITISED)
    counts = Counter(item.id for item in drawn.experiences)
    assert counts["e4"] > 450
    rare = [w for n, w in zip(drawn.sequence, drawn.weight, strict=True) if n != 4]
    often = [w for n, w in zip(drawn.sequence, drawn.weight, strict=True) if n == 4]
    assert not rare or max(often) < min(rare)  # what is drawn often weighs less
    uniform = Counter(item.id for item in client.sample(500).experiences)
    assert len(uniform) == 10 and max(uniform.values()) < 120


def test_priorities_survive_the_service(client: Client, redis_server: Redis) -> None:
    client.fill(3)
    client.stub.Prioritise(buffer_pb2.PrioritiseRequest(sequence=[1, 99], priority=[7.5, 1]))
    again = service_of(redis_server).store
    assert again.priority[:3].tolist() == [1.0, 7.5, 1.0]


def test_a_smaller_buffer_keeps_the_newest(client: Client, redis_server: Redis) -> None:
    client.fill(30)
    smaller = service_of(redis_server, capacity=10).store
    assert (smaller.fill, smaller.first) == (10, 20)
    smaller.append([experience("new")])
    assert smaller.redis.hlen(KEYS[0]) == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"action": None}, "tensors are"),
        ({"army": np.zeros((5, 4, 4), np.int64)}, "'int64', expected int32"),
        ({"owner": np.zeros((5, 4, 3), np.int8)}, "3 width, expected 4"),
        ({"army": np.zeros((4, 4, 4), np.int32)}, "4 observations, expected 5"),
        ({"reward": np.zeros(3, np.float32)}, "3 steps, expected 4"),
        ({"reward": np.array([0, np.nan, 0, 0], np.float32)}, "'reward' is not finite"),
        ({"logp": np.zeros((4, 1), np.float32)}, "expected ['steps']"),
        ({"action": np.zeros((), np.int32)}, "'action' has shape []"),
        ({"extra": np.zeros(4, np.int32)}, "'extra' is none of"),
    ],
)
def test_malformed_tensors_are_refused(client: Client, change: dict, message: str) -> None:
    changed = {k: v for k, v in (tensors() | change).items() if v is not None}
    code, details = status(
        lambda: client.append(experience("good"), experience("bad", tensors=changed))
    )
    assert code == Code.INVALID_ARGUMENT
    assert details.startswith("experience 1: ")
    assert message in details
    assert client.held() == set()  # all or nothing


def test_bytes_that_do_not_fit_the_shape_are_refused(client: Client) -> None:
    broken = experience("x")
    broken.tensors[0].data = broken.tensors[0].data[:-1]
    code, details = status(lambda: client.append(broken))
    assert code == Code.INVALID_ARGUMENT
    assert "bytes, expected" in details
    huge = experience("x")
    del huge.tensors[0].shape[:]
    huge.tensors[0].shape.extend([2**31, 2**31, 2**31])
    assert status(lambda: client.append(huge))[0] == Code.INVALID_ARGUMENT


def out_of_memory(client: Client) -> None:
    used = client.store.redis.info("memory")["used_memory"]
    client.store.redis.config_set("maxmemory", used)


def test_a_full_redis_pushes_back_and_loses_nothing(client: Client) -> None:
    client.fill(5)
    out_of_memory(client)
    code, details = status(lambda: client.fill(5, start=5))
    assert code == Code.RESOURCE_EXHAUSTED
    assert "Redis is full" in details
    client.store.redis.config_set("maxmemory", 0)
    assert client.held() == {f"e{number}" for number in range(5)}
    client.fill(5, start=5)


def test_the_oldest_make_room_when_memory_is_short(client: Client) -> None:
    client.fill(40)
    out_of_memory(client)
    client.fill(1, start=40)
    held = client.held()
    assert "e40" in held and "e39" in held and "e0" not in held
    assert len(held) == client.store.fill == 38


def test_too_many_appends_at_once_are_pushed_back(client: Client) -> None:
    while client.servicer.room.acquire(blocking=False):
        pass
    assert status(lambda: client.fill(1))[0] == Code.RESOURCE_EXHAUSTED


def test_appends_from_many_sides_all_arrive(client: Client) -> None:
    def append(side: int) -> None:
        for number in range(5):
            name = f"e{side * 5 + number}"
            wait_for(lambda name=name: appended(client, name))

    threads = [threading.Thread(target=append, args=(side,)) for side in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.held() == {f"e{number}" for number in range(40)}
    assert client.store.fill == 40


def appended(client: Client, name: str) -> bool:
    """Whether the buffer took it; it may be busy or away."""
    try:
        client.append(experience(name))
    except grpc.RpcError as error:
        assert error.code() in (Code.RESOURCE_EXHAUSTED, Code.UNAVAILABLE)
        return False
    return True


@pytest.mark.parametrize("client", [100_000], indirect=True)
def test_nothing_acknowledged_is_lost_when_redis_is_killed(
    client: Client, redis_server: Redis
) -> None:
    """Redis dies while a client appends; what was acknowledged is there when it is back."""
    acknowledged: set[str] = set()
    enough = threading.Event()

    def keep_appending() -> None:
        number = 0
        while not enough.is_set():
            name = f"e{number}"
            if appended(client, name):
                acknowledged.add(name)
                number += 1

    writer = threading.Thread(target=keep_appending)
    writer.start()
    wait_for(lambda: len(acknowledged) > 5)
    redis_server.kill()
    before = len(acknowledged)
    redis_server.start()
    wait_for(lambda: len(acknowledged) > before + 3)
    enough.set()
    writer.join()
    again = service_of(redis_server, capacity=100_000)
    assert acknowledged <= Client(again.store, again, client.stub).held()


def test_health_follows_redis(client: Client, redis_server: Redis) -> None:
    health, stop = Health(), threading.Event()
    follow = threading.Thread(target=client.servicer.follow_redis, args=(health, stop))
    follow.start()
    answer = health_pb2.HealthCheckResponse
    try:
        wait_for(lambda: health.status == answer.SERVING)
        redis_server.kill()
        wait_for(lambda: health.status == answer.NOT_SERVING)
        assert status(lambda: client.fill(1))[0] == Code.UNAVAILABLE
        redis_server.start()
        wait_for(lambda: health.status == answer.SERVING)
        client.fill(1)
    finally:
        stop.set()
        follow.join()
