"""The game behind the reference protocol: one object for each lane.

A suite names it ``python:envlift.envs.tcg_pocket.reference.host:PocketReference``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from envlift.envs.tcg_pocket.reference import fields, rulebook
from envlift.envs.tcg_pocket.reference.chance import Tape
from envlift.envs.tcg_pocket.reference.decks import DeckError, check, deck_of
from envlift.envs.tcg_pocket.reference.engine import new_game, step
from envlift.envs.tcg_pocket.reference.options import NUM_ACTIONS
from envlift.envs.tcg_pocket.reference.state import TIE, Game, Options
from envlift.envs.tcg_pocket.tables import ENERGY, Deck, Tables, decks_of
from envlift.envs.tcg_pocket.tables.variants import variant as tables_of_variant
from envlift.reference.types import Array, StateDict

PLAYERS = 2


class PocketReference:
    """One lane.

    Chance of a reset and of a step: uint32 [4]. Words 0 and 1 are the key of the tape; 2 and 3
    choose the decks of a new game, modulo how many there are.
    """

    def __init__(
        self, decks: Sequence[str] | None = None, variant: int = 0, **options: Any
    ) -> None:
        """Make the lane.

        Args:
            decks: names of built-in decks or deck lists; all twelve by default.
            variant: seed of other tables (``tables.variants``), 0 for the real game.
            options: see ``state.Options``.
        """
        self._tables = tables_of_variant(variant)
        self._decks = _decks(decks, self._tables)
        self._options = Options(**options)
        self._game: Game | None = None
        self._told: Counter[str] = Counter()

    def spec(self) -> dict[str, Any]:
        """Return what this reference is."""
        width = sum(int(np.prod(field.shape, dtype=int)) for field in fields.FIELDS)
        return {
            "name": "Pokémon TCG Pocket, plain Python from written rules",
            "observation": {"shape": [PLAYERS, width], "dtype": "int16"},
            "action": {"shape": [PLAYERS], "dtype": "int32"},
            "action_space": {
                "kind": "MultiDiscrete",
                "shape": [PLAYERS],
                "dtype": "int32",
                "nvec": NUM_ACTIONS,
                "start": 0,
            },
            "reward": {"shape": [PLAYERS], "dtype": "float32"},
            "state": {
                field.name: {"shape": list(field.shape), "dtype": field.dtype}
                for field in fields.FIELDS
            },
            "chance": {"shape": [4], "dtype": "uint32"},
            "legal_actions": True,
        }

    @property
    def game(self) -> Game:
        """The game that is played.

        Raises:
            ValueError: before the first reset.
        """
        if self._game is None:
            raise ValueError("there is no game yet; reset first")
        return self._game

    def reset(self, seed: int, chance: Array) -> Array:
        """Begin a game; the seed plays no part, all chance is in ``chance``."""
        words = [int(word) for word in chance]
        chosen = [self._decks[word % len(self._decks)] for word in words[2:]]
        given = [(d.cards, [ENERGY.index(letter) for letter in d.energy]) for d in chosen]
        self._game = new_game(given, Tape(*words[:2]), self._options, self._tables)
        return self.observation()

    def step(self, action: Array, chance: Array) -> tuple[Array, Array, bool, bool]:
        """Play from one decision to the next."""
        game = self.game
        going_on = game.winner < 0
        if going_on:
            step(game, int(action[game.decider]), Tape(int(chance[0]), int(chance[1])))
        reward = np.zeros(PLAYERS, np.float32)
        if going_on and 0 <= game.winner < TIE:
            reward[game.winner], reward[1 - game.winner] = 1, -1
        return self.observation(), reward, game.winner >= 0, False

    def observation(self) -> Array:
        """Return what both players see, int16 [2, N]."""
        return np.array([fields.observe(self.game, p) for p in range(PLAYERS)], np.int16)

    def legal_actions(self) -> Array:
        """Return both masks in a row, bool [2 * 50]."""
        return np.array([fields.mask(self.game, p) for p in range(PLAYERS)], np.bool_).reshape(-1)

    @property
    def answers(self) -> dict[str, Callable[..., dict[str, Array]]]:
        """Components beside those that stand for a rule or an effect code."""
        return {"S set-up": self.first_state, "D decks": self.judged_deck}

    def find_component(self, name: str) -> Callable[..., dict[str, Array]]:
        """Return what a component asks: all but two of them one transition from a state."""
        return self.answers.get(name, self.transition)

    def transition(self, action: Array, words: Array, **state: Array) -> dict[str, Array]:
        """Return what one step makes of a state: the fields in a row, both masks, what is seen."""
        self.set_state(state)
        observation, reward, over, _ = self.step(action, words)
        return {**self._written(observation), "reward": reward, "terminated": np.array(over)}

    def first_state(self, words: Array) -> dict[str, Array]:
        """Return a new game at its first decision."""
        return self._written(self.reset(0, words))

    def _written(self, observation: Array) -> dict[str, Array]:
        state = self.get_state()
        fields_ = [np.asarray(state[f.name], np.int32).reshape(-1) for f in fields.FIELDS]
        return {
            "state": np.concatenate(fields_),
            "observation": observation,
            "legal_actions": self.legal_actions(),
        }

    def judged_deck(self, cards: Array, energy: Array) -> dict[str, Array]:
        """Return the rule of D that a deck breaks, 0 for none.

        Args:
            cards: int32 [22], zeros last.
            energy: bool [8].
        """
        named = "".join(letter for letter, there in zip(ENERGY, energy, strict=True) if there)
        try:
            check(Deck("given", tuple(int(c) for c in cards if c), named), self._tables)
        except DeckError as error:
            broken = int(str(error).partition("rule D-")[2][0])
            return {"broken": np.asarray(broken, np.int32)}
        return {"broken": np.asarray(0, np.int32)}

    def get_state(self) -> StateDict:
        """Return the game, written out."""
        written = fields.write(self.game)
        return {f.name: np.asarray(written[f.name], f.dtype) for f in fields.FIELDS}

    def set_state(self, state: StateDict) -> None:
        """Go on from a game that was written out."""
        written = {f.name: np.asarray(state[f.name]).tolist() for f in fields.FIELDS}
        self._game = fields.read(written, self._options, self._tables)

    def coverage(self) -> dict[str, int]:
        """Return how often each rule was applied, as far as this lane has been the one to tell.

        The lanes of a process count together. What they have counted since anyone was asked goes to
        the lane that is asked first, so that the sum over the lanes is the count of the process.
        """
        for each, count in rulebook.APPLIED.items():
            self._told[each] += count
            rulebook.APPLIED[each] = 0
        return dict(self._told)


def _decks(given: Sequence[str] | None, tables: Tables) -> list[Deck]:
    if given is None:
        return list(decks_of(tables))
    if not given:
        raise ValueError("decks is empty; give at least one deck")
    return [deck_of(text, tables) for text in given]
