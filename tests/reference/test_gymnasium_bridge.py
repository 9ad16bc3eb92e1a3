"""Any Gymnasium id as a reference, compared with the environment itself."""

import gymnasium
import numpy as np
import pytest

from envlift.reference.client import ReferenceFailure
from envlift.reference.launch import open_reference

B, T = 3, 60


def expected(env_id, seeds, actions, reset_seeds, **options):
    """Play with Gymnasium directly, resetting in the same step."""
    env = gymnasium.make(env_id, disable_env_checker=True, **options)
    rows = {name: [] for name in ("observation", "reward", "terminated", "truncated", "final")}
    for lane, seed in enumerate(seeds):
        env.reset(seed=int(seed))
        for step in range(len(actions)):
            observation, reward, terminated, truncated, _ = env.step(actions[step, lane])
            rows["final"].append(observation)
            rows["reward"].append(reward)
            rows["terminated"].append(terminated)
            rows["truncated"].append(truncated)
            if terminated or truncated:
                observation, _ = env.reset(seed=int(reset_seeds[step, lane]))
            rows["observation"].append(observation)
    env.close()
    shape = (len(seeds), len(actions))
    return {
        name: np.swapaxes(np.reshape(row, (*shape, *np.shape(row[0]))), 0, 1)
        for name, row in rows.items()
    }


@pytest.mark.parametrize(
    ("env_id", "options"),
    [
        ("CartPole-v1", {"max_episode_steps": 20}),
        ("Pendulum-v1", {"max_episode_steps": 25, "g": 9.0}),
    ],
)
def test_lockstep_with_gymnasium_itself(env_id, options):
    rng = np.random.default_rng(3)
    seeds, reset_seeds = np.arange(B), rng.integers(0, 2**31, (T, B))
    with open_reference(f"gymnasium:{env_id}", num_lanes=B, config=options) as reference:
        spec = reference.spec
        if spec.num_actions is not None:
            actions = rng.integers(0, spec.num_actions, (T, B))
        else:
            low, high = spec.action_low[0], spec.action_high[0]
            actions = rng.uniform(low, high, (T, B, 1)).astype(spec.action.dtype)
        reference.reset(seeds)
        record = reference.step(actions, reset_seeds=reset_seeds)
    wanted = expected(env_id, seeds, actions, reset_seeds, **options)
    np.testing.assert_array_equal(record.observation, wanted["observation"])
    np.testing.assert_array_equal(record.final_observation, wanted["final"])
    np.testing.assert_array_equal(record.reward, wanted["reward"])
    np.testing.assert_array_equal(record.terminated, wanted["terminated"])
    np.testing.assert_array_equal(record.truncated, wanted["truncated"])
    assert wanted["truncated"].any()
    assert spec.pins["gymnasium"] == gymnasium.__version__


def test_state_is_copied_out_and_in_with_the_elapsed_steps():
    config = {"max_episode_steps": 10}
    rng = np.random.default_rng(0)
    with open_reference("gymnasium:CartPole-v1", num_lanes=B, config=config) as reference:
        reference.reset(np.arange(B))
        reference.step(rng.integers(0, 2, (4, B)))
        state = reference.get_state()
        assert state["elapsed_steps"].tolist() == [4, 4, 4]
        actions = rng.integers(0, 2, (6, B))
        first = reference.step(actions)
        assert first.truncated[-1].any()
        reference.set_state(state)
        second = reference.step(actions)
        np.testing.assert_array_equal(first.final_observation, second.final_observation)
        np.testing.assert_array_equal(first.truncated, second.truncated)
        np.testing.assert_array_equal(first.final_state["elapsed_steps"][-1], [10, 10, 10])
        state["elapsed_steps"][:] = [9, 8, 0]
        reference.set_state(state)
        ended = reference.step(np.zeros((1, B), np.int64)).truncated
        assert ended.tolist() == [[True, False, False]]


