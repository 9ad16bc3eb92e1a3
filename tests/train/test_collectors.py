"""Both collectors, over an environment with time limits, illegal actions and chance."""

from __future__ import annotations

import functools

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from jax.sharding import PartitionSpec

from envlift.adapters.gymnasium import VectorEnv
from envlift.targets import chance
from envlift.train.config import Config, ConfigError
from envlift.train.learning.fused import Fused
from envlift.train.learning.host import Host
from envlift.train.learning.ppo import AXIS
from tests.contract.toy import Toy

T, B = 12, 8


def config(**changes):
    fields = {"num_envs": B, "horizon": T, "minibatches": 2, "hidden": 8, "gamma": 0.9}
    if changes.get("network") == "gru":
        fields["minibatches"] = 1
    return Config(**(fields | changes))


def collected(fused, state, key=None):
    """Play one rollout outside of an update; return lane keys, state after, rollout, metrics."""
    lanes = chance.lane_keys(jax.random.key(7) if key is None else key, B)
    whole = PartitionSpec()
    play = jax.shard_map(
        fused.collect,
        mesh=fused.mesh,
        in_specs=(whole, PartitionSpec(AXIS), PartitionSpec(AXIS)),
        out_specs=whole,
        check_vma=False,
    )
    return lanes, *jax.jit(play)(state.learner.params, state.envs, lanes)


@functools.cache
def applied(network):
    """The network by itself, outside of any collector's program."""
    return jax.jit(network.apply)


def value_of(fused, params, memory, observation, starts):
    """The network's value of one observation of one lane, asked by itself."""
    one = jax.tree.map(lambda leaf: leaf[None], memory)
    _, outputs = applied(fused.network)(
        {"params": params}, one, observation[None, None], jnp.full((1, 1), starts)
    )
    return float(outputs.value[0, 0])


@pytest.mark.parametrize("kind", ["mlp", "gru"])
def test_a_fused_rollout_is_the_contract_played_by_hand(kind):
    env = Toy(horizon=5)
    step = jax.jit(env.step)
    fused = Fused(config(network=kind), env)
    state = fused.start()
    lanes, after, rollout, metrics = collected(fused, state)
    params = state.learner.params
    truncations = ends = both = 0
    returns = []
    for b in range(B):
        at = jax.tree.map(lambda leaf, b=b: leaf[b], state.envs)
        memory, env_state, starts, total = at.memory, at.state, True, 0.0
        for t in range(T):
            seen = rollout.observation[t, b]
            np.testing.assert_array_equal(seen, env.observe(env_state))
            np.testing.assert_array_equal(rollout.mask[t, b], env.legal_actions(env_state))
            assert bool(rollout.starts[t, b]) == starts
            action = rollout.action[t, b]
            assert bool(rollout.mask[t, b][int(action)])
            one = jax.tree.map(lambda leaf: leaf[None], memory)
            memory, outputs = applied(fused.network)(
                {"params": params},
                one,
                seen[None, None],
                jnp.full((1, 1), starts),
                rollout.mask[t, b][None, None],
            )
            memory = jax.tree.map(lambda leaf: leaf[0], memory)
            log_prob = outputs.distribution.log_probs[0, 0, int(action)]
            assert float(rollout.log_prob[t, b]) == pytest.approx(float(log_prob), abs=1e-5)
            assert float(rollout.value[t, b]) == pytest.approx(float(outputs.value[0, 0]), abs=1e-5)
            key = chance.at_step(lanes, t)[b]
            _, env_state, reward, terminated, truncated, info = step(key, env_state, action)
            total += float(reward)
            expected = float(reward)
            both += bool(truncated & terminated)
            if truncated and not terminated:
                final = info["final_observation"]
                expected += 0.9 * value_of(fused, params, memory, final, False)
                truncations += 1
            assert float(rollout.reward[t, b]) == pytest.approx(expected, abs=1e-5)
            starts = bool(terminated | truncated)
            assert bool(rollout.ended[t, b]) == starts
            if starts:
                ends += 1
                returns.append(total)
                total = 0.0
        assert float(after.returned[b]) == pytest.approx(total, abs=1e-5)
        last = value_of(fused, params, memory, env.observe(env_state), starts)
        assert float(rollout.last_value[b]) == pytest.approx(last, abs=1e-5)
    assert 0 < truncations < ends
    assert both > 0
    assert int(metrics["episodes"]) == ends
    assert float(metrics["return_sum"]) == pytest.approx(sum(returns), abs=1e-4)


