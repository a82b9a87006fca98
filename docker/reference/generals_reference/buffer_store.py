"""Experiences in Redis: bounded, never lost once acknowledged, sampled by number.

Experiences are numbered as they arrive and leave in the same order, so that those held are always
the numbers from ``first`` to ``next``. One service owns a Redis; priorities are cached in it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import grpc
import numpy as np
import redis
from numpy.typing import NDArray

from generals_reference.refused import Refused
from generals_reference.v1 import buffer_pb2

KEYS = tuple(f"generals:experience:{key}" for key in ("data", "ids", "names", "priority", "range"))
ALPHA, BETA = 0.6, 0.4  # exponents of Prioritised Experience Replay (Schaul et al., 2016)
FSYNC_TIMEOUT_MS = 5000
ROOM = 0.05  # share of the experiences that make room when Redis is out of memory

# Atomic, so that a crash of the service leaves no half of an append. Answers stored, first, next.
# It deletes before it writes: Redis lets a script that has begun to write go on when it is full.
APPEND = """
local data, ids, names, priority, range = unpack(KEYS)
local keep = tonumber(ARGV[1])
local first = tonumber(redis.call('HGET', range, 'first') or '0')
local next_ = tonumber(redis.call('HGET', range, 'next') or '0')
local new, seen = {}, {}
for i = 3, #ARGV, 2 do
  if not seen[ARGV[i]] and redis.call('HEXISTS', ids, ARGV[i]) == 0 then
    new[#new + 1], seen[ARGV[i]] = i, true
  end
end
local function forget_first()
  local id = redis.call('HGET', names, first)
  if id then redis.call('HDEL', ids, id) end
  for _, key in ipairs({data, names, priority}) do redis.call('HDEL', key, first) end
  first = first + 1
end
while next_ > first and next_ + #new - first > keep do forget_first() end
for _, i in ipairs(new) do
  if next_ - first >= keep then forget_first() end
  redis.call('HSET', data, next_, ARGV[i + 1])
  redis.call('HSET', ids, ARGV[i], next_)
  redis.call('HSET', names, next_, ARGV[i])
  redis.call('HSET', priority, next_, ARGV[2])
  next_ = next_ + 1
end
redis.call('HSET', range, 'first', first, 'next', next_)
return {#new, first, next_}
"""

log = logging.getLogger(__name__)
Code = grpc.StatusCode


@dataclass(frozen=True)
class Draw:
    """Sampled experiences: their numbers, payloads and importance weights."""

    sequence: NDArray[np.int64]
    payloads: list[bytes]
    weights: NDArray[np.float64]


class Store:
    """Experiences of one Redis; `capacity` is how many it keeps."""

    def __init__(self, client: redis.Redis, capacity: int) -> None:
        self.redis, self.capacity = client, capacity
        self.lock = threading.Lock()  # of the fields below; never held while Redis works
        self.rng = np.random.default_rng()
        self.first = self.next = 0
        self.priority = np.zeros(capacity)
        self.waits_for_disk = True

    @property
    def fill(self) -> int:
        return self.next - self.first

    def load(self) -> None:
        """Read what Redis holds: at the start, and after Redis was away."""
        data, _, _, priority, bounds = KEYS
        held = self.redis.hgetall(bounds)
        priorities = list(self.redis.hscan_iter(priority, count=1000))
        first, after = int(held.get(b"first", 0)), int(held.get(b"next", 0))
        with self.lock:
            self.first, self.next = max(first, after - self.capacity), after
            for number, value in priorities:
                if self.first <= int(number) < after:
                    self.priority[int(number) % self.capacity] = float(value)
        log.info("loaded", extra={"fill": self.fill, "held": self.redis.hlen(data)})

    def append(self, experiences: Sequence[buffer_pb2.Experience]) -> int:
        """Store what is new and return how many that were; on return they are on disk.

        Where Redis's memory is full before the capacity is reached, the oldest make room, too.
        """
        with self.lock:
            priority = float(self.priority.max()) or 1.0  # what is new is drawn soon
        items: list[bytes | str] = []
        for experience in experiences:
            items += [experience.id, experience.SerializeToString()]
        try:
            stored, first, after = self._write([self.capacity, priority, *items])
        except redis.exceptions.OutOfMemoryError:
            keep = int(self.fill * (1 - ROOM))
            if keep < len(experiences):
                raise
            log.warning("Redis is out of memory", extra={"fill": self.fill, "keep": keep})
            stored, first, after = self._write([keep, priority, *items])
        with self.lock:
            self.first, self.next = max(self.first, first), max(self.next, after)
            numbers = np.arange(max(after - stored, after - self.capacity), after)
            self.priority[numbers % self.capacity] = priority
        return stored

    def _write(self, arguments: list[bytes | str | float]) -> tuple[int, int, int]:
        """Run APPEND, then wait on the same connection until Redis has it in its append-only file.

        WAITAOF came with Redis 7.2; an older one is trusted to be set up with `appendfsync always`.
        """
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.eval(APPEND, len(KEYS), *KEYS, *arguments)
        if self.waits_for_disk:
            pipeline.execute_command("WAITAOF", 1, 0, FSYNC_TIMEOUT_MS)
        written, *synced = pipeline.execute(raise_on_error=False)
        if isinstance(written, Exception):
            raise written
        for answer in synced:
            if isinstance(answer, redis.ResponseError):
                log.warning("cannot wait for the append-only file: %s", answer)
                self.waits_for_disk = False
            elif isinstance(answer, Exception):
                raise answer
            elif not answer[0]:
                raise Refused(
                    Code.UNAVAILABLE, "Redis has not written its append-only file in time"
                )
        stored, first, after = written
        return stored, first, after

    def sample(self, count: int, prioritised: bool) -> Draw:
        """Draw `count` experiences with replacement. The store must not be empty."""
        with self.lock:
            if prioritised:
                numbers, weights = self._by_priority(count)
            else:
                numbers, weights = self.rng.integers(self.first, self.next, count), np.ones(count)
        payloads = self.redis.hmget(KEYS[0], numbers.tolist())
        kept = [index for index, payload in enumerate(payloads) if payload is not None]
        return Draw(numbers[kept], [payloads[index] for index in kept], weights[kept])

    def _by_priority(self, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Numbers drawn by priority, and the weights that make up for it."""
        numbers = np.arange(self.first, self.next)
        chances = self.priority[numbers % self.capacity] ** ALPHA
        chances /= chances.sum()
        chosen = self.rng.choice(len(numbers), count, p=chances)
        weights = (len(numbers) * chances[chosen]) ** -BETA
        return numbers[chosen], weights / weights.max()

    def prioritise(self, sequence: Sequence[int], priority: Sequence[float]) -> None:
        """Set priorities; numbers that have left are ignored."""
        with self.lock:
            held = {
                number: value
                for number, value in zip(sequence, priority, strict=True)
                if self.first <= number < self.next
            }
            for number, value in held.items():
                self.priority[number % self.capacity] = value
        if held:
            self.redis.hset(KEYS[3], mapping=held)