def test_named_and_dotted_attributes_keep_their_type():
    config = {"state_attributes": ["s", "np_random._bit_generator.state"]}
    with pytest.raises(ReferenceFailure, match="not a number or an array of numbers"):
        open_reference("gymnasium:FrozenLake-v1", num_lanes=1, config=config)
    config = {"state_attributes": ["state", "unwrapped.gravity"]}
    with open_reference("gymnasium:CartPole-v1", num_lanes=2, config=config) as reference:
        assert reference.get_state()["unwrapped.gravity"].tolist() == [9.8, 9.8]
        state = reference.get_state() | {"unwrapped.gravity": np.array([9.8, 0.0])}
        reference.set_state({**state, "state": np.array([[0.0, 0, 0.1, 0]] * 2)})
        record = reference.step(np.array([[0, 0], [0, 0]]))
        assert record.observation[1, 0, 3] != record.observation[1, 1, 3]


@pytest.mark.parametrize(
    ("env_id", "config", "says"),
    [
        ("CartPol-v1", {}, "near ones: CartPole-v1"),
        ("CartPole-v9", {}, "near ones: CartPole-v1"),
        ("Taxi-v3", {}, "near ones: Taxi-v4"),
        ("CartPole-v1", {"state_attributes": ["stat"]}, "no attribute 'stat'"),
        ("CartPole-v1", {"state_attributes": ["state.x"]}, "ndarray has no attribute 'x'"),
        ("CartPole-v1", {"no_such_option": 1}, "no_such_option"),
    ],
)
def test_wrong_names_are_explained(env_id, config, says):
    with pytest.raises(ReferenceFailure) as caught:
        open_reference(f"gymnasium:{env_id}", num_lanes=1, config=config)
    assert says in str(caught.value)


def test_an_environment_without_a_state_attribute_has_no_state():
    with open_reference("gymnasium:Blackjack-v1", num_lanes=B) as reference:
        assert reference.spec.state == {}
        assert reference.spec.observation.dtype == "int64"
        assert reference.reset(np.arange(B)).state == {}
        with pytest.raises(ReferenceFailure, match="cannot be read"):
            reference.get_state()


def test_a_state_that_begins_narrow_and_goes_on_wide():
    """Acrobot draws its first state in float32 and computes the next ones in float64."""
    with open_reference("gymnasium:Acrobot-v1", num_lanes=2) as reference:
        assert reference.spec.state["state"].dtype == "float64"
        start = reference.reset(np.arange(2)).state
        actions = np.array([[0, 2], [1, 1]])
        first = reference.step(actions)
        reference.set_state(start)
        second = reference.step(actions)
    env = gymnasium.make("Acrobot-v1")
    env.reset(seed=1)
    np.testing.assert_array_equal(start["state"][1], env.unwrapped.state.astype(np.float64))
    env.step(2)
    np.testing.assert_array_equal(first.state["state"][0, 1], env.unwrapped.state)
    np.testing.assert_array_equal(first.state["state"], second.state["state"])


@pytest.mark.parametrize("name", ["Acrobot-v1", "MountainCarContinuous-v0"])
def test_a_state_of_two_dtypes_goes_on_as_if_it_had_never_left(name: str) -> None:
    """One begins in float32 and goes on in float64, the other the other way round."""
    with (
        open_reference(f"gymnasium:{name}", num_lanes=1) as one,
        open_reference(f"gymnasium:{name}", num_lanes=1) as other,
    ):
        rng = np.random.default_rng(0)
        one.reset(np.array([5]))
        other.reset(np.array([6]))
        for _ in range(200):
            other.set_state(one.get_state())
            if one.spec.num_actions is None:
                action = rng.uniform(-1, 1, (1, 1, 1)).astype(np.float32)
            else:
                action = rng.integers(0, 3, (1, 1)).astype(one.spec.action.dtype)
            told, again = one.step(action), other.step(action)
            np.testing.assert_array_equal(told.observation, again.observation)
            for field, values in told.state.items():
                np.testing.assert_array_equal(values, again.state[field])