class Recording(VectorEnv):
    """Our vector, which keeps every step."""

    def __init__(self):
        toy = Toy(horizon=3, autoreset="disabled")
        super().__init__(toy, num_envs=B, autoreset_mode="same_step", seed=0)
        self.steps = []

    def step(self, actions):
        given = super().step(actions)
        self.steps.append((np.array(actions), *given))
        return given


@pytest.mark.parametrize("kind", ["mlp", "gru"])
def test_a_host_rollout_is_what_the_vector_gave(kind):
    vector = Recording()
    host = Host(config(network=kind, collector="host"), vector)
    state = host.start()
    params = state.learner.params
    after, kept, metrics = host._collect(state, jax.random.key(3))
    observation, starts, mask, action, log_prob, value, learnt, ended, _, _ = kept
    truncations = both = 0
    memory, seen, begins, legal = state.memory, state.observation, state.starts, state.mask
    for t, (given, nxt, reward, terminated, truncated, infos) in enumerate(vector.steps):
        np.testing.assert_array_equal(given, action[t])
        np.testing.assert_array_equal(observation[t], seen)
        np.testing.assert_array_equal(starts[t], begins)
        np.testing.assert_array_equal(mask[t], legal)
        assert np.take_along_axis(mask[t], action[t][:, None], 1).all()
        memory, outputs = applied(host.network)(
            {"params": params}, memory, seen[None], begins[None], legal[None]
        )
        np.testing.assert_allclose(value[t], outputs.value[0], rtol=1e-4, atol=1e-5)
        chosen = np.take_along_axis(outputs.distribution.log_probs[0], action[t][:, None], 1)[:, 0]
        np.testing.assert_allclose(log_prob[t], chosen, rtol=1e-4, atol=1e-5)
        expected = np.array(reward, np.float32)
        both += int((truncated & terminated).sum())
        for b in np.flatnonzero(truncated & ~terminated):
            one = jax.tree.map(lambda leaf, b=b: leaf[b], memory)
            final = jnp.asarray(infos["final_obs"][b])
            expected[b] += 0.9 * value_of(host, params, one, final, False)
            truncations += 1
        np.testing.assert_allclose(learnt[t], expected, rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(ended[t], terminated | truncated)
        seen, begins = nxt, terminated | truncated
        legal = infos["action_mask"].astype(bool)
    assert truncations > 0
    assert both > 0
    assert metrics["episodes"] == ended.sum()
    np.testing.assert_array_equal(after.observation, seen)


def test_vectors_that_cannot_be_trained_on_are_refused():
    silent = Recording()
    silent.metadata = {}
    with pytest.raises(ValueError, match="does not say when ended episodes are reset"):
        Host(config(collector="host"), silent)
    with pytest.raises(ConfigError, match="num_envs = 16 is not allowed: the vector has 8"):
        Host(config(collector="host", num_envs=16), Recording())
    with pytest.raises(ConfigError, match="devices = 999 is not allowed"):
        Fused(config(devices=999, num_envs=999 * 8), Toy())
    with pytest.raises(ValueError, match="autoreset='same_step'"):
        Fused(config(), Toy(autoreset="disabled"))


class Watched(gymnasium.vector.SyncVectorEnv):
    """Keeps every step, of Gymnasium's own vector."""

    def __init__(self, mode):
        made = [lambda: gymnasium.make("CartPole-v1", max_episode_steps=4)] * B
        super().__init__(made, autoreset_mode=mode)
        self.steps, self.resets = [], []

    def reset(self, **given):
        answer = super().reset(**given)
        self.resets.append((len(self.steps), given, np.array(answer[0])))
        return answer

    def step(self, actions):
        given = super().step(actions)
        self.steps.append((np.array(given[0]), *(np.array(part) for part in given[1:4]), given[4]))
        return given


@pytest.mark.parametrize("kind", ["mlp", "lstm"])
@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_a_host_rollout_in_other_modes_of_reset(mode, kind):
    """Each episode's last observation is its value's, and no reset is a step."""
    vector = Watched(mode)
    host = Host(config(network=kind, collector="host"), vector)
    state = host.start()
    params = state.learner.params
    after, kept, metrics = host._collect(state, jax.random.key(3))
    observation, starts, _, _, _, value, learnt, ended, _, valid = kept
    memory, seen, begins = state.memory, state.observation, state.starts
    over = np.zeros(B, bool)
    lengths, ends = np.zeros(B, int), []
    for t, (nxt, reward, terminated, truncated, _) in enumerate(vector.steps):
        np.testing.assert_array_equal(observation[t], seen)
        np.testing.assert_array_equal(starts[t], begins)
        memory, outputs = applied(host.network)(
            {"params": params}, memory, seen[None], begins[None]
        )
        np.testing.assert_allclose(value[t], outputs.value[0], rtol=1e-4, atol=1e-5)
        done = terminated | truncated
        expected = np.array(reward, np.float32)
        for b in np.flatnonzero(truncated & ~terminated):
            one = jax.tree.map(lambda leaf, b=b: leaf[b], memory)
            expected[b] += 0.9 * value_of(host, params, one, jnp.asarray(nxt[b]), False)
        if mode is AutoresetMode.NEXT_STEP:
            np.testing.assert_array_equal(valid[t], ~over)
            np.testing.assert_array_equal(ended[t], done | over)
            lengths += ~over
            seen, begins, over = nxt, over, done
        else:
            assert valid is None
            np.testing.assert_array_equal(ended[t], done)
            lengths += 1
            again = [entry for entry in vector.resets if entry[0] == t + 1]
            seen, begins = (again[0][2] if again else nxt), done
        np.testing.assert_allclose(learnt[t], expected, rtol=1e-4, atol=1e-5)
        ends += lengths[done].tolist()
        lengths = np.where(done, 0, lengths)
    assert set(ends) == {4}
    assert metrics["episodes"] == len(ends) > 0
    assert metrics["length_sum"] == metrics["return_sum"] == sum(ends)
    np.testing.assert_array_equal(after.observation, seen)
    np.testing.assert_array_equal(after.length, lengths)


class Parts(gymnasium.Env):
    """Shows a place and a choice; the time limit shows a final observation of both."""

    observation_space = spaces.Dict(
        {"where": spaces.Box(-9, 9, (2,), np.float32), "what": spaces.Discrete(3)}
    )
    action_space = spaces.MultiDiscrete([3, 2])

    def _seen(self):
        return {"where": np.full(2, self.steps, np.float32), "what": self.steps % 3}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps = 0
        return self._seen(), {}

    def step(self, action):
        self.steps += 1
        reward = float(action[0] == self.steps % 3) + float(action[1] == 1)
        return self._seen(), reward, False, self.steps >= 5, {}


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_observations_of_several_parts_are_one_row_of_numbers(mode):
    vector = gymnasium.vector.SyncVectorEnv([Parts] * B, autoreset_mode=mode)
    host = Host(config(collector="host"), vector)
    state = host.start()
    params = state.learner.params
    _, kept, _ = host._collect(state, jax.random.key(3))
    observation, learnt, ended = kept[0], kept[6], kept[7]
    assert observation.shape == (T, B, 5)
    np.testing.assert_array_equal(
        observation[:3, 0], [[1, 0, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 1, 2, 2]]
    )
    assert ended[4].all()
    final = jnp.asarray([0, 0, 1, 5, 5], jnp.float32)
    beyond = 0.9 * value_of(host, params, state.memory, final, False)
    assert np.all(np.abs((learnt[4] - beyond) - np.round(learnt[4] - beyond)) < 1e-4)
    assert set(np.round(learnt[4] - beyond).tolist()) <= {0.0, 1.0, 2.0}


class Told(Recording):
    """Our vector, if it showed no final observation where an episode terminated."""

    def step(self, actions):
        *given, infos = super().step(actions)
        if "final_obs" in infos:
            infos["final_obs"][given[2]] = None
        return *given, infos


def test_the_last_observation_of_a_terminated_episode_is_not_asked_for():
    host = Host(config(collector="host"), Told())
    host._collect(host.start(), jax.random.key(3))
    assert any((step[3] & step[4]).any() for step in host.vector_env.steps)


class Saved(Recording):
    save = None


def test_environments_that_cannot_be_saved_begin_new_episodes():
    """What belongs to the old episodes is forgotten: seen, remembered and counted."""
    first = Host(config(collector="host", network="gru"), Saved())
    state = first.start()
    state, *_ = first._collect(state, jax.random.key(3))
    state = state._replace(update=1)
    assert state.length.any()
    assert state.returned.any()
    vector = Saved()
    resumed = Host(config(collector="host", network="gru"), vector)
    again = resumed.restore(state)
    np.testing.assert_array_equal(again.observation, np.asarray(vector._observations()))
    np.testing.assert_array_equal(again.mask, vector._lanes.mask)
    assert again.starts.all()
    for zero in (again.length, again.returned, again.scored, again.memory):
        assert not np.asarray(zero).any()
    assert again.learner is state.learner
    assert again.update == 1
    # Not the first episodes of the run once more.
    assert not np.array_equal(again.observation, first.start().observation)
