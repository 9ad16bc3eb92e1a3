"""Generation 1 against Pokémon Showdown, draw for draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from envlift.envs.pokemon.observation import NAMES
from envlift.envs.pokemon.reference.showdown import prepare
from envlift.envs.pokemon.state import FIELDS
from envlift.envs.pokemon.verification import states
from envlift.envs.pokemon.verification.components import COMPONENTS
from envlift.envs.pokemon.verification.features import FEATURES, PLACES
from envlift.envs.pokemon.verification.policies import POLICIES
from envlift.envs.pokemon.verification.scenarios import SCENARIOS
from envlift.envs.pokemon.verification.teams import mixed
from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Config, Field, Suite, Transfer

HERE = Path(__file__).parent
NUM_TEAMS = 400


def draw_chance(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw the seeds of a new battle, uint32 [*shape, 4], as the environment draws them."""
    return rng.integers(0, 2**32, (*shape, 4), dtype=np.uint32)


def outcome(chance: Array) -> Array:
    """What of the chance matters: low bits of the seed of the teams."""
    return np.asarray(chance[..., 2] % 16)


TEAMS = mixed(seed=1, count=NUM_TEAMS)


def random_states(rng: np.random.Generator, n: int, config: Config) -> StateDict:
    """Draw states that play rarely reaches, of given teams."""
    return states.random_states(rng, n, TEAMS)


def config(format: str, teams: bool) -> Config:
    """Return the configuration of a format."""
    options = {"format": format, **({"teams": TEAMS} if teams else {})}
    # Moves that no Pokémon learns together are what makes rules meet.
    candidate = {**options, "check_teams": False}
    theirs = {**options, "observation": "players", "draw_sites": True}
    return Config(format, theirs, candidate, effort={"min_steps": 1_000})


TRANSFER = Transfer(
    margin=0.04,
    reason="0.02 of a win rate; a battle pays 1 to the winner and -1 to the loser",
    config="gen1randombattle",
    # By self-play; what is learnt wins at least three of four battles against random play.
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
    name="pokemon",
    reference="process:python -m envlift.envs.pokemon.reference",
    candidate="pokemon",
    state=tuple(Field(field.name) for field in FIELDS),
    observation=Field("observation", labels=tuple(f"{s}.{n}" for s in (0, 1) for n in NAMES)),
    start="chance",
    draw_chance=draw_chance,
    chance_outcome=outcome,
    configs=(
        config("gen1randombattle", teams=False),
        config("gen1ou", teams=True),
        config("gen1customgame", teams=True),
    ),
    policies=POLICIES,
    components=COMPONENTS,
    scenarios=SCENARIOS,
    features=FEATURES,
    places=PLACES,
    random_states=random_states,
    prepare=prepare,
    transfer=TRANSFER,
    not_verified=(
        "Showdown's checks of teams: given ones are played as they are",
        "its protocol log, chat, timers and forfeits",
        "observation='flat' and 'structured', which are made of the numbers that are compared, and "
        "shaped rewards, of which Showdown has none: tests hold them against numbers and states",
        "actions that are not legal: both sides play the first legal one, and only legal ones are "
        "compared",
    ),
)
