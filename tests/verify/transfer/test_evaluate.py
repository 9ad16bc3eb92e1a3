"""Playing one policy in two sides: what counts, and that both are given the same."""

from __future__ import annotations

import numpy as np
import pytest

from envlift.reference.types import ArraySpec, Record, SideSpec
from envlift.verify.levels.transfer.evaluate import Tape, play, play_both
from envlift.verify.suite import Suite

B = 4
ENDS = np.array([1, 3, 2, 5])
"""Length of every episode of each lane."""


def draw_chance(rng, shape):
    return rng.integers(0, 1000, shape, dtype=np.int32)


CHANCE = Suite("s", "r", "c", start="chance", draw_chance=draw_chance)
COPY = Suite("s", "r", "c", start="copy")


class Fake:
    """Episodes of fixed lengths; rewards 1, 10, 100, ... in the steps of an episode."""

    num_lanes = B

    def __init__(self, truncates=False, name="fake", **spec):
        shape = ArraySpec((1,), "float64")
        defaults = {
            "observation": shape,
            "action": ArraySpec((), "int32"),
            "num_actions": 9,
            "chance": ArraySpec((), "int32"),
            "state": {"clock": ArraySpec((), "int64")},
        }
        self.spec = SideSpec(name, **(defaults | spec))
        self.truncates = truncates
        self.given = []
        self.clock = np.zeros(B, np.int64)
        self.set = None

    def _legal(self):
        return np.arange(9) < 5 + self.clock[:, None]

    def reset(self, seeds, chance=None):
        self.given.append(("reset", seeds, chance))
        self.clock[:] = 0
        self.seeds = seeds
        state = {"clock": self.clock.copy()}
        return Record(np.full((B, 1), -1.0), state, legal_actions=self._legal())

    def step(self, actions, chance=None, reset_seeds=None):
        assert actions.dtype == self.spec.action.dtype
        assert actions.shape == (1, B, *self.spec.action.shape)
        self.given.append(("step", reset_seeds, chance, actions))
        reward = 10.0**self.clock
        self.clock += 1
        over = self.clock == ENDS
        self.clock[over] = 0
        no = np.zeros(B, bool)
        return Record(
            self.clock[None, :, None].astype(float),
            {"clock": self.clock[None]},
            reward=reward[None],
            terminated=(no if self.truncates else over)[None],
            truncated=(over if self.truncates else no)[None],
            legal_actions=self._legal()[None],
        )

    def set_state(self, state):
        self.set = state


class Watching:
    """Keeps what it is shown; its memory counts the steps since the last start."""

    noise_size = 2

    def __init__(self, shape=()):
        self.seen = []
        self.greedy = []
        self.shape = shape

    def start(self, batch):
        assert batch == B
        return np.full(batch, -7)

    def act(self, memory, observation, starts, noise, mask=None, greedy=False):
        memory = np.where(starts, 0, memory + 1)
        self.greedy.append(greedy)
        self.seen.append((memory, observation, starts, noise, mask))
        return memory, np.floor(noise[:, 0] * 9).reshape(B, *self.shape)


def test_an_episode_counts_from_its_start_to_its_first_end():
    for truncates in (False, True):
        side = Fake(truncates)
        episodes = play(side, Watching(), Tape(CHANCE, B, 2, 1), max_steps=100)
        np.testing.assert_array_equal(episodes.returned, [1, 111, 11, 11111])
        np.testing.assert_array_equal(episodes.length, ENDS)
        assert episodes.ended.all()
        assert len(side.given) == 1 + 5, "play stops when every lane has ended once"


def test_what_has_not_ended_at_the_limit_is_said():
    episodes = play(Fake(), Watching(), Tape(CHANCE, B, 2, 1), max_steps=2)
    np.testing.assert_array_equal(episodes.ended, [True, False, True, False])
    np.testing.assert_array_equal(episodes.length, [1, 2, 2, 2])


