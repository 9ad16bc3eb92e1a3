"""Battles of ours, told by Showdown."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from envlift.envs.pokemon.env import Draws, Pokemon
from envlift.envs.pokemon.reference.log import battle_log


def test_a_battle_of_ours_is_told_to_its_end(packages: None) -> None:
    game = Pokemon(autoreset="disabled")
    seeds = np.array([1, 2, 3, 4], np.uint32)
    state = jax.jit(game.initial)(Draws(seeds))
    step, rng, actions = jax.jit(game.transition), np.random.default_rng(0), []
    while int(state.winner) < 0:
        masks = np.asarray(game.legal_actions(state))
        actions.append((rng.random(masks.shape) * masks).argmax(-1))
        state = step(state, actions[-1], None).state
    log = battle_log(seeds, np.array(actions))
    lines = log.splitlines()
    winner = int(state.winner)
    assert lines[-1] == ("|tie" if winner == 2 else f"|win|{('Red', 'Blue')[winner]}")
    assert sum(line.startswith("|turn|") for line in lines) == int(state.turn)
    faints = sum(line.startswith("|faint|") for line in lines)
    assert faints == int((np.asarray(state.hp) == 0).sum())
    cut = battle_log(seeds, np.array(actions)[:10])
    assert log.startswith(cut.rstrip("\n"))
    assert "|win|" not in cut


def test_wrong_shapes() -> None:
    with pytest.raises(ValueError, match=r"actions of shape \(3,\); \[4\] and \[T, 2\]"):
        battle_log(np.zeros(4), np.zeros(3))
