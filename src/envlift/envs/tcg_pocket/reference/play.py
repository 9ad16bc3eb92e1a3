"""Random games inside the reference's own process, for benchmarks: no message per step."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from envlift.envs.tcg_pocket.reference import fields
from envlift.envs.tcg_pocket.reference.chance import Tape
from envlift.envs.tcg_pocket.reference.engine import new_game, step
from envlift.envs.tcg_pocket.reference.host import PocketReference
from envlift.envs.tcg_pocket.tables import ENERGY
from envlift.reference.types import Array


class PocketPlayer(PocketReference):
    """The reference that also plays by itself."""

    @property
    def answers(self) -> dict[str, Callable[..., dict[str, Array]]]:
        """Components that are no transition; ``play`` besides."""
        return {**super().answers, "play": self.play}

    def play(self, decisions: Array, seed: Array) -> dict[str, Array]:
        """Play uniform legal actions, without observations.

        Args:
            decisions: int64, how many.
            seed: int64.

        Returns:
            ``seconds`` float64, ``decisions``, ``games``, ``turns`` and ``checksum`` int64.
        """
        rng = random.Random(int(seed))
        wanted = int(decisions)
        begin = time.perf_counter()
        game: Any = None
        games = turns = checksum = 0
        for _ in range(wanted):
            tape = Tape(rng.getrandbits(32), rng.getrandbits(32))
            if game is None:
                chosen = [rng.choice(self._decks) for _ in range(2)]
                given = [(d.cards, [ENERGY.index(letter) for letter in d.energy]) for d in chosen]
                game = new_game(given, tape, self._options, self._tables)
            mask = fields.mask(game, game.decider)
            action = rng.choice([k for k, legal in enumerate(mask) if legal])
            before = game.turn
            step(game, action, tape)
            turns += game.turn - before
            checksum = (checksum * 31 + action) % 2**31
            if game.winner >= 0:
                games += 1
                game = None
        seconds = time.perf_counter() - begin
        numbers = {"decisions": wanted, "games": games, "turns": turns, "checksum": checksum}
        told: dict[str, Array] = {k: np.array(v, np.int64) for k, v in numbers.items()}
        return {"seconds": np.array(seconds), **told}
