"""Matches: whole games between two contenders, each seed from every seat, in one program.

Shape letters: ``N`` seeds, ``P`` players, ``Q`` = N * P games, ``A`` actions.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from envlift.env import Game
from envlift.targets import chance
from envlift.train.learning.fused import NOISE
from envlift.train.policies.distributions import Head
from envlift.train.policies.networks import Network
from envlift.train.policies.policy import apply_once

AnyGame = Game[Any, Any, Any]
MAX_STEPS = 5_000
"""Steps after which a game counts as a tie; games are expected to end before."""


class Results(NamedTuple):
    """What a match gave.

    Attributes:
        score: float32 [N, P], of the first contender in the seat of the second axis: 1 for more
            return of ``Game.unshaped`` than the others had on average, 0.5 for as much, 0 for less.
        length: int32 [N, P], steps of the games.
        finished: bool [N, P]; where not, the game was stopped and counts as a tie.
    """

    score: jax.Array
    length: jax.Array
    finished: jax.Array


@dataclass(frozen=True)
class Contender:
    """Who plays: functions of many games at once, traced by JAX.

    Attributes:
        observe: what it sees of one state, leaves [P, ...].
        start: ``start(count)``, its memory at the beginning.
        act: ``act(params, memory, observation, starts, mask, keys) -> memory, action``: keys
            [count], starts bool [count], mask bool [count, A], action int32 [count].
    """

    observe: Callable[[Any], Any]
    start: Callable[[int], Any]
    act: Callable[..., tuple[Any, jax.Array]]


def bots(game: AnyGame) -> Contender:
    """Return a game's own bots as one contender, so that all of them share a compiled program.

    Its params are the int32 of ``bot_number``.
    """
    each = [jax.vmap(function) for _, function in sorted(_bots(game).items())]

    def act(params: Any, memory: Any, seen: Any, starts: Any, mask: Any, keys: Any) -> Any:
        return memory, jax.lax.switch(params, each, keys, seen, mask).astype(jnp.int32)

    return Contender(game.bot_observation, lambda count: (), act)


def bot_number(game: AnyGame, name: str) -> jax.Array:
    """Return which of ``bots`` has a name, int32.

    Raises:
        ValueError: for an unknown one; the message lists the known ones.
    """
    known = bot_names(game)
    if name not in known:
        raise ValueError(
            f"{game.info.name} has no bot {name!r}; known: {', '.join(known) or 'none'}"
        )
    return jnp.int32(known.index(name))


def bot_names(game: AnyGame) -> list[str]:
    """Return the names of a game's own bots in alphabetical order."""
    return sorted(_bots(game))


def _bots(game: AnyGame) -> dict[str, Callable[..., jax.Array]]:
    return dict(getattr(game, "bots", {}))


def learnt(game: AnyGame, network: Network, head: Head, greedy: bool = False) -> Contender:
    """Return a network as a contender; its params are the network's.

    Args:
        game: as the network sees it.
        network: of a policy.
        head: of the same.
        greedy: take the most probable action.
    """

    def act(params: Any, memory: Any, seen: Any, starts: Any, mask: Any, keys: Any) -> Any:
        memory, distribution, _ = apply_once(network, params, memory, seen, starts, mask)
        noise = chance.unit(chance.bits(chance.stream(keys, NOISE)))[:, None]
        return memory, distribution.mode() if greedy else distribution.sample(noise)

    return Contender(game.observe, network.start, act)


def match(
    game: AnyGame, first: Contender, second: Contender, seeds: int
) -> Callable[[tuple[Any, Any], jax.Array], Results]:
    """Return a function, to be compiled, that plays one contender against another.

    Every seed is played ``P`` times, with equal chance: the first contender has another seat each
    time, the second all others. Equal keys give equal chance whoever plays.

    Args:
        game: made with ``autoreset="disabled"``.
        first: one contender.
        second: the other.
        seeds: ``N``.

    Returns:
        ``play(params, key) -> Results``, with the params of both.
    """
    # A shaped reward may pay the loser more than the winner.
    game = game.unshaped()
    players = game.num_players
    count = seeds * players
    seat = jnp.tile(jnp.arange(players), seeds)
    others = (seat[:, None] + jnp.arange(1, players)) % players
    rows = jnp.arange(count)

    def turn(params: Any, memories: Any, state: Any, keys: Any, starts: Any) -> Any:
        """Let both choose; return their memories, and joint actions [Q, P]."""
        mask = jax.vmap(game.legal_actions)(state)
        each = jnp.stack([chance.stream(keys, NOISE + 1 + p) for p in range(players)], axis=1)
        one_seen = jax.tree.map(lambda leaf: leaf[rows, seat], jax.vmap(first.observe)(state))
        one, action = first.act(
            params[0], memories[0], one_seen, starts, mask[rows, seat], each[rows, seat]
        )

        def rest(leaf: jax.Array) -> jax.Array:
            taken = leaf[rows[:, None], others]
            return taken.reshape(-1, *taken.shape[2:])

        many_seen = jax.tree.map(rest, jax.vmap(second.observe)(state))
        many, their = second.act(
            params[1],
            memories[1],
            many_seen,
            jnp.repeat(starts, players - 1),
            rest(mask),
            rest(each),
        )
        joint = jnp.zeros((count, players), jnp.int32).at[rows, seat].set(action)
        joint = joint.at[rows[:, None], others].set(their.reshape(count, players - 1))
        return (one, many), joint

    def play(params: tuple[Any, Any], key: jax.Array) -> Results:
        begin, lanes = jax.random.split(key)
        keys = jnp.repeat(jax.random.split(begin, seeds), players)
        lanes = jnp.repeat(chance.lane_keys(lanes, seeds), players)
        _, state = jax.vmap(game.reset)(keys)
        memories = (first.start(count), second.start(count * (players - 1)))
        over, length = jnp.zeros(count, bool), jnp.zeros(count, jnp.int32)
        returned = jnp.zeros((count, players), jnp.float32)

        def step(carry: Any) -> Any:
            t, state, memories, over, returned, length = carry
            keys = chance.at_step(lanes, t)
            starts = jnp.full(count, t == 0)
            memories, joint = turn(params, memories, state, keys, starts)
            _, after, reward, terminated, truncated, _ = jax.vmap(game.step)(keys, state, joint)
            # What has ended stays as it was.
            state = jax.tree.map(partial_where(over), state, after)
            returned = returned + jnp.where(over[:, None], 0.0, reward)
            length = length + ~over
            return t + 1, state, memories, over | terminated | truncated, returned, length

        def goes_on(carry: Any) -> jax.Array:
            return (carry[0] < MAX_STEPS) & ~carry[3].all()

        carry = (jnp.int32(0), state, memories, over, returned, length)
        _, _, _, over, returned, length = jax.lax.while_loop(goes_on, step, carry)
        mine = returned[rows, seat]
        ahead = jnp.sign(mine - (returned.sum(axis=1) - mine) / (players - 1))
        score = jnp.where(over, 0.5 + 0.5 * ahead, 0.5)
        return Results(*(leaf.reshape(seeds, players) for leaf in (score, length, over)))

    return play


def partial_where(over: jax.Array) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Return ``(old, new) -> leaf``: old where ``over`` [Q], for leaves [Q, ...]."""

    def pick(old: jax.Array, new: jax.Array) -> jax.Array:
        return jnp.where(over.reshape(-1, *[1] * (old.ndim - 1)), old, new)

    return pick
