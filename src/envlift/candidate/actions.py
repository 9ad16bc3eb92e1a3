"""Actions as they travel (counted from 0, one flat array) and as the rules take them."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import numpy as np

from envlift.candidate.states import AnyEnv
from envlift.reference.failure import PairError
from envlift.reference.layout import Layout, LayoutError
from envlift.reference.spaces import describe
from envlift.reference.types import Array


def layout_of(space: gymnasium.Space[Any], action: bool = False) -> Layout:
    """Return how values of a space travel.

    Raises:
        PairError: for a space that cannot.
    """
    try:
        return Layout(describe(space), action=action)
    except LayoutError as error:
        raise PairError(str(error)) from None


def native(env: AnyEnv, actions: Array, layout: Layout | None = None) -> Any:
    """Return actions as the rules take them: from the start on, composite ones as a tree."""
    space = env.action_space()
    layout = layout or layout_of(space, action=True)
    discrete = isinstance(space, gymnasium.spaces.Discrete)
    start = layout.space.get("start", 0) if discrete else 0
    return jax.device_put(layout.unpack_batch(np.asarray(actions) + start))
