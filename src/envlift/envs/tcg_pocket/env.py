"""Pokémon TCG Pocket behind the contract of ``envlift.env``: two players, rules in Warp."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, EnvInfo, Game, Transition
from envlift.envs.tcg_pocket import observation
from envlift.envs.tcg_pocket.bots import BOTS
from envlift.envs.tcg_pocket.decks import pool
from envlift.envs.tcg_pocket.hidden import redraw
from envlift.envs.tcg_pocket.rules import batched
from envlift.envs.tcg_pocket.rules.ids import GOING_ON, NUM_ACTIONS
from envlift.envs.tcg_pocket.state import State
from envlift.envs.tcg_pocket.tables.variants import choose
from envlift.targets import chance

Opening = Literal["redraw", "basic_first", "swap"]
RetreatEnergy = Literal["choose", "random"]
ZoneTrigger = Literal["any", "z4_only"]
MOST_TURNS = 900


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """The chance of a new game or of a step.

    Attributes:
        words: uint32 [4]. The first two are the key of a tape from which all draws of the step are
            read, in the order of rules F. Of a new game the last two choose the decks of player 0
            and 1, modulo how many there are.
    """

    words: jax.Array


class RandomRollout(NamedTuple):
    """What ``TcgPocket.random_rollout`` saw.

    Attributes:
        games: int32 [B], the games that ended.
        turns: int32 [B], the turns that were played.
    """

    games: jax.Array
    turns: jax.Array


class TcgPocket(Game[State, None, Draws]):
    """A game of two decks of sets A1 and P-A, by the numbered rules of ``docs/tcg-pocket.md``.

    Each player has ``Discrete(50)``, with one meaning per index (``rules.ids.Action``); one player
    decides at a time, the other has action 0. An illegal action is played as the lowest legal one.

    Observations are int16 [2, 387], see ``observation``. The winner gets 1, the loser -1, in a tie
    and before the end both get 0. Every end is ``terminated``: that after turn 30 is a rule.

    Example::

        env = envlift.make("tcg_pocket", decks=["Pikachu ex", "Mewtwo ex"])
        obs, state = env.reset(jax.random.key(0))
        alone = envlift.against(env, "attach_and_attack")
    """

    num_players = 2
    truncates = False
    bots = BOTS

    def __init__(
        self,
        *,
        backend: Literal["warp"] | None = None,
        decks: Sequence[str] | None = None,
        variant: int = 0,
        max_turns: int = 30,
        opening: Opening = "redraw",
        retreat_energy: RetreatEnergy = "choose",
        zone_trigger: ZoneTrigger = "any",
        open_decklists: bool = False,
        autoreset: Autoreset = "same_step",
    ) -> None:
        """Make the environment.

        Args:
            backend: the target of the rules; ``warp`` is the only one.
            decks: decks to draw from, for each player in each game: names of built-in ones, or
                lists (``decks.deck_of``); by default the twelve built-in ones.
            variant: seed of other cards and numbers (``tables.variants``), 0 for the real game. A
                process plays one: ``envlift.make`` sets it if it comes first.
            max_turns: turns of both players until a tie (T-11), 1 to 900.
            opening: how the first hand gets its Basic Pokémon (S-3).
            retreat_energy: who picks the Energy that a retreat costs (R-4).
            zone_trigger: whether Energy of effects counts as attached from the zone (X-28).
            open_decklists: whether players see what the other's deck was made of (I-5).
            autoreset: what ``step`` does when a game ends, see ``envlift.env.Autoreset``.

        Raises:
            ValueError: for an unknown choice, a deck that breaks a rule, which is named, or a
                variant where the process plays another.
        """
        if backend not in ("warp", None):
            raise ValueError(f"backend={backend!r} is not known; the rules are in warp alone")
        if not 1 <= max_turns <= MOST_TURNS:
            raise ValueError(f"max_turns={max_turns} is out of range: it must be 1 to {MOST_TURNS}")
        for name, value, choices in (
            ("opening", opening, get_args(Opening)),
            ("retreat_energy", retreat_energy, get_args(RetreatEnergy)),
            ("zone_trigger", zone_trigger, get_args(ZoneTrigger)),
        ):
            if value not in choices:
                raise ValueError(f"{name}={value!r} is not known; choose one of {choices}")
        choose(variant)
        given = {
            "decks": decks,
            "variant": variant,
            "max_turns": max_turns,
            "opening": opening,
            "retreat_energy": retreat_energy,
            "zone_trigger": zone_trigger,
            "open_decklists": open_decklists,
        }
        super().__init__(EnvInfo("tcg_pocket", 1, "warp", given), autoreset)
        self._cards, self._types = pool(decks)
        self._open = open_decklists
        self._options = np.array(
            [
                max_turns,
                get_args(Opening).index(opening),
                retreat_energy == "random",
                zone_trigger == "any",
            ],
            np.int32,
        )

    @property
    def default_params(self) -> None:
        """None: a game has no numbers that one would vary."""
        return None

    def player_action_space(self, params: None = None) -> gymnasium.spaces.Discrete[Any]:
        """What to do, then to whom: see ``rules.ids.Action``."""
        return gymnasium.spaces.Discrete(NUM_ACTIONS)

    def player_observation_space(self, params: None = None) -> gymnasium.Space[Any]:
        """Whole numbers; ``observation.NAMES`` says what they are."""
        shape = (observation.SIZE,)
        return gymnasium.spaces.Box(observation.LOW, observation.HIGH, shape, np.int16)

    def sample_initial(self, key: jax.Array, params: None = None) -> Draws:
        """Draw the tape and the decks of a new game."""
        return Draws(_words(key))

    def initial(self, draws: Draws, params: None = None) -> State:
        """Begin a game, up to the first decision."""
        return batched.begin(*self._chosen(draws), draws.words[:2], self._options)

    def sample(self, key: jax.Array, state: State, action: jax.Array, params: None = None) -> Draws:
        """Draw the tape of a step."""
        return Draws(_words(key))

    def transition(
        self, state: State, action: jax.Array, draws: Draws, params: None = None
    ) -> Transition:
        """Play from one decision to the next; a game that is over stays as it is."""
        played = jnp.asarray(action, jnp.int32)
        after, winner = batched.step(state, played, draws.words[:2], self._options)
        over = after.winner != GOING_ON
        return Transition(after, _reward(winner), over, jnp.zeros_like(over))

    def observe(self, state: State, params: None = None) -> jax.Array:
        """Return what both players see, int16 [2, 387]."""
        return batched.observe(state, self._open)

    def legal_actions(self, state: State, params: None = None) -> jax.Array:
        """Return the masks, bool [2, 50]."""
        return batched.legal_actions(state)

    def to_act(self, state: State, params: None = None) -> jax.Array:
        """Return who decides, bool [2]."""
        return state.decider == jnp.arange(2)

    def redraw_hidden(
        self, key: jax.Array, state: State, player: jax.Array, params: None = None
    ) -> State:
        """Return a state that shows ``player`` the same; it need not be one that play reaches."""
        return redraw(key, state, player, self._open)

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: None = None
    ) -> tuple[jax.Array, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step; see ``Game.step``. A new game is begun only where one has ended."""
        if self.autoreset == "disabled":
            return super().step(key, state, action, params)
        step_key, reset_key = self.split_key(key)
        draws, fresh = self.sample(step_key, state, action), self.sample_initial(reset_key)
        words = jnp.concatenate([draws.words[:2], fresh.words[:2]])
        played = jnp.asarray(action, jnp.int32)
        after, winner = batched.play_on(state, played, words, self._chosen(fresh), self._options)
        over = winner != GOING_ON
        won_now = jnp.where(state.winner == GOING_ON, winner, GOING_ON)
        # Played once more, but only if the end is looked at.
        last = self.transition(state, action, draws).state
        info = {
            "final_observation": self.observe(last),
            "illegal": self.illegal_actions(state, action),
        }
        return self.observe(after), after, _reward(won_now), over, jnp.zeros_like(over), info

    def random_rollout(
        self, key: jax.Array, state: State, num_steps: int, params: None = None
    ) -> tuple[State, RandomRollout]:
        """Take uniform legal actions in a batch of games, inside one kernel, for benchmarks.

        Args:
            key: one key.
            state: a batch of states, every field [B, ...].
            num_steps: decisions of every lane, at least 1, static; beginning a game is one.
            params: as everywhere.

        Returns:
            The states after the steps, with games that ended followed by others of the same decks,
            and what happened.
        """
        words = chance.words(chance.lane_keys(key, state.turn.shape[0]))

        def play(state: State, word_0: jax.Array, word_1: jax.Array) -> Any:
            return batched.random_rollout(state, (word_0, word_1), self._options, num_steps)

        state, games, turns = jax.vmap(play)(state, *words)
        return state, RandomRollout(games, turns)

    def _chosen(self, draws: Draws) -> tuple[jax.Array, jax.Array]:
        """Return both decks of a new game: cards uint16 [2, 20], types of Energy bool [2, 8]."""
        chosen = (draws.words[2:] % jnp.uint32(len(self._cards))).astype(jnp.int32)
        return jnp.asarray(self._cards)[chosen], jnp.asarray(self._types)[chosen]


def _reward(winner: jax.Array) -> jax.Array:
    """Return 1 for who won and -1 for who lost by this step, float32 [2]."""
    won = (winner == jnp.arange(2)).astype(jnp.float32)
    return won - won[::-1]


def _words(key: jax.Array) -> jax.Array:
    return jnp.stack([chance.bits(chance.stream(key, label)) for label in range(4)])
