"""Boards drawn as text, for tests of the rules.

Cells are separated by blanks: ``.`` plain, ``##`` mountain, ``c40`` a neutral city of 40, ``A1`` a
general of player 0 (``B`` of player 1, …) with one army, ``a5`` land of player 0 with five, and
``a5!`` a city of his.
"""

from __future__ import annotations

import numpy as np
from generals_reference.game.engine import NOBODY, Games, batch
from generals_reference.game.maps import CITY, GENERAL, MOUNTAIN, PLAIN, Map

UP, RIGHT, DOWN, LEFT = range(4)


def game(picture: str, limit: int = 1000) -> Games:
    """One game that stands as drawn."""
    rows = [line.split() for line in picture.strip().splitlines()]
    shape = (len(rows), len(rows[0]))
    terrain, army = np.full(shape, PLAIN, np.uint8), np.zeros(shape, np.int32)
    owner, generals = np.full(shape, NOBODY, np.int8), {}
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            kind, count = cell[0], cell[1:].rstrip("!")
            if kind == "#":
                terrain[y, x] = MOUNTAIN
            elif kind == "c" and count:
                terrain[y, x], army[y, x] = CITY, int(count)
            elif kind != ".":
                owner[y, x] = ord(kind.lower()) - ord("a")
                army[y, x] = int(count)
                if cell.endswith("!"):
                    terrain[y, x] = CITY
                elif kind.isupper():
                    terrain[y, x] = GENERAL
                    generals[int(owner[y, x])] = y * shape[1] + x
    places = np.array([generals[player] for player in sorted(generals)])
    games = batch([Map(terrain, army, places)], limit)
    games.owner[0, games.inner] = owner.ravel()
    return games


def move(games: Games, y: int, x: int, way: int, half: bool = False) -> int:
    """The action of a move."""
    return ((y * games.width + x) * 4 + way) * 2 + half


def picture(games: Games, index: int = 0) -> str:
    """The inverse of `game`."""
    out = []
    for cell in games.inner:
        owner, army = games.owner[index, cell], games.army[index, cell]
        terrain = games.terrain[index, cell]
        letter = chr(ord("a") + owner) if owner >= 0 else "c"
        if terrain == MOUNTAIN:
            out.append("##")
        elif owner < 0 and terrain == PLAIN:
            out.append(f"c{army}" if army else ".")
        else:
            city = "!" if terrain == CITY and owner >= 0 else ""
            out.append(f"{letter.upper() if terrain == GENERAL else letter}{army}{city}")
    width = games.width
    lines = [" ".join(out[start : start + width]) for start in range(0, len(out), width)]
    return "\n".join(lines)
