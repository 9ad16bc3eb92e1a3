"""PettingZoo's own checks, and what they leave out."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils import parallel_to_aec

from envlift.adapters.pettingzoo import PettingZooEnv
from tests.contract.duel import Duel
from tests.contract.toy import Toy


@pytest.fixture(scope="module")
def env() -> PettingZooEnv:
    return PettingZooEnv(Duel(autoreset="disabled"))


ADVICE = (
    "Observation space for each agent probably should be",
    "Observation is not a NumPy array",
    "Observations between agents are different classes",
    "Observation numpy array is all zeros",
    "Environment has not defined a render",
)
"""What it says of any environment with masks beside observations, or without pictures."""


def test_pettingzoo_finds_nothing(env: PettingZooEnv) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        parallel_api_test(env, num_cycles=100)
        parallel_seed_test(lambda: PettingZooEnv(Duel(autoreset="disabled")), num_cycles=100)
        api_test(parallel_to_aec(env), num_cycles=100)
    wrong = [str(one.message) for one in told if not str(one.message).startswith(ADVICE)]
    assert not wrong


def play(env: PettingZooEnv, seed: int | None) -> list[object]:
    observations, infos = env.reset(seed=seed)
    seen: list[object] = [observations, infos]
    while env.agents:
        actions = {a: int(np.flatnonzero(o["action_mask"])[-1]) for a, o in observations.items()}
        observations, *rest = env.step(actions)
        seen += [observations, *rest]
    return seen


def test_seeds_repeat_whole_episodes(env: PettingZooEnv) -> None:
    """PettingZoo's own test of seeds stops after one step."""
    one, other, third = (str(play(env, seed)) for seed in (1, 1, 2))
    assert one == other != third
    env.reset(seed=1)
    assert str(play(env, None)) != str(play(env, None))


def test_it_plays_the_game(env: PettingZooEnv) -> None:
    game = env.env
    observations, infos = env.reset(seed=3)
    for _ in range(3):
        state = env._state
        seen, masks = np.asarray(game.observe(state)), np.asarray(game.legal_actions(state))
        to_act = np.asarray(game.to_act(state))
        for k, agent in enumerate(env.possible_agents):
            np.testing.assert_array_equal(observations[agent]["observation"], seen[k])
            np.testing.assert_array_equal(observations[agent]["action_mask"], masks[k])
            assert observations[agent]["action_mask"].dtype == np.int8
            assert infos[agent]["to_act"] == to_act[k]
        observations, rewards, *_, infos = env.step(dict.fromkeys(env.agents, 2))
        illegal = [not masks[k, 2] for k in range(2)]
        assert [infos[a]["illegal"] for a in env.possible_agents] == illegal
        assert set(rewards) == set(env.possible_agents)
        if not env.agents:
            break
    while env.agents:
        env.step(dict.fromkeys(env.agents, 0))
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_errors(env: PettingZooEnv) -> None:
    env.reset(seed=0)
    with pytest.raises(ValueError, match="there is no action of player_1; everybody acts"):
        env.step({"player_0": 0})
    with pytest.raises(ValueError, match="action 9 of environment 1 is not in Discrete"):
        env.step({"player_0": 0, "player_1": 9})
    with pytest.raises(TypeError, match="has one player"):
        PettingZooEnv(Toy(autoreset="disabled"))
    with pytest.raises(ValueError, match="autoreset='same_step'"):
        PettingZooEnv(Duel())
    with pytest.raises(ValueError, match="no render_mode='human'"):
        PettingZooEnv(Duel(autoreset="disabled"), render_mode="human")
