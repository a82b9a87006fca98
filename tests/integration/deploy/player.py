"""Plays both seats of one game, for as long as the server takes new games; then to its end.

Runs in the reference image. Says how many ticks were played when the server began to drain, and how
the game ended: `{"drained_at": 31, "ticks": 1000, "over": true}`.
"""

from __future__ import annotations

import json
import sys
import time

import grpc
from generals_reference.v1 import game_pb2, game_pb2_grpc

_TICKS = 1000
_PATIENCE = 300.0  # seconds until somebody should have stopped the server
_PAUSE = 0.2  # seconds


def _is_draining(stub: game_pb2_grpc.GameServerStub) -> bool:
    try:
        stub.Create(game_pb2.CreateRequest(players=2, height=8, width=8, tick_limit=1))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return True
    return False


def main(address: str) -> None:
    """Play on the server at this address."""
    stub = game_pb2_grpc.GameServerStub(grpc.insecure_channel(address))
    kind = game_pb2.CreateRequest(
        players=2, height=8, width=8, seed=1, tick_limit=_TICKS, deadline_ms=60_000
    )
    (game,) = stub.Create(kind).game
    seats = [
        stub.Join(game_pb2.JoinRequest(game=game, seat=seat, client="player")).token
        for seat in (0, 1)
    ]
    frames = stub.Stream(game_pb2.StreamRequest(token=seats))
    drained_at = None
    started = time.monotonic()
    print("playing", flush=True)
    for frame in frames:
        seen = frame.observations[0]
        if seen.over:
            break
        if drained_at is None and time.monotonic() < started + _PATIENCE:
            time.sleep(_PAUSE)
            drained_at = seen.tick if _is_draining(stub) else None
        moves = [game_pb2.Move(token=token, tick=seen.tick, action=-1) for token in seats]
        stub.Act(game_pb2.ActRequest(moves=moves))
    print(json.dumps({"drained_at": drained_at, "ticks": seen.tick, "over": seen.over}))


if __name__ == "__main__":
    main(sys.argv[1])
