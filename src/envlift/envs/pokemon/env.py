"""Pokémon battles behind the contract of ``envlift.env``: two players, rules in Warp."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self, get_args

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, EnvInfo, Game, Transition
from envlift.envs.pokemon import flat, observation, structured, teams
from envlift.envs.pokemon.bots import BOTS
from envlift.envs.pokemon.hidden import redraw
from envlift.envs.pokemon.rules.gen1 import batched
from envlift.envs.pokemon.rules.gen1.parts.ids import GOING_ON, Request
from envlift.envs.pokemon.shaping import shaped, weights_of
from envlift.envs.pokemon.state import State
from envlift.targets import chance

Format = Literal["gen1randombattle", "gen1ou", "gen1customgame"]
Observation = Literal["numbers", "flat", "structured"]
NUM_ACTIONS = 10


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """The chance of a new battle; its steps draw from the seed in the state.

    Attributes:
        seeds: uint32 [4], high words first: the seed of the battle; then the seed from which the
            generator makes both teams, or, with given teams, the numbers that choose side 0's and
            side 1's (modulo how many there are).
    """

    seeds: jax.Array


class RandomRollout(NamedTuple):
    """What ``Pokemon.random_rollout`` saw.

    Attributes:
        battles: int32 [B], the battles that ended.
        turns: int32 [B], the turns that were played.
    """

    battles: jax.Array
    turns: jax.Array


class Pokemon(Game[State, None, Any]):
    """A battle of two teams, generation 1, as Pokémon Showdown plays it.

    Each player has ``Discrete(10)``: 0 to 3 use the move in that slot, 4 to 9 switch to that member
    of the team, by its place when the team was given. The mask is what Showdown's request allows;
    where it offers one entry only (a lock, sleep, recharge, Struggle) that is the slot selected
    last, and who waits has action 0. An illegal action is played as the first legal one.

    Observations are int16 [2, 224], see ``observation``; or, for networks, float32 [2, 627], see
    ``flat``, or parts with the numbers of each table together, see ``structured``. The winner gets
    1, the loser -1, in a tie and before the end both get 0, unless ``shaping`` adds to it. Every
    end is ``terminated``: that after 1,000 turns is a rule.

    Example::

        env = envlift.make("pokemon")
        obs, state = env.reset(jax.random.key(0))
        alone = envlift.against(env, "max_damage")
    """

    num_players = 2
    truncates = False
    bots = BOTS

    def __init__(
        self,
        *,
        backend: Literal["warp"] | None = None,
        format: Format = "gen1randombattle",
        teams: Sequence[Any] | None = None,
        check_teams: bool = True,
        observation: Observation = "numbers",
        shaping: Literal["metamon"] | Mapping[str, float] | None = None,
        autoreset: Autoreset = "same_step",
    ) -> None:
        """Make the environment.

        Args:
            backend: the target of the rules; ``warp`` is the only one.
            format: ``gen1randombattle`` (the generator draws both teams), ``gen1ou`` (given teams,
                Sleep Clause and Freeze Clause) or ``gen1customgame`` (given teams, no clause).
            teams: teams to choose from in each battle: Showdown's text or packed form, or a list of
                ``{"species", "level", "moves", "ivs", "evs"}`` in the numbers of the tables.
            check_teams: refuse teams that ``gen1ou`` forbids.
            observation: ``numbers``, ``flat`` or ``structured``; bots see the numbers either way.
            shaping: weights of what else is rewarded, ``{"hp", "status", "faint", "win"}``, or
                ``metamon`` for those of metamon (1, 0.5, 1 and 100), see ``shaping``. What is left
                out counts 0, ``win`` 1. None: winning alone.
            autoreset: what ``step`` does when a battle ends, see ``envlift.env.Autoreset``.

        Raises:
            ValueError: for an unknown format, observation or term of a reward, or teams that are
                missing, not wanted, or not playable; the message names what is wrong.
        """
        if backend not in ("warp", None):
            raise ValueError(f"backend={backend!r} is not known; the rules are in warp alone")
        known = get_args(Format)
        if format not in known:
            raise ValueError(f"format={format!r} is not known; choose one of {', '.join(known)}")
        if observation not in get_args(Observation):
            wanted = ", ".join(get_args(Observation))
            raise ValueError(f"observation={observation!r} is not known; choose one of {wanted}")
        drawn = format == "gen1randombattle"
        if teams is None and not drawn:
            raise ValueError(f"{format} is played with given teams: give teams=[...]")
        if teams is not None and drawn:
            raise ValueError(
                f"{format} draws its own teams; play given ones in gen1ou or gen1customgame"
            )
        weights = weights_of(shaping)
        super().__init__(
            EnvInfo(
                "pokemon",
                1,
                "warp",
                {
                    "format": format,
                    "teams": teams,
                    "check_teams": check_teams,
                    "observation": observation,
                    "shaping": shaping if shaping is None else weights,
                },
            ),
            autoreset,
        )
        self.shows = observation
        self._weights = weights
        self.clauses = format != "gen1customgame"
        self._teams = None if teams is None else _pool(teams, check_teams and format == "gen1ou")

    def __repr__(self) -> str:
        given = self.info.options["teams"]
        teams = "" if given is None else f", {len(given)} teams"
        format, backend = self.info.options["format"], self.info.backend
        return f"<envlift pokemon-v{self.info.version} [{backend}] format={format!r}{teams}>"

    @property
    def default_params(self) -> None:
        """None: a battle has no numbers that one would vary."""
        return None

    def unshaped(self) -> Self:
        """Return the same game where winning alone pays."""
        twin = copy.copy(self)
        twin._weights = None
        return twin

    def player_action_space(self, params: None = None) -> gymnasium.spaces.Discrete[Any]:
        """Four moves and six members of the team."""
        return gymnasium.spaces.Discrete(NUM_ACTIONS)

    def player_observation_space(self, params: None = None) -> gymnasium.Space[Any]:
        """What each player sees; ``observation.NAMES``, ``flat.names()``, ``structured.PARTS``."""
        if self.shows == "structured":
            return structured.space()
        if self.shows == "flat":
            return gymnasium.spaces.Box(-np.inf, np.inf, (len(flat.names()),), np.float32)
        shape = (observation.SIZE,)
        return gymnasium.spaces.Box(observation.LOW, observation.HIGH, shape, np.int16)

    def sample_initial(self, key: jax.Array, params: None = None) -> Draws:
        """Draw the seeds of a new battle."""
        return Draws(jnp.stack([chance.bits(chance.stream(key, label)) for label in range(4)]))

    def initial(self, draws: Draws, params: None = None) -> State:
        """Begin a battle."""
        if self._teams is None:
            return batched.begin_random(draws.seeds, self.clauses)
        return batched.begin(self._prepared(draws.seeds), self.clauses)

    def sample(self, key: jax.Array, state: State, action: jax.Array, params: None = None) -> None:
        """Nothing: Showdown's generator is part of the state."""
        return

    def transition(
        self, state: State, action: jax.Array, draws: None, params: None = None
    ) -> Transition:
        """Play from one request to the next; a battle that has ended stays as it is."""
        after = batched.step(state, jnp.asarray(action, jnp.int32), self.clauses)
        over = after.winner != GOING_ON
        reward = self._reward(state, after.winner, after)
        return Transition(after, reward, over, jnp.zeros_like(over))

    def observe(self, state: State, params: None = None) -> Any:
        """Return what both players see: int16 [2, 224], float32 [2, 627] or parts int16 [2, N]."""
        numbers = batched.observe(state)
        if self.shows == "numbers":
            return numbers
        return jax.vmap(flat.flat if self.shows == "flat" else structured.structured)(numbers)

    def bot_observation(self, state: State, params: None = None) -> jax.Array:
        """Return what bots see, int16 [2, 224]."""
        return batched.observe(state)

    def legal_actions(self, state: State, params: None = None) -> jax.Array:
        """Return Showdown's legal choices, bool [2, 10]."""
        bits = state.legal.astype(jnp.int32)[:, None] >> jnp.arange(NUM_ACTIONS)
        return (bits & 1) > 0

    def to_act(self, state: State, params: None = None) -> jax.Array:
        """Return whom Showdown asks for a choice, bool [2]."""
        return state.request != Request.NONE

    def redraw_hidden(
        self, key: jax.Array, state: State, player: jax.Array, params: None = None
    ) -> State:
        """Return a state that shows ``player`` the same; it need not be one that play reaches."""
        return redraw(key, state, player)

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: None = None
    ) -> tuple[Any, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step; see ``Game.step``. A new battle is made only where one has ended."""
        if self.autoreset == "disabled" or self._teams is not None:
            return super().step(key, state, action, params)
        _, reset_key = self.split_key(key)
        seeds, played = self.sample_initial(reset_key).seeds, jnp.asarray(action, jnp.int32)
        after, winner = batched.play_on(state, played, seeds, self.clauses)
        over = winner != GOING_ON
        # Played once more, but only if the end is looked at: its observation, or its HP.
        last = self.transition(state, action, None).state
        info = {
            "final_observation": self.observe(last),
            "illegal": self.illegal_actions(state, action),
        }
        reward = self._reward(state, winner, last)
        return self.observe(after), after, reward, over, jnp.zeros_like(over), info

    def random_rollout(
        self, key: jax.Array, state: State, num_steps: int, params: None = None
    ) -> tuple[State, RandomRollout]:
        """Play uniform legal actions in a batch of battles, inside one kernel, for benchmarks.

        Args:
            key: one key.
            state: a batch of states, every field [B, ...].
            num_steps: steps of every lane, at least 1, static.
            params: as everywhere.

        Returns:
            The states after the steps, with ended battles followed by new ones of random teams, and
            what happened.
        """
        words = chance.words(chance.lane_keys(key, state.turn.shape[0]))

        def play(state: State, word_0: jax.Array, word_1: jax.Array) -> Any:
            return batched.random_rollout(state, (word_0, word_1), self.clauses, num_steps)

        state, battles, turns = jax.vmap(play)(state, *words)
        return state, RandomRollout(battles, turns)

    def _reward(self, before: State, winner: jax.Array, after: State) -> jax.Array:
        """Return what a step pays both players, float32 [2].

        Args:
            before: in which they chose.
            winner: after the step.
            after: what came of it; read for shaped rewards alone.
        """
        won = _won(before, winner)
        if self._weights is None:
            return won
        return self._weights["win"] * won + shaped(self._weights, before, after)

    def _prepared(self, seeds: jax.Array) -> State:
        """Return a state with the two chosen teams in it."""
        pool = self._teams
        assert pool is not None
        count = pool["species"].shape[0]
        chosen = (seeds[2:] % jnp.uint32(count)).astype(jnp.int32)
        given = {name: jnp.asarray(array)[chosen] for name, array in pool.items()}
        return batched.with_teams(seeds[:2], **given)


def _won(before: State, winner: jax.Array) -> jax.Array:
    """Return 1 for who won and -1 for who lost by this step, float32 [2]."""
    won = (winner == jnp.arange(2)) & (before.winner == GOING_ON)
    return won.astype(jnp.float32) - won[::-1].astype(jnp.float32)


def _pool(given: Sequence[Any], check: bool) -> Mapping[str, np.ndarray[Any, Any]]:
    """Return all teams as arrays [N, 6, ...], int32."""
    if not len(given):
        raise ValueError("teams is empty; give at least one team")
    parsed = [teams.team_of(team) for team in given]
    for team in parsed if check else ():
        teams.check_ou(team)
    rows = [[dataclasses.asdict(member) for member in teams.padded(team)] for team in parsed]
    names = ("species", "level", "moves", "ivs", "evs")
    return {
        name: np.array([[member[name] for member in team] for team in rows], np.int32)
        for name in names
    }