def test_the_policy_sees_what_the_side_shows_and_where_episodes_begin():
    policy = Watching()
    play(Fake(), policy, Tape(CHANCE, B, 2, 1), max_steps=100)
    memories, observations, starts, noises, masks = zip(*policy.seen, strict=True)
    np.testing.assert_array_equal(starts[0], True)
    np.testing.assert_array_equal(observations[0], -1.0)
    # Lane 0 ends in every step, lane 1 in every third one.
    np.testing.assert_array_equal([row[0] for row in starts], True)
    np.testing.assert_array_equal([row[1] for row in starts], [1, 0, 0, 1, 0])
    np.testing.assert_array_equal([row[1] for row in memories], [0, 1, 2, 0, 1])
    np.testing.assert_array_equal([row[3, 0] for row in observations], [-1, 1, 2, 3, 4])
    assert all(noise.dtype == np.float32 for noise in noises)
    flat = np.concatenate(noises).ravel()
    assert len(np.unique(flat)) == flat.size, "noise must differ in steps and lanes"
    assert 0 <= flat.min() < 0.2 < 0.8 < flat.max() < 1
    assert masks == (None,) * 5


def test_both_sides_are_given_the_same():
    ours, theirs = Fake(), Fake()
    first, second = play_both(CHANCE, ours, theirs, Watching(), seed=3, max_steps=100)
    np.testing.assert_array_equal(first.returned, second.returned)
    assert len(ours.given) == len(theirs.given) == 6
    for one, other in zip(ours.given, theirs.given, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
    rows = [given[2] for given in ours.given]
    assert rows[0].shape == (B,)
    assert rows[1].shape == (1, B)
    assert len(np.unique(np.concatenate([row.ravel() for row in rows]))) > 20, "chance must vary"


def test_another_seed_is_another_tape():
    one, other = Fake(), Fake()
    play(one, Watching(), Tape(CHANCE, B, 2, 1), max_steps=1)
    play(other, Watching(), Tape(CHANCE, B, 2, 2), max_steps=1)
    for a, b in zip(one.given, other.given, strict=True):
        assert not np.array_equal(a[1], b[1])
        assert not np.array_equal(a[2], b[2])


def test_the_candidate_moves_first_and_the_first_difference_shows():
    order = []

    class Ordered(Fake):
        def step(self, *given):
            order.append(self.spec.name)
            record = super().step(*given)
            if self.spec.name == "candidate":
                record.reward[0, 2] += 0.5
            return record

    pair = Ordered(name="reference"), Ordered(name="candidate")
    ours, theirs = play_both(CHANCE, *pair, Watching(), seed=3, max_steps=100)
    assert order == ["candidate"] * 5 + ["reference"] * 5
    np.testing.assert_array_equal(theirs.returned - ours.returned, [0, 0, 1.0, 0])


def test_where_episodes_start_by_copying_the_candidate_begins_as_the_reference():
    class Elsewhere(Fake):
        def reset(self, seeds, chance=None):
            record = super().reset(seeds, chance)
            return Record(record.observation - 4, {"clock": self.clock + 9})

    reference, candidate, policy = Elsewhere(chance=None), Fake(chance=None), Watching()
    play_both(COPY, reference, candidate, policy, seed=3, max_steps=1)
    np.testing.assert_array_equal(candidate.set["clock"], 9)
    assert [seen[1][0, 0] for seen in policy.seen] == [-5, -5]
    # Both resets of the reference are the same one.
    first, second = (given for given in reference.given if given[0] == "reset")
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize(("ours", "theirs"), [(True, True), (True, False), (False, True)])
def test_actions_are_masked_where_both_sides_show_masks(ours, theirs):
    reference, candidate = Fake(legal_actions=ours), Fake(legal_actions=theirs)
    policy = Watching()
    play_both(CHANCE, reference, candidate, policy, seed=3, max_steps=2)
    masks = [seen[4] for seen in policy.seen]
    if not (ours and theirs):
        assert masks == [None] * 4
        return
    np.testing.assert_array_equal(masks[0].sum(axis=1), [5, 5, 5, 5])
    np.testing.assert_array_equal(masks[1].sum(axis=1), [5, 6, 6, 6])


@pytest.mark.parametrize("greedy", [False, True])
def test_actions_are_drawn_unless_the_most_probable_ones_are_asked_for(greedy):
    policy = Watching()
    play_both(CHANCE, Fake(), Fake(), policy, seed=3, max_steps=2, greedy=greedy)
    assert policy.greedy == [greedy] * 4


def test_vectors_are_actions_too():
    side = Fake(action=ArraySpec((1,), "float32"), num_actions=None)
    play(side, Watching(shape=(1,)), Tape(CHANCE, B, 2, 1), max_steps=2)
    assert side.given[1][3].shape == (1, B, 1)
