"""The game server over a real channel: seats, moves that count once, deadlines, draining."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from conftest import serving, status, wait_for
from generals_reference.game.matches import ABANDONED_AFTER, Matches
from generals_reference.game_server import MAX_STREAMS, GameServer
from generals_reference.v1 import game_pb2, game_pb2_grpc

Code = grpc.StatusCode
Verdict = game_pb2.ActReply
HOUR = 3_600_000  # ms


class Client:
    """What a test needs of a client."""

    def __init__(self, servicer: GameServer, channel: grpc.Channel) -> None:
        self.matches, self.servicer = servicer.matches, servicer
        self.stub = game_pb2_grpc.GameServerStub(channel)

    def create(self, **fields: int) -> list[str]:
        defaults = {"players": 2, "height": 8, "width": 8, "deadline_ms": HOUR, "seed": 1}
        return list(self.stub.Create(game_pb2.CreateRequest(**defaults | fields)).game)

    def join(self, game: str, seat: int, client: str = "me") -> str:
        return self.stub.Join(game_pb2.JoinRequest(game=game, seat=seat, client=client)).token

    def seats(self, **fields: int) -> list[str]:
        """Both seats of a new game."""
        (game,) = self.create(**fields)
        return [self.join(game, 0), self.join(game, 1)]

    def act(self, *moves: tuple[str, int, int]) -> list[int]:
        request = [game_pb2.Move(token=token, tick=t, action=a) for token, t, a in moves]
        return list(self.stub.Act(game_pb2.ActRequest(moves=request)).verdicts)

    def look(self, *tokens: str) -> list[game_pb2.Observation]:
        stream = self.stub.Stream(game_pb2.StreamRequest(token=tokens))
        observations = list(next(stream).observations)
        stream.cancel()
        return observations


@pytest.fixture
def client() -> Iterator[Client]:
    servicer = GameServer(Matches(capacity=50))
    register = game_pb2_grpc.add_GameServerServicer_to_server
    with serving(lambda server: register(servicer, server)) as channel:
        yield Client(servicer, channel)


def test_a_tick_is_played_when_everybody_has_moved(client: Client) -> None:
    one, two = client.seats()
    assert client.act((one, 0, -1)) == [Verdict.ACCEPTED]
    assert client.look(one)[0].tick == 0
    assert client.act((two, 0, -1)) == [Verdict.ACCEPTED]
    assert client.look(one)[0].tick == 1


def test_a_move_counts_once(client: Client) -> None:
    one, two = client.seats()
    assert client.act((one, 0, 5), (one, 0, 5), (one, 0, 6)) == [
        Verdict.ACCEPTED,
        Verdict.REPEATED,
        Verdict.CONFLICT,
    ]
    client.act((two, 0, -1))
    # The answer may have been lost while the tick was played: a retry is still recognised.
    assert client.act((one, 0, 5), (one, 0, 6)) == [Verdict.REPEATED, Verdict.CONFLICT]
    assert client.act((one, 1, -1), (two, 1, -1)) == [Verdict.ACCEPTED] * 2
    assert client.act((one, 0, 5), (one, 3, 5), ("nobody", 0, 5)) == [
        Verdict.LATE,
        Verdict.EARLY,
        Verdict.UNKNOWN_TOKEN,
    ]


def test_a_seat_belongs_to_one_client(client: Client) -> None:
    (game,) = client.create()
    token = client.join(game, 0)
    assert client.join(game, 0) == token
    assert status(lambda: client.join(game, 0, "other"))[0] == Code.ALREADY_EXISTS
    assert status(lambda: client.join(game, 2))[0] == Code.NOT_FOUND
    assert status(lambda: client.join("none", 0))[0] == Code.NOT_FOUND


def test_each_seat_sees_its_own_side(client: Client) -> None:
    views = client.look(*client.seats(height=12, width=9))
    assert [view.seat for view in views] == [0, 1]
    for view in views:
        assert (view.height, view.width, len(view.owner), len(view.army)) == (12, 9, 108, 432)
        own = [cell for cell, owner in enumerate(view.owner) if owner == view.seat]
        assert len(own) == 1
        assert view.terrain[own[0]] == 3
        assert list(view.land) == [1, 1]
    assert sum(owner not in (0xFE, 0xFF) for owner in views[0].owner) == 1  # not the other's


def test_the_stream_ends_with_the_game(client: Client) -> None:
    seats = client.seats(tick_limit=3)
    last = {}
    for frame in client.stub.Stream(game_pb2.StreamRequest(token=seats), timeout=20):
        last |= {view.token: view for view in frame.observations}
        open_ = [view for view in frame.observations if not view.over]
        client.act(*[(view.token, view.tick, -1) for view in open_])
    assert all(view.over and view.tick == 3 for view in last.values())
    assert client.act((seats[0], 3, -1)) == [Verdict.LATE]


def test_many_games_are_played_in_one_call(client: Client) -> None:
    games = client.create(games=20)
    tokens = [client.join(game, seat) for game in games for seat in (0, 1)]
    assert set(client.act(*[(token, 0, -1) for token in tokens])) == {Verdict.ACCEPTED}
    assert {view.tick for view in client.look(*tokens)} == {1}


def test_maps_follow_the_seed(client: Client) -> None:
    def first(seed: int, games: int) -> list[bytes]:
        created = client.create(seed=seed, games=games)
        return [client.look(client.join(game, 0))[0].terrain for game in created]

    assert first(5, 3) == [*first(5, 1), *first(6, 2)]


def test_who_misses_the_deadline_passes(client: Client) -> None:
    one, two = client.seats(deadline_ms=1)
    client.act((one, 0, -1))
    time.sleep(0.01)
    client.matches.sweep()
    assert client.look(two)[0].tick == 1
    assert client.act((two, 0, -1)) == [Verdict.LATE]


def test_games_that_nobody_plays_are_forgotten(client: Client) -> None:
    one, _ = client.seats(deadline_ms=1)
    for _ in range(ABANDONED_AFTER):
        time.sleep(0.002)
        client.matches.sweep()
    assert not client.matches.matches
    assert client.act((one, 0, -1)) == [Verdict.UNKNOWN_TOKEN]
    assert len(client.create(games=8)) == 8  # in the room that became free
    assert len(next(iter(client.matches.tables.values())).games.tick) == 8


@pytest.mark.parametrize(
    ("fields", "code", "message"),
    [
        ({"height": 3}, Code.INVALID_ARGUMENT, "5 to 64 cells"),
        ({"players": 9}, Code.INVALID_ARGUMENT, "2 to 8 players"),
        ({"games": 1000}, Code.INVALID_ARGUMENT, "at most 256"),
        ({"games": 51}, Code.RESOURCE_EXHAUSTED, "0 of 50 games"),
    ],
)
def test_bad_games_are_refused(client: Client, fields: dict, code: Code, message: str) -> None:
    refused, details = status(lambda: client.create(**fields))
    assert refused == code
    assert message in details


def test_streams_leave_room_for_calls(client: Client) -> None:
    one, _ = client.seats()
    streams = [client.stub.Stream(game_pb2.StreamRequest(token=[one])) for _ in range(MAX_STREAMS)]
    for stream in streams:
        next(stream)
    assert status(lambda: client.look(one))[0] == Code.RESOURCE_EXHAUSTED
    assert client.act((one, 0, -1)) == [Verdict.ACCEPTED]
    for stream in streams:
        stream.cancel()
    wait_for(lambda: not client.matches.watched)


def test_draining_waits_for_the_games_that_are_watched(client: Client) -> None:
    seats = client.seats(tick_limit=1)
    client.seats()  # nobody watches this one
    stream = client.stub.Stream(game_pb2.StreamRequest(token=seats))
    next(stream)
    drain = threading.Thread(target=client.servicer.drain, args=(20.0,))
    drain.start()
    wait_for(client.servicer.draining.is_set)
    assert status(client.create) == (Code.UNAVAILABLE, "this server is shutting down")
    assert drain.is_alive()
    client.act(*[(token, 0, -1) for token in seats])
    drain.join(timeout=5)
    assert not drain.is_alive()
