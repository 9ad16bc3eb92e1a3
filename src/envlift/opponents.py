"""A game as an environment of one player: the opponents play inside of the compiled program.

What the others do is chance to the one who is left, so it stands in the draws: the rules stay a
pure function. Shape letters: ``P`` players, ``A`` actions of one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp

from envlift.env import Env, EnvInfo, Game, Transition

Opponent = Callable[[jax.Array, Any, jax.Array], jax.Array]
"""``opponent(key, observation, mask) -> action``: what one player sees and may do, bool [A]; an
action int32. Traced by JAX."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """Attributes: game, the game's state; seat, int32, which player is left."""

    game: Any
    seat: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class InitialDraws:
    """The chance of a new episode. Attributes: game, the game's; seat, int32."""

    game: Any
    seat: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """The chance of a step.

    Attributes:
        game: the game's.
        others: int32 [P - 1], what the others play, in the order of their seats after one's own.
    """

    game: Any
    others: jax.Array


class Against(Env[State, Any, Any]):
    """One player's view of a game; see ``against``."""

    def __init__(
        self,
        game: Game[Any, Any, Any],
        opponent: Opponent,
        given: str | Opponent,
        seat: int | None,
    ) -> None:
        name = given if isinstance(given, str) else getattr(given, "__name__", repr(given))
        options = {**game.info.options, "opponent": name, "seat": seat}
        info = EnvInfo(game.info.name, game.info.version, game.info.backend, options)
        super().__init__(info, game.autoreset)
        self.truncates = game.truncates
        self.game = game
        self.opponent = opponent
        self.given = given
        self.seat = seat

    @property
    def default_params(self) -> Any:
        """The game's."""
        return self.game.default_params

    def observation_space(self, params: Any = None) -> gymnasium.Space[Any]:
        """The space of one player's observation."""
        return self.game.player_observation_space(params)

    def action_space(self, params: Any = None) -> gymnasium.Space[Any]:
        """The space of one player's action."""
        return self.game.player_action_space(params)

    def sample_initial(self, key: jax.Array, params: Any = None) -> InitialDraws:
        """Draw the game's chance, and the seat if it is not fixed."""
        for_game, for_seat = jax.random.split(key)
        players = self.game.num_players
        seat = jax.random.randint(for_seat, (), 0, players) if self.seat is None else self.seat
        return InitialDraws(
            self.game.sample_initial(for_game, params), jnp.asarray(seat, jnp.int32)
        )

    def initial(self, draws: InitialDraws, params: Any = None) -> State:
        """Begin the game."""
        return State(self.game.initial(draws.game, params), draws.seat)

    def sample(self, key: jax.Array, state: State, action: jax.Array, params: Any = None) -> Draws:
        """Let the opponents choose, then draw the game's chance."""
        for_game, for_others = jax.random.split(key)
        seats = self._other_seats(state)
        see = self.game.bot_observation if isinstance(self.given, str) else self.game.observe
        seen = jax.tree.map(lambda leaf: leaf[seats], see(state.game, params))
        masks = self.game.legal_actions(state.game, params)[seats]
        keys = jax.random.split(for_others, len(seats))
        others = jax.vmap(self.opponent)(keys, seen, masks).astype(jnp.int32)
        joint = self._joint(state, action, others)
        return Draws(self.game.sample(for_game, state.game, joint, params), others)

    def transition(
        self, state: State, action: jax.Array, draws: Draws, params: Any = None
    ) -> Transition:
        """Play one step of the game."""
        joint = self._joint(state, action, draws.others)
        nxt = self.game.transition(state.game, joint, draws.game, params)
        return nxt._replace(state=State(nxt.state, state.seat), reward=nxt.reward[state.seat])

    def observe(self, state: State, params: Any = None) -> Any:
        """Return what the seat's player sees."""
        seen = self.game.observe(state.game, params)
        return jax.tree.map(lambda leaf: leaf[state.seat], seen)

    def legal_actions(self, state: State, params: Any = None) -> jax.Array:
        """Return the mask of the seat's player, bool [A]."""
        return self.game.legal_actions(state.game, params)[state.seat]

    def joint(self, key: jax.Array, state: State, action: jax.Array) -> jax.Array:
        """Return what everybody plays in the step of this key, int32 [P]."""
        step_key, _ = self.split_key(key)
        return self._joint(state, action, self.sample(step_key, state, action).others)

    def score(self, reward: jax.Array, params: Any = None) -> jax.Array:
        """Return the game's score of a reward."""
        return self.game.score(reward, params)

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: Any = None
    ) -> tuple[Any, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step; ``info["illegal"]`` is a bool here."""
        obs, after, reward, terminated, truncated, info = super().step(key, state, action, params)
        joint = jnp.full(self.game.num_players, jnp.asarray(action, jnp.int32))
        info["illegal"] = self.game.illegal_actions(state.game, joint, params)[state.seat]
        return obs, after, reward, terminated, truncated, info

    def _other_seats(self, state: State) -> jax.Array:
        players = self.game.num_players
        return (state.seat + jnp.arange(1, players)) % players

    def _joint(self, state: State, action: jax.Array, others: jax.Array) -> jax.Array:
        joint = jnp.full(self.game.num_players, jnp.asarray(action, jnp.int32))
        return joint.at[self._other_seats(state)].set(others)


def against(
    env: Env[Any, Any, Any], opponent: str | Opponent, *, seat: int | None = None
) -> Against:
    """Return a game as an environment of one player.

    Args:
        env: of more than one player.
        opponent: who plays all other seats: the name of one of the game's own ``bots``, or a
            function ``(key, observation, mask) -> action``, such as ``policy.opponent()`` of a
            checkpoint.
        seat: the seat of the player that is left; None draws one for each episode.

    Raises:
        TypeError: if ``env`` has one player only.
        ValueError: for an unknown bot, or a seat that the game does not have.
    """
    if env.num_players < 2:
        raise TypeError(f"{env!r} has one player: there is no opponent to play against")
    game: Any = env
    if seat is not None and not 0 <= seat < game.num_players:
        raise ValueError(
            f"seat={seat} is out of range: choose 0 to {game.num_players - 1}, or None"
        )
    if isinstance(opponent, str):
        bots = dict(getattr(game, "bots", {}))
        if opponent not in bots:
            known = ", ".join(sorted(bots)) or "none"
            raise ValueError(f"{game.info.name} has no bot {opponent!r}; known: {known}")
        return Against(game, bots[opponent], opponent, seat)
    return Against(game, opponent, opponent, seat)
