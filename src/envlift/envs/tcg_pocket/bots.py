"""Players that see what a player sees: functions ``(key, observation, mask) -> action`` in JAX."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.tcg_pocket.observation import PLACES
from envlift.envs.tcg_pocket.rules.ids import NUM_ACTIONS, Action, Decision
from envlift.envs.tcg_pocket.tables.variants import playing

ORDER = (
    *(range(Action.HAND, Action.ATTACH)),  # put Pokémon into play, evolve, play Trainers
    *(range(Action.ABILITY, Action.DISCARD_FOSSIL)),
    Action.ATTACH,
    Action.ATTACK + 1,
    Action.ATTACK,
    Action.END,
    Action.RETREAT,
    *(range(Action.DISCARD_FOSSIL, Action.ATTACK)),
)
"""What ``attach_and_attack`` does first in the main part."""


def _scores() -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    found = np.zeros(NUM_ACTIONS, np.float32)
    for place, action in enumerate(ORDER):
        found[int(action)] = len(ORDER) - place
    return found


def random(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    """Take any legal action."""
    return jax.random.categorical(key, jnp.where(mask, 0.0, -jnp.inf)).astype(jnp.int32)


def attach_and_attack(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    """Play what can be played, attach to the Active Pokémon, use the last attack that can be paid.

    Every other choice is made at random. Supporters and Items are played without a plan.
    """
    numbers = observation.astype(jnp.int32)
    decision = numbers[PLACES["decision"]]
    drawn = random(key, observation, mask)
    in_order = jnp.argmax(jnp.where(mask, jnp.asarray(_scores()), -1.0)).astype(jnp.int32)
    # An Active Pokémon that has its attack gets no more: the next one on the Bench does.
    energy = numbers[PLACES["own_energy_0_0"] : PLACES["own_energy_0_0"] + 8].sum()
    card = numbers[PLACES["own_card_0"]]
    enough = energy >= jnp.asarray(_dearest())[jnp.clip(card, 0, len(_dearest()) - 1)]
    bench = jnp.argmax(mask[Action.OWN + 1 : Action.OWN + 4]).astype(jnp.int32) + Action.OWN + 1
    to_bench = enough & mask[Action.OWN + 1 : Action.OWN + 4].any()
    target = jnp.where(to_bench | ~mask[Action.OWN], bench, Action.OWN)
    action = jnp.where(decision == Decision.MAIN, in_order, drawn)
    action = jnp.where(decision == Decision.ATTACH, target, action)
    return jnp.where(mask[jnp.clip(action, 0, NUM_ACTIONS - 1)], action, drawn)


def _dearest() -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Return how many Energy the dearest attack of each card costs."""
    costs = [max((len(a.cost) for a in card.attacks), default=0) for card in playing().cards]
    return np.array(costs, np.int32)


BOTS = {"random": random, "attach_and_attack": attach_and_attack}
