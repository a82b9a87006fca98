"""An agent's games: what it makes of a round, and what it does when others are away."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import free_port, serving
from generals_reference.agent import MAX_WAITING, Agent
from generals_reference.episode import SHAPING, Episode, standing
from generals_reference.experience import Tensors, unpack
from generals_reference.game.matches import Matches
from generals_reference.game_server import GameServer
from generals_reference.policy.players import Heuristic, Random
from generals_reference.round import Options, Round, Seat
from generals_reference.settings import Settings
from generals_reference.v1 import game_pb2, game_pb2_grpc
from samples import tensors

NEVER = threading.Event()
RNG = np.random.default_rng(0)
NOBODY = f"127.0.0.1:{free_port()}"


def settings(**environment: str) -> Settings:
    small = {"BOARD_SIZE": "8", "TICK_LIMIT": "40", "AGENT_FRAGMENT": "8", "AGENT_GAMES": "4"}
    away = {"GAME_SERVER": NOBODY, "EXPERIENCE_BUFFER": NOBODY, "MODEL_SERVER": NOBODY}
    rate = {"AGENT_MOVES_PER_SECOND": "0"}
    return Settings(small | away | rate | environment)


@pytest.fixture
def stub() -> Iterator[game_pb2_grpc.GameServerStub]:
    register = game_pb2_grpc.add_GameServerServicer_to_server
    with serving(lambda server: register(GameServer(Matches(50)), server)) as channel:
        yield game_pb2_grpc.GameServerStub(channel)


def played(stub: object, pairs: list[list[Seat]]) -> Round:
    current = Round(stub, Options(settings()), NEVER.wait)
    current.join("test", 1, pairs)
    for _ in current.play():
        pass
    return current


def test_a_round_plays_all_its_games_to_the_end(stub: object) -> None:
    pairs = [[Seat(Heuristic(RNG), "", Episode()), Seat(Random(RNG), "")] for _ in range(6)]
    current = played(stub, pairs)
    assert len(current.finished) == 12
    results = [result for seat, result in current.finished if seat.episode]
    assert sum(results) >= 3  # the heuristic is better than chance
    for seat, result in current.finished:
        if seat.episode and seat.view:
            moves = len(seat.episode.rewards)
            assert moves == len(seat.episode.actions) == int(seat.view["tick"])
            gain = standing(seat.view) - standing(seat.episode.views[0])
            assert sum(seat.episode.rewards) == pytest.approx(result + SHAPING * gain, abs=1e-5)


def test_nothing_is_learnt_from_a_move_that_came_too_late(stub: object) -> None:
    current = Round(stub, Options(settings()), NEVER.wait)
    pair = [Seat(Random(RNG), "", Episode()), Seat(Random(RNG), "", Episode())]
    current.join("test", 1, [pair])
    one, two = pair
    current.act([game_pb2.Move(token=one.token, tick=0, action=-1)])
    assert one.episode is not None
    current.act([game_pb2.Move(token=two.token, tick=7, action=-1)])
    assert (one.episode is not None, two.episode) == (True, None)


def episode(moves: int) -> tuple[Episode, Tensors]:
    lived = Episode()
    seen = {k: v for k, v in tensors(steps=moves).items() if len(v) == moves + 1}
    views = [{name: array[step] for name, array in seen.items()} for step in range(moves + 1)]
    for step in range(moves):
        lived.decide(views[step], action=step, logp=-1.0)
        lived.outcome(views[step + 1], result=float(step == moves - 1))
    return lived, views[-1]


@pytest.mark.parametrize(
    ("moves", "starts"),
    [(3, []), (4, [0]), (8, [0, 4]), (10, [0, 4, 6])],
)
def test_fragments_cover_the_whole_episode(moves: int, starts: list[int]) -> None:
    lived, last = episode(moves)
    fragments = lived.fragments(last, 4)
    assert [fragment["action"].tolist() for fragment in fragments] == [
        list(range(start, start + 4)) for start in starts
    ]
    for fragment in fragments:
        ends = fragment["action"][-1] == moves - 1
        assert fragment["done"].tolist() == [False, False, False, ends]
        assert fragment["tick"].tolist() == list(
            range(fragment["action"][0], fragment["tick"][-1] + 1)
        )


def test_an_agent_keeps_what_the_buffer_does_not_take() -> None:
    agent = Agent(settings(), Options(settings()), NEVER)
    lived, last = episode(8)
    seat = Seat(Random(RNG), "random", lived, view=last)
    for _ in range(3):
        agent.finish(seat, 1.0)
    agent.send()
    assert len(agent.waiting) == 3
    assert len({item.id for item in agent.waiting}) == 3
    unpack(agent.waiting[0])  # well formed
    for _ in range(MAX_WAITING):
        agent.finish(seat, 1.0)
    assert len(agent.waiting) == MAX_WAITING


def test_an_agent_plays_on_without_a_model_server(stub: object) -> None:
    agent = Agent(settings(), Options(settings()), NEVER)
    agent.games.stubs = [stub]
    agent.round()
    assert agent.waiting  # it played with weights of its own
    assert all(item.model_version == 0 for item in agent.waiting)


def test_evaluation_is_played_only_between_two_versions() -> None:
    agent = Agent(settings(), Options(settings()), NEVER)
    assert [seat.match for seat in agent.sides("evaluation")] == [None, None]
    agent.latest.version, agent.candidate.version, agent.promoted.version = 9, 7, 4
    tested, holder = agent.sides("evaluation")
    assert (tested.match, holder.match, tested.episode) == ((7, 4), None, None)
    assert [seat.match for seat in agent.sides("random")] == [(9, 0), None]
