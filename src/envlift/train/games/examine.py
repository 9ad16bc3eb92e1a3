"""How strong a policy is while it learns: win rates against the game's bots, and Elo.

The bots' own ratings come from games among themselves, played before the first examination.
"""

from __future__ import annotations

import copy
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.registry import AnyEnv
from envlift.train.config import Config
from envlift.train.distributions import Head
from envlift.train.games import matches, ratings
from envlift.train.metrics import WIN
from envlift.train.networks import Network


class Examiner:
    """Plays a network against all bots of a game.

    Equal seeds of the configuration and equal updates give equal games, so a resumed run sees
    what it would have seen.

    Args:
        config: of the run.
        env: a game; another of its kind that does not reset itself is made of it.
        network: of the policy.
        head: of the same.
    """

    def __init__(self, config: Config, env: AnyEnv, network: Network, head: Head) -> None:
        self.config, self.network, self.head = config, network, head
        self.game = without_reset(env)
        self.bots = matches.bot_names(self.game)
        self.key = jax.random.fold_in(jax.random.key(config.seed), 0xE70)
        self._own: Any = None

    def __call__(self, params: Any, update: int) -> dict[str, jax.Array]:
        """Return ``win_<bot>`` and ``elo``, float32; nothing for a game without bots."""
        if not self.bots:
            return {}
        if self._own is None:
            self._own = self._compiled()
        key = jax.random.fold_in(self.key, update)
        found: dict[str, jax.Array] = self._own(params, key)
        return found

    def _compiled(self) -> Any:
        seeds, count = self.config.evaluate_games, len(self.bots)
        own = matches.learnt(self.game, self.network, self.head)
        play = matches.match(self.game, own, matches.bots(self.game), seeds)
        known = jnp.asarray(self._ratings(), jnp.float32)
        games = seeds * self.game.num_players

        def examine(params: Any, key: jax.Array) -> dict[str, jax.Array]:
            # One after the other: side by side, every game would ask all bots.
            score = jax.lax.map(
                lambda bot: jnp.mean(play((params, bot), key).score), jnp.arange(count)
            )
            elo = ratings.rating_among(known, score, games)
            return {WIN + name: score[place] for place, name in enumerate(self.bots)} | {"elo": elo}

        return jax.jit(examine)

    def _ratings(self) -> Any:
        bots = matches.bots(self.game)
        play = jax.jit(matches.match(self.game, bots, bots, self.config.evaluate_games))
        wins = np.zeros((len(self.bots), len(self.bots)))
        for i, j in itertools.combinations(range(len(self.bots)), 2):
            key = jax.random.fold_in(self.key, 2**31 + i * len(wins) + j)
            score = np.asarray(play((jnp.int32(i), jnp.int32(j)), key).score)
            wins[i, j], wins[j, i] = score.sum(), (1 - score).sum()
        return ratings.bradley_terry(wins, self.bots)


def without_reset(env: AnyEnv) -> Any:
    """Return an environment of the same rules that does not reset itself."""
    other = copy.copy(env)
    other.autoreset = "disabled"
    return other
