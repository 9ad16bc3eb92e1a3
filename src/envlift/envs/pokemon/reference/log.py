"""A battle's log in Showdown's protocol lines, for people and for Showdown's replay viewer.

A battle of ours is Showdown's draw for draw, so Showdown itself can tell it: from the seeds and
what was played.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from envlift.envs.pokemon.reference.showdown import command
from envlift.reference.client import ReferenceProcess
from envlift.reference.types import Array


def battle_log(seeds: Array, actions: Array, options: Mapping[str, Any] | None = None) -> str:
    """Return the log of one battle.

    Args:
        seeds: uint32 [4], the ``Draws.seeds`` that it began with.
        actions: int32 [T, 2], what both players played in each step; what follows its end is left
            out.
        options: ``format`` and ``teams`` of the environment, if they are not the default ones.

    Raises:
        ReferenceUnavailable: Showdown cannot be had here; says what to do.
        ValueError: for arrays of other shapes.
    """
    seeds, actions = np.asarray(seeds, np.uint32), np.asarray(actions, np.int32)
    if seeds.shape != (4,) or actions.ndim != 2 or actions.shape[1] != 2:
        raise ValueError(
            f"seeds of shape {seeds.shape} and actions of shape {actions.shape}; [4] and [T, 2] "
            "are wanted"
        )
    config = {**(options or {}), "log_lane": 0}
    with ReferenceProcess(command(), num_lanes=1, config=config) as showdown:
        showdown.reset(np.zeros(1, np.int64), seeds[None])
        for one in actions:
            played = showdown.step(one[None, None], seeds[None, None])
            if played.terminated is not None and played.terminated.any():
                return _text(showdown.call("log", {})["finished"])
        return _text(showdown.call("log", {})["log"])


def tell(draws: Any, actions: Array, options: Mapping[str, Any]) -> str:
    """Return the log of one battle, as ``envlift play pokemon --log`` shows it.

    Args:
        draws: with the ``seeds`` that it began with.
        actions: int32 [T, 2].
        options: of the environment.

    Raises:
        ReferenceUnavailable: see ``battle_log``.
    """
    teams = {} if options["teams"] is None else {"teams": options["teams"]}
    return battle_log(draws.seeds, actions, {"format": options["format"], **teams})


def _text(letters: Array) -> str:
    return bytes(letters.astype(np.uint8)).decode("utf-8")
