"""Level 4 of games: who has which seat, what is counted, and every seat as an environment."""

from __future__ import annotations

import numpy as np
import pytest

from envlift.adapters.reference import ReferenceVectorEnv, SeatsVectorEnv
from envlift.candidate.env_side import EnvSide
from envlift.verify.levels.transfer.evaluate import Seats, Tape, play
from envlift.verify.suite import Suite
from tests.contract.duel import Duel
from tests.contract.toy import Toy

LANES = 6
SUITE = Suite("duel", "r", "c", start="seed")


class Strongest:
    """Pulls as hard as it may, and keeps what it saw."""

    noise_size = 1

    def __init__(self):
        self.seen, self.masks, self.chosen = [], [], []

    def start(self, count):
        return None

    def act(self, memory, observation, starts, noise, mask, greedy):
        assert observation.shape == (LANES, 3)
        assert mask.shape == (LANES, 3)
        chosen = 2 - mask[:, ::-1].argmax(axis=1)
        self.seen.append(observation)
        self.masks.append(mask)
        self.chosen.append(chosen)
        return memory, chosen


class Watched(EnvSide):
    """Keeps the actions and records of all players."""

    def __init__(self, env, lanes):
        super().__init__(env, lanes)
        self.actions, self.records = [], []

    def reset(self, seeds, chance=None):
        self.records.append(super().reset(seeds, chance))
        return self.records[-1]

    def step(self, actions, chance=None, reset_seeds=None):
        self.actions.append(actions[0])
        self.records.append(super().step(actions, chance, reset_seeds))
        return self.records[-1]


def game(lanes=LANES):
    return Watched(Duel(horizon=9, autoreset="disabled"), lanes)


def test_a_policy_plays_one_seat_and_earns_what_that_seat_earns() -> None:
    side, policy = game(), Strongest()
    found = play(side, policy, Tape(SUITE, LANES, 1, 3), max_steps=50, masked=True)
    seat, lanes = np.arange(LANES) % 2, np.arange(LANES)
    assert found.ended.all()
    observed = [side.records[0].observation, *(r.observation[0] for r in side.records[1:])]
    legal = [side.records[0].legal_actions, *(r.legal_actions[0] for r in side.records[1:])]
    for t, joint in enumerate(side.actions):
        masks = legal[t].reshape(LANES, 2, 3)
        np.testing.assert_array_equal(policy.seen[t], observed[t][lanes, seat])
        np.testing.assert_array_equal(policy.masks[t], masks[lanes, seat])
        np.testing.assert_array_equal(joint[lanes, seat], policy.chosen[t])
        assert masks[lanes[:, None], [[0, 1]], joint].all(), "the other played what is not legal"
    others = np.array([joint[lanes, 1 - seat] for joint in side.actions])
    assert set(np.unique(others)) == {0, 1, 2}
    returned, over = np.zeros(LANES), np.zeros(LANES, bool)
    for record in side.records[1:]:
        returned += np.where(over, 0, record.reward[0][lanes, seat])
        over |= record.terminated[0] | record.truncated[0]
    np.testing.assert_array_equal(found.returned, returned)
    assert (returned != 0).any()
    assert (side.records[1].reward[0] == -side.records[1].reward[0][:, ::-1]).all()


def test_who_else_plays_is_uniform_among_what_is_legal() -> None:
    seats = Seats(game(2))
    mask = np.array([[[1, 0, 1], [1, 1, 0]], [[0, 0, 1], [1, 1, 1]]], bool)
    noise = np.array([[0.0, 0.99], [0.5, 0.34]])
    joint = seats.joint(np.array([2, 0]), mask, noise)
    # The policy is player 0 in the first game and player 1 in the second.
    np.testing.assert_array_equal(joint, [[2, 1], [2, 0]])
    joint = seats.joint(np.array([0, 0]), mask, np.array([[0.9, 0.49], [0.0, 0.0]]))
    np.testing.assert_array_equal(joint, [[0, 0], [2, 0]])
    everything = seats.joint(np.array([0, 0]), None, np.array([[0.0, 0.7], [0.4, 0.0]]))
    np.testing.assert_array_equal(everything, [[0, 2], [1, 0]])


def test_every_seat_is_an_environment() -> None:
    side = game(3)
    env = SeatsVectorEnv(side, seed=1)
    assert (env.num_envs, env.num_players) == (6, 2)
    assert env.single_observation_space.shape == (3,)
    assert env.single_action_space.n == 3
    observation, infos = env.reset(seed=4)
    rng, ended = np.random.default_rng(0), 0
    for _ in range(30):
        record = side.records[-1]
        shown = record.observation if record.reward is None else record.observation[0]
        legal = record.legal_actions if record.reward is None else record.legal_actions[0]
        np.testing.assert_array_equal(observation, shown.reshape(6, 3))
        np.testing.assert_array_equal(infos["action_mask"], legal.reshape(6, 3))
        actions = np.array([rng.choice(np.flatnonzero(mask)) for mask in infos["action_mask"]])
        observation, reward, terminated, truncated, infos = env.step(actions)
        record = side.records[-1]
        np.testing.assert_array_equal(side.actions[-1], actions.reshape(3, 2))
        np.testing.assert_array_equal(reward, record.reward[0].reshape(6))
        np.testing.assert_array_equal(terminated, np.repeat(record.terminated[0], 2))
        np.testing.assert_array_equal(truncated, np.repeat(record.truncated[0], 2))
        over = terminated | truncated
        for seat in np.flatnonzero(over):
            final = record.final_observation[0][seat // 2, seat % 2]
            np.testing.assert_array_equal(infos["final_obs"][seat], final)
            ended += 1
        if over.any():
            np.testing.assert_array_equal(infos["_final_obs"], over)
    assert ended > 0


def test_what_is_no_game_of_equals_is_refused() -> None:
    alone = EnvSide(Toy(autoreset="disabled"), 2)
    with pytest.raises(ValueError, match="has one player; use ReferenceVectorEnv"):
        SeatsVectorEnv(alone)
    with pytest.raises(ValueError, match="SeatsVectorEnv shows every seat"):
        ReferenceVectorEnv(game(2))
