"""Teams in the codes of the state, for battles in which much happens."""

from __future__ import annotations

from typing import Any

import numpy as np

STRUGGLE = 165
# Moves whose rules meet others': traps, locks, copies, timers, screens, what hits back.
STICKY = (
    *(35, 20, 128, 83, 117, 37, 80, 118, 119, 102, 50, 114, 63, 99, 91, 19, 109, 48, 92, 73, 164),
    *(144, 156, 68, 153, 120, 82, 54, 113, 115, 138),
)
THEMES = (
    (35, 128, 83, 119, 118, 164, 63, 92, 86),  # traps, and what meets them
    (118, 119, 102, 144, 50, 19, 91, 76),  # copies and calls
    (117, 68, 99, 69, 49, 162, 149, 24, 86),  # what counts damage
    (164, 153, 120, 24, 41, 42, 131, 93, 6),  # substitutes and what breaks them
    (114, 92, 73, 156, 147, 95, 86, 117, 35, 80, 91),  # Haze, and what it ends
    (90, 12, 32, 86, 97, 138, 95, 135, 105),  # speed, dreams, healing
    (58, 59, 8, 52, 126, 83, 156, 114),  # ice and fire
    (23, 29, 44, 158, 125, 27, 63, 35, 98),  # flinching, recharging, trapping
)


def team(rng: np.random.Generator, species: list[int], themed: bool) -> list[dict[str, Any]]:
    """One team of up to six: moves of a theme, or any moves with many sticky ones."""
    theme = THEMES[rng.integers(len(THEMES))]
    members = []
    for one in species:
        wanted = int(rng.integers(1, 5)) if rng.random() < 0.2 else 4
        moves: list[int] = []
        while len(moves) < wanted:
            if themed:
                move = int(rng.choice(theme))
            elif rng.random() < 0.45:
                move = int(rng.choice(STICKY))
            else:
                move = int(rng.integers(1, STRUGGLE))
            if move not in moves:
                moves.append(move)
        level = 100 if rng.random() < 0.7 else int(rng.integers(2, 101))
        ivs = rng.integers(0, 16, 5) * 2 if rng.random() < 0.5 else np.full(5, 30)
        evs = rng.integers(0, 256, 5) if rng.random() < 0.5 else np.full(5, 255)
        about = {"species": int(one), "level": level, "moves": moves}
        members.append({**about, "ivs": ivs.tolist(), "evs": evs.tolist()})
    return members


def pool(seed: int, pairs: int = 40) -> list[list[dict[str, Any]]]:
    """2 x pairs teams; every second pair has the same species on both sides, so that speeds tie."""
    rng = np.random.default_rng(seed)
    teams = []
    for pair in range(pairs):
        size = 6 if pair % 3 else int(rng.integers(1, 7))
        both = rng.integers(1, 152, (2, size))
        if pair % 2:
            both[1] = both[0]
        teams += [team(rng, list(side), themed=pair % 4 > 1) for side in both]
    return teams


def mixed(seed: int, count: int) -> list[list[dict[str, Any]]]:
    """Teams of which any two may meet, as a battle draws them: each side any, equally likely.

    Half of them take their species from the beginning of one of two lists, so that in one battle of
    eight both sides have the same ones and speeds tie.
    """
    rng = np.random.default_rng(seed)
    lists = rng.integers(1, 152, (2, 6))
    teams = []
    for number in range(count):
        size = 6 if number % 3 else int(rng.integers(1, 7))
        species = lists[number // 2 % 2] if number % 2 else rng.integers(1, 152, 6)
        teams.append(team(rng, list(species[:size]), themed=number % 8 > 3))
    return teams


def pairing(pair: int) -> list[int]:
    """The words 2 and 3 of a chance that choose the two teams of a pair of ``pool``."""
    return [2 * pair, 2 * pair + 1]
