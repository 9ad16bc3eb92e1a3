"""The Warp rules against the plain Python ones, draw for draw; both read the same tables."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from envlift.envs.tcg_pocket.observation import NAMES
from envlift.envs.tcg_pocket.state import FIELDS
from envlift.envs.tcg_pocket.verification import states
from envlift.envs.tcg_pocket.verification.components import COMPONENTS
from envlift.envs.tcg_pocket.verification.features import FEATURES, PLACES
from envlift.envs.tcg_pocket.verification.policies import POLICIES
from envlift.envs.tcg_pocket.verification.pool import pool
from envlift.envs.tcg_pocket.verification.scenarios import SCENARIOS
from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Config, Field, Suite, Transfer

SEED = 1
MAX_TURNS = 30
EFFORT = {"min_steps": 1_000}
"""In each of four configurations 64,000 decisions by each of three players."""


def draw_chance(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw tapes and decks, uint32 [*shape, 4]."""
    return rng.integers(0, 2**32, (*shape, 4), dtype=np.uint32)


def outcome(chance: Array) -> Array:
    """What of the chance matters: which decks are drawn, and the first bits of the tape."""
    return np.asarray(chance[..., 0] % 16)


def random_states(rng: np.random.Generator, n: int, config: Config) -> StateDict:
    """Draw boards that play rarely reaches."""
    given = config.reference
    return states.random_states(
        rng, n, int(given.get("max_turns", MAX_TURNS)), int(given.get("variant", 0))
    )


def config(name: str, **options: Any) -> Config:
    """Return a configuration: both sides have the same options."""
    return Config(name, options, options, effort=EFFORT)


TRANSFER = Transfer(
    margin=0.1,
    reason="0.05 of a win rate; a game pays 1 to the winner and -1 to the loser",
    config="built-in decks",
    # By self-play; what is learnt wins at least three of four games against random play.
    training={
        "total_steps": 61_440,
        "num_envs": 64,
        "horizon": 32,
        "epochs": 3,
        "minibatches": 8,
        "hidden": 64,
        "learning_rate": 1e-3,
        "gamma": 0.99,
        "normalize_observations": True,
    },
    learnt=0.5,
    seeds=5,
    max_steps=2_000,
)

SUITE = Suite(
    name="tcg_pocket",
    reference="python:envlift.envs.tcg_pocket.reference.host:PocketReference",
    candidate="tcg_pocket",
    state=tuple(Field(field.name) for field in FIELDS),
    observation=Field("observation", labels=tuple(f"{p}.{n}" for p in (0, 1) for n in NAMES)),
    start="chance",
    draw_chance=draw_chance,
    chance_outcome=outcome,
    configs=(
        config("built-in decks"),
        config("every card", decks=pool(SEED)),
        config(
            "every card, other options",
            decks=pool(SEED + 1),
            max_turns=24,
            opening="swap",
            retreat_energy="random",
            zone_trigger="z4_only",
            open_decklists=True,
        ),
        config("every card, a Basic first", decks=pool(SEED + 2), opening="basic_first"),
    ),
    policies=POLICIES,
    components=COMPONENTS,
    features=FEATURES,
    places=PLACES,
    scenarios=SCENARIOS,
    random_states=random_states,
    transfer=TRANSFER,
    not_verified=(
        "whether the written rules are those of the app: they rest on public guides, with their "
        "conflicts ruled (rules.md, section Q)",
        "cards of sets other than A1 and P-A",
        "clocks (T-12)",
    ),
)


def variant_suite(seed: int) -> Suite:
    """Return the suite of a variant: decks of all its cards, and its built-in ones.

    Scenarios and features are those of the real game's cards, so that the rules' own counters and
    the fields alone are compared here.
    """
    name = f"variant {seed}"
    return dataclasses.replace(
        SUITE,
        name=f"tcg_pocket_variant_{seed}",
        configs=(config(name, variant=seed, decks=pool(SEED, seed)),),
        features=tuple(f for f in FEATURES if not f.configs),
        places=(),
        scenarios=(),
        components=(),
        transfer=None,
    )
