"""The learner against its definitions, worked out in NumPy."""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats
from flax import linen as nn
from jax.sharding import Mesh, PartitionSpec

from envlift.train.config import Config, ConfigError
from envlift.train.learning import ppo
from envlift.train.learning.ppo import AXIS, Learner, Rollout, Samples
from envlift.train.policies.distributions import Categorical, DiagonalNormal, Head, head_of
from envlift.train.policies.networks import Network, _Lstm, count_parameters, init, make_network
from envlift.train.policies.observations import Reading, reading_of

T, B = 6, 8


def box(*shape, dtype="float32"):
    return Reading(shape, dtype)


def on_one_device(function, *arguments):
    """Call a function that needs the mesh axis."""
    return one_device(function)(*arguments)


def one_device(function):
    mesh = Mesh(np.array(jax.devices()[:1]), (AXIS,))
    whole = PartitionSpec()
    mapped = jax.shard_map(function, mesh=mesh, in_specs=whole, out_specs=whole, check_vma=False)
    return jax.jit(mapped)


# -- advantages ---------------------------------------------------------------------------------


def test_gae_is_the_discounted_sum_of_errors_up_to_the_end_of_the_episode():
    rng = np.random.default_rng(0)
    reward, value = rng.normal(size=(2, T, B))
    last = rng.normal(size=B)
    ended = rng.random((T, B)) < 0.3
    assert ended.any()
    gamma, gae_lambda = 0.9, 0.8
    expected = np.zeros((T, B))
    for b in range(B):
        for t in range(T):
            weight = 1.0
            for k in range(t, T):
                follows = 0.0 if ended[k, b] else (last[b] if k + 1 == T else value[k + 1, b])
                expected[t, b] += weight * (reward[k, b] + gamma * follows - value[k, b])
                weight *= gamma * gae_lambda
                if ended[k, b]:
                    break
    found = ppo.gae(*map(jnp.asarray, (reward, value, ended, last)), gamma, gae_lambda)
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)


def test_advantages_are_normalized_over_the_minibatch():
    advantage = jnp.asarray(np.random.default_rng(1).normal(5.0, 3.0, size=(1, 512)), jnp.float32)
    found = np.asarray(on_one_device(ppo.normalized, advantage))
    assert abs(found.mean()) < 1e-5
    assert found.std() == pytest.approx(1.0, abs=1e-5)


# -- the loss -----------------------------------------------------------------------------------


def tiny(**changes):
    config = Config(hidden=4, num_envs=B, horizon=T, minibatches=2, epochs=1, **changes)
    network = make_network(config, box(2), Head(3, discrete=True))
    return config, network, init(network, jax.random.key(0))


def samples_of(network, params, *, ratio, advantage, value_moved=0.0, target=0.0):
    """One sample whose probability ratio and value change are known beforehand."""
    observation = jnp.ones((1, 1, 2))
    starts = jnp.ones((1, 1), bool)
    _, outputs = network.apply({"params": params}, (), observation, starts)
    action = jnp.ones((1, 1), jnp.int32)
    log_prob = outputs.distribution.log_prob(action) - jnp.log(ratio)
    return Samples(
        observation,
        starts,
        None,
        action,
        log_prob,
        outputs.value - value_moved,
        jnp.full((1, 1), advantage),
        outputs.value + target,
    )


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [(1.5, 2.0, -2.4), (1.1, 2.0, -2.2), (0.5, 2.0, -1.0), (0.5, -2.0, 1.6), (1.5, -2.0, 3.0)],
)
def test_the_ratio_is_clipped_only_where_that_makes_the_objective_smaller(
    ratio, advantage, expected
):
    config, network, params = tiny(clip=0.2)
    samples = samples_of(network, params, ratio=ratio, advantage=advantage)
    _, shown = ppo.loss_of(network, config, params, (), samples)
    assert float(shown["policy_loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(shown["clip_fraction"]) == float(abs(ratio - 1) > 0.2)


def test_the_parts_of_the_loss_are_weighted():
    config, network, params = tiny(value_coefficient=0.25, entropy_coefficient=0.1)
    samples = samples_of(network, params, ratio=1.0, advantage=1.0, target=2.0)
    loss, shown = ppo.loss_of(network, config, params, (), samples)
    assert float(shown["value_loss"]) == pytest.approx(2.0, rel=1e-5)
    assert float(shown["approx_kl"]) == pytest.approx(0.0, abs=1e-6)
    assert float(loss) == pytest.approx(-1.0 + 0.5 - 0.1 * float(shown["entropy"]), rel=1e-5)


def test_the_value_loss_is_clipped_if_asked_for():
    for clip, expected in ((None, 0.5 * 0.1**2), (0.3, 0.5 * 0.8**2)):
        config, network, params = tiny(value_clip=clip)
        # The value moved by 1 and now lies 0.1 below its target; clipped it moved only 0.3.
        samples = samples_of(network, params, ratio=1.0, advantage=0.0, value_moved=1.0, target=0.1)
        _, shown = ppo.loss_of(network, config, params, (), samples)
        assert float(shown["value_loss"]) == pytest.approx(expected, rel=1e-3)


# -- minibatches --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["mlp", "gru", "lstm"])
def test_an_epoch_takes_every_sample_once_with_all_that_belongs_to_it(kind):
    config = Config(network=kind, num_envs=32, horizon=T, minibatches=2)
    rows, block = ppo.rows_of(config)
    groups = ppo.groups_of(config)
    number = jnp.arange(T * 32).reshape(T, 32)
    samples = Samples(number, number + 0.5, None, *[number] * 5)
    memory = jnp.arange(32)[:, None] * jnp.ones(3)
    arranged = jax.tree.map(lambda leaf: ppo._rows(leaf, groups, block, kind != "mlp"), samples)
    held = memory.reshape(groups, -1, 3)

    def shuffle(key):
        return ppo._shuffle(key, groups, rows, config.minibatches)

    chosen = on_one_device(shuffle, jax.random.key(3))
    assert chosen.shape[0] == 2
    seen = []
    for which in chosen:
        take = ppo._blocks if kind == "mlp" else ppo._sequences
        part, start = take(arranged, held, which)
        np.testing.assert_array_equal(part.observation + 0.5, part.starts)
        if kind != "mlp":
            # Whole stretches in their order, each with its own memory.
            np.testing.assert_array_equal(np.diff(part.observation, axis=0), 32)
            np.testing.assert_array_equal(start[:, 0], part.observation[0] % 32)
        seen.append(np.asarray(part.observation).ravel())
    assert len(seen[0]) == len(seen[1])
    assert sorted(np.concatenate(seen)) == list(range(T * 32))
    again = on_one_device(shuffle, jax.random.key(4))
    assert not np.array_equal(chosen, again)


def test_impossible_divisions_are_refused_by_name():
    with pytest.raises(ConfigError, match="minibatches = 7 does not divide"):
        ppo.rows_of(Config(num_envs=64, horizon=16, minibatches=7))
    with pytest.raises(ConfigError, match="num_envs = 12 cannot be divided among 8 devices"):
        ppo.groups_of(Config(num_envs=12, devices=8))
    with pytest.raises(ConfigError, match=r"does not divide the 12 environments.*a divisor of 12"):
        ppo.rows_of(Config(num_envs=12, network="lstm", minibatches=8))


def test_recurrent_minibatches_ask_for_no_more_than_a_divisor_of_the_environments():
    for envs, minibatches in ((8, 8), (12, 6), (10, 5), (64, 8), (7, 7)):
        config = Config(num_envs=envs, network="gru", minibatches=minibatches)
        assert ppo.rows_of(config)[0] * ppo.groups_of(config) == envs
    assert ppo.groups_of(Config(num_envs=64, network="gru", minibatches=8)) == 8
    assert ppo.groups_of(Config(num_envs=16, network="gru", minibatches=4, devices=4)) == 4


def update_of(config, network, rollout):
    """One update; return the parameters before and after it, and what was shown."""
    params = init(network, jax.random.key(0))
    learner = Learner(params, ppo.make_optimizer(config).init(params))
    update = one_device(lambda key: ppo.learn(network, config, learner, rollout, key))
    after, shown = update(jax.random.key(1))
    return params, after, shown


def played(network, params, seed=0):
    """A rollout of three actions with random rewards."""
    rng = np.random.default_rng(seed)
    observation = jnp.asarray(rng.normal(size=(T, B, 2)), jnp.float32)
    starts = jnp.zeros((T, B), bool)
    _, outputs = network.apply({"params": params}, (), observation, starts)
    action = jnp.asarray(rng.integers(0, 3, (T, B)))
    log_prob = outputs.distribution.log_prob(action)
    reward = jnp.asarray(rng.normal(size=(T, B)), jnp.float32)
    ended = jnp.asarray(rng.random((T, B)) < 0.2)
    last = jnp.zeros(B)
    return Rollout(
        observation, starts, None, action, log_prob, outputs.value, reward, ended, (), last
    )


def test_an_update_ends_where_the_policy_has_moved_far_enough():
    changes = {"learning_rate": 0.05, "anneal": False}
    config, network, params = tiny(**changes)
    config = config.replace(epochs=8)
    rollout = played(network, params)
    _, free, shown = update_of(config, network, rollout)
    count = optax.tree.get(free.optimizer, "ScaleByAdamState").count
    assert int(count) == 16
    assert float(shown["approx_kl"]) > 0.02
    _, held, shown = update_of(config.replace(target_kl=0.01), network, rollout)
    count = optax.tree.get(held.optimizer, "ScaleByAdamState").count
    assert 0 < int(count) < 16
    _, outputs = network.apply({"params": held.params}, (), rollout.observation, rollout.starts)
    log_ratio = outputs.distribution.log_prob(rollout.action) - rollout.log_prob
    moved = float(jnp.mean(jnp.exp(log_ratio) - 1 - log_ratio))
    assert 0.001 < moved < 0.1
    _, far, _ = update_of(config.replace(target_kl=1e9), network, rollout)
    for one, other in zip(*map(jax.tree.leaves, (far.params, free.params)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_clip_falls_with_the_steps():
    config, network, params = tiny(learning_rate=0.05, anneal=False, clip=0.3, anneal_clip=True)
    config = config.replace(total_steps=10 * B * T, epochs=2)
    rollout = played(network, params)
    seen = []
    learner = Learner(params, ppo.make_optimizer(config).init(params))
    with pytest.MonkeyPatch.context() as patch:
        loss_of = ppo.loss_of

        def watched(*given):
            jax.debug.callback(lambda clip: seen.append(float(clip)), given[-1])
            return loss_of(*given)

        patch.setattr(ppo, "loss_of", watched)
        update = one_device(lambda learner, key: ppo.learn(network, config, learner, rollout, key))
        for index in range(3):
            learner, _ = update(learner, jax.random.key(index))
    jax.effects_barrier()
    expected = [0.3 * (1 - index / 10) for index in range(3) for _ in range(4)]
    assert sorted(seen, reverse=True) == pytest.approx(expected)


def test_what_no_environment_played_moves_nothing():
    config, network, params = tiny(learning_rate=0.05)
    rollout = played(network, params)
    valid = jnp.asarray(np.random.default_rng(5).random((T, B)) < 0.7)
    ended = rollout.ended | ~valid
    # An episode ends before each step that is not played.
    ended = ended.at[:-1].set(ended[:-1] | ~valid[1:])
    spoiled = rollout._replace(
        reward=jnp.where(valid, rollout.reward, 1e3),
        log_prob=jnp.where(valid, rollout.log_prob, -30.0),
        ended=ended,
        valid=valid,
    )
    other = spoiled._replace(
        reward=jnp.where(valid, rollout.reward, -7.0), log_prob=rollout.log_prob
    )
    _, one, shown = update_of(config, network, spoiled)
    _, two, again = update_of(config, network, other)
    for a, b in zip(*map(jax.tree.leaves, ((one.params, shown), (two.params, again))), strict=True):
        np.testing.assert_array_equal(a, b)
    _, three, _ = update_of(config, network, spoiled._replace(valid=None))
    pairs = zip(*map(jax.tree.leaves, (one.params, three.params)), strict=True)
    assert any(not np.array_equal(a, b) for a, b in pairs)


# -- learning -----------------------------------------------------------------------------------


def test_an_update_makes_rewarded_actions_likelier_and_values_truer():
    config, network, params = tiny(
        learning_rate=0.01, anneal=False, value_coefficient=1.0, entropy_coefficient=0.0
    )
    observation = jnp.ones((T, B, 2))
    starts = jnp.zeros((T, B), bool)
    learner = Learner(params, ppo.make_optimizer(config).init(params))

    def rollout_of(params):
        _, outputs = network.apply({"params": params}, (), observation, starts)
        action = jnp.arange(T * B).reshape(T, B) % 3
        log_prob = outputs.distribution.log_prob(action)
        reward = jnp.where(action == 1, 1.0, 0.0)
        # Every step is an episode of its own: the value of the state is a third.
        ended = jnp.ones((T, B), bool)
        last = jnp.zeros(B)
        return Rollout(
            observation, starts, None, action, log_prob, outputs.value, reward, ended, (), last
        )

    def update(learner, key):
        return ppo.learn(network, config, learner, rollout_of(learner.params), key)

    compiled = one_device(update)
    before = abs(float(rollout_of(params).value[0, 0]) - 1 / 3)
    for index in range(40):
        learner, metrics = compiled(learner, jax.random.key(index))
    _, outputs = network.apply({"params": learner.params}, (), observation, starts)
    assert float(jnp.exp(outputs.distribution.log_probs)[0, 0, 1]) > 0.9
    assert abs(float(outputs.value[0, 0]) - 1 / 3) < 0.05 < before
    assert set(metrics) >= {"policy_loss", "value_loss", "entropy", "explained_variance"}


def test_the_learning_rate_falls_to_zero():
    config = Config(total_steps=10 * B * T, num_envs=B, horizon=T, epochs=2, minibatches=4)
    gradients = {"w": jnp.full(3, 0.01)}
    optimizer = ppo.make_optimizer(config)
    state = optimizer.init(gradients)
    sizes = []
    for _ in range(config.updates * 8 + 1):
        moved, state = optimizer.update(gradients, state)
        sizes.append(float(jnp.abs(moved["w"]).max()))
    assert sizes[0] == pytest.approx(2.5e-4, rel=1e-2)
    assert sizes[40] == pytest.approx(1.25e-4, rel=2e-2)
    assert sizes[-1] == 0.0


# -- distributions ------------------------------------------------------------------------------


def test_an_illegal_action_is_never_drawn_and_spoils_no_gradient():
    head = Head(4, discrete=True)
    mask = jnp.asarray([False, True, True, False])
    noise = jnp.asarray([0.0, 1e-7, 0.3, 0.5, 0.999, 1.0 - 2.0**-24])[:, None]
    raw = jnp.tile(jnp.asarray([50.0, 0.0, 1.0, 50.0]), (len(noise), 1))
    distribution = head.distribution(raw, None, mask)
    assert set(np.asarray(distribution.sample(noise)).tolist()) == {1, 2}
    np.testing.assert_array_equal(np.exp(distribution.log_probs)[:, [0, 3]], 0.0)
    two = np.exp([0.0, 1.0]) / np.exp([0.0, 1.0]).sum()
    assert distribution.entropy()[0] == pytest.approx(scipy.stats.entropy(two), rel=1e-5)
    assert int(distribution.mode()[0]) == 2

    def objective(raw):
        d = head.distribution(raw, None, mask)
        return jnp.sum(d.entropy()) + jnp.sum(d.log_prob(jnp.ones(len(noise), jnp.int32)))

    gradient = np.asarray(jax.grad(objective)(raw))
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[:, [0, 3]], 0.0)


def test_actions_are_drawn_as_often_as_they_are_probable():
    probabilities = np.array([0.1, 0.0, 0.6, 0.3])
    noise = (np.arange(10_000) + 0.5) / 10_000
    with np.errstate(divide="ignore"):
        log_probs = jnp.tile(jnp.log(jnp.asarray(probabilities)), (len(noise), 1))
    drawn = np.asarray(Categorical(log_probs).sample(jnp.asarray(noise)[:, None]))
    np.testing.assert_allclose(np.bincount(drawn) / 10_000, probabilities, atol=2e-4)


def test_the_normal_distribution_is_scipys():
    mean, log_std = np.array([[0.5, -1.0]]), np.array([0.2, -0.7])
    d = DiagonalNormal(jnp.asarray(mean), jnp.asarray(log_std))
    theirs = scipy.stats.norm(mean, np.exp(log_std))
    action = np.array([[0.1, 0.3]])
    assert d.log_prob(action)[0] == pytest.approx(theirs.logpdf(action).sum(), rel=1e-5)
    assert d.entropy()[0] == pytest.approx(theirs.entropy().sum(), rel=1e-5)
    noise = np.array([[0.25, 0.9]])
    np.testing.assert_allclose(d.sample(jnp.asarray(noise)), theirs.ppf(noise), rtol=1e-4)
    ends = d.sample(jnp.asarray([[0.0, 1.0 - 2.0**-24]]))
    assert np.isfinite(np.asarray(ends)).all()


def test_continuous_actions_are_clipped_to_the_space():
    head = head_of(gymnasium.spaces.Box(-1.0, 2.0, (2,), np.float32))
    np.testing.assert_array_equal(head.played(jnp.asarray([-3.0, 3.0])), [-1.0, 2.0])
    with pytest.raises(TypeError, match="no policy for the action space"):
        head_of(gymnasium.spaces.Text(3))


# -- networks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gru", "lstm"])
@pytest.mark.parametrize(("shared", "both"), [(True, True), (False, True), (False, False)])
def test_a_recurrent_stretch_is_its_steps_and_forgets_where_an_episode_starts(kind, shared, both):
    head = Head(3, discrete=True)
    network = Network(head, box(2), kind, 8, 1, "tanh", share_layers=shared, recurrent_value=both)
    params = init(network, jax.random.key(0))
    rng = np.random.default_rng(0)
    observations = jnp.asarray(rng.normal(size=(T, B, 2)), jnp.float32)
    starts = jnp.asarray(rng.random((T, B)) < 0.3)
    memory = jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(size=leaf.shape), jnp.float32), network.start(B)
    )
    after, whole = network.apply({"params": params}, memory, observations, starts)
    step_memory = memory
    for t in range(T):
        step_memory, one = network.apply(
            {"params": params}, step_memory, observations[t : t + 1], starts[t : t + 1]
        )
        np.testing.assert_allclose(one.value[0], whole.value[t], rtol=1e-4, atol=1e-6)
        said = [outputs.distribution.log_probs for outputs in (one, whole)]
        np.testing.assert_allclose(said[0][0], said[1][t], rtol=1e-4, atol=1e-6)
    for one, other in zip(*map(jax.tree.leaves, (step_memory, after)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)

    # What came before a start changes nothing after it, and without a start it does.
    t, b = np.argwhere(np.asarray(starts[1:]))[0] + [1, 0]
    for begins in (True, False):
        changed = observations.at[:t, b].add(1.0)
        flags = starts.at[t, b].set(begins)
        _, one = network.apply({"params": params}, memory, observations, flags)
        _, other = network.apply({"params": params}, memory, changed, flags)
        said = [outputs.distribution.log_probs[t:, b] for outputs in (one, other)]
        assert bool(jnp.all(said[0] == said[1])) == begins
        # A value without a memory knows nothing of the steps before.
        same = bool(jnp.all(one.value[t:, b] == other.value[t:, b]))
        assert same == (begins or not (shared or both))


def test_an_lstm_is_flaxs():
    rng = np.random.default_rng(0)
    inputs = jnp.asarray(rng.normal(size=(T, B, 3)), jnp.float32)
    ours = _Lstm(5)
    start = tuple(jnp.asarray(rng.normal(size=(B, 5)), jnp.float32) for _ in range(2))
    params = ours.init(jax.random.key(0), start, inputs, jnp.zeros((T, B), bool))
    memory, found = ours.apply(params, start, inputs, jnp.zeros((T, B), bool))
    theirs = nn.OptimizedLSTMCell(5)
    own = params["params"]
    parts = {
        f"{side}{gate}": {"kernel": kernel}
        for side, whole in (("i", own["inputs"]["kernel"]), ("h", own["memory"]))
        for gate, kernel in zip("ifgo", jnp.split(whole, 4, axis=1), strict=True)
    }
    for gate, bias in zip("ifgo", jnp.split(own["inputs"]["bias"], 4), strict=True):
        parts[f"h{gate}"]["bias"] = bias
    output, cell = start
    for t in range(T):
        (cell, output), said = theirs.apply({"params": parts}, (cell, output), inputs[t])
        np.testing.assert_allclose(found[t], said, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(memory, (output, cell), rtol=1e-5, atol=1e-6)


def test_a_fresh_policy_has_the_deviation_it_was_given():
    for log_std in (0.0, -1.0):
        config = Config(hidden=4, initial_log_std=log_std)
        network = make_network(config, box(2), Head(3, False, (-1.0,) * 3, (1.0,) * 3))
        params = init(network, jax.random.key(0))
        _, outputs = network.apply({"params": params}, (), jnp.ones((1, 1, 2)), jnp.ones((1, 1)))
        noise = np.random.default_rng(0).random((100_000, 3), np.float32)
        actions = np.asarray(outputs.distribution.sample(noise))
        np.testing.assert_allclose(actions.std(axis=(0, 1)), np.exp(log_std), rtol=0.02)


@pytest.mark.parametrize("kind", ["mlp", "gru", "cnn"])
@pytest.mark.parametrize("parameters", [134_000, 2_000_000, 20_000_000, 200_000_000])
def test_networks_come_in_the_wanted_size(kind, parameters):
    shape = (32, 32, 3) if kind == "cnn" else (8,)
    config = Config(network=kind, layers=2, parameters=parameters)
    network = make_network(config, box(*shape), Head(3, discrete=True))
    assert count_parameters(network) == pytest.approx(parameters, rel=0.1)


def test_parameters_are_counted_as_they_are_made():
    # Eight inputs, two hidden layers of 16, three actions, one value.
    layers = (8 * 16 + 16) + (16 * 16 + 16)
    heads = (16 * 3 + 3) + (16 + 1)
    head = Head(3, discrete=True)
    for shared in (True, False):
        mlp = Network(head, box(8), "mlp", 16, 2, "relu", share_layers=shared)
        assert count_parameters(mlp) == layers * (1 if shared else 2) + heads
    for kind, shape in (("mlp", (8,)), ("gru", (8,)), ("cnn", (16, 16))):
        network = Network(head, box(*shape), kind, hidden=8, layers=1, activation="relu")
        made = jax.tree.leaves(init(network, jax.random.key(0)))
        assert count_parameters(network) == sum(leaf.size for leaf in made)


def test_a_cnn_reads_bytes_as_brightness_and_refuses_flat_observations():
    head = Head(2, discrete=True)
    network = Network(head, box(16, 16, dtype="uint8"), "cnn", 8, 1, "relu")
    params = init(network, jax.random.key(0))
    image = np.random.default_rng(0).integers(0, 256, (1, 2, 16, 16), dtype=np.uint8)
    starts = jnp.ones((1, 2), bool)
    _, one = network.apply({"params": params}, (), jnp.asarray(image), starts)
    floats = jnp.asarray(image / 255.0, jnp.float32)
    _, other = network.apply({"params": params}, (), floats, starts)
    np.testing.assert_allclose(one.value, other.value, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="'cnn' needs images"):
        init(Network(head, box(8), "cnn", 8, 1, "relu"), jax.random.key(0))


@pytest.mark.parametrize("kind", ["mlp", "gru", "lstm", "cnn"])
@pytest.mark.parametrize("shared", [True, False])
def test_the_value_moves_no_layer_of_the_policy_unless_they_share(kind, shared):
    shape = (16, 16) if kind == "cnn" else (5,)
    network = Network(Head(3, True), box(*shape), kind, 8, 1, "tanh", share_layers=shared)
    params = init(network, jax.random.key(0))
    observations = jax.random.normal(jax.random.key(1), (T, B, *shape))

    def touched(part):
        def number(params):
            memory = network.start(B)
            _, outputs = network.apply({"params": params}, memory, observations, jnp.ones((T, B)))
            return {"value": outputs.value, "policy": outputs.distribution.log_probs}[part][
                -1
            ].sum()

        gradient = jax.grad(lambda params: number(params) ** 2)(params)
        return {name for name, leaf in gradient.items() if any(map(jnp.any, jax.tree.leaves(leaf)))}

    common = touched("value") & touched("policy")
    assert bool(common) == shared
    assert touched("value") | touched("policy") == set(params)


def test_a_choice_is_read_as_one_of_several_things():
    choice = reading_of(gymnasium.spaces.Discrete(4, start=-1), Config())
    found = choice.flat(jnp.asarray([[-1, 2, 0]]))
    np.testing.assert_array_equal(found, np.eye(4)[[0, 3, 1]][None])
    several = reading_of(gymnasium.spaces.MultiDiscrete([3, 2], start=[0, 5]), Config())
    found = several.flat(jnp.asarray([[[2, 5], [0, 6]]]))
    np.testing.assert_array_equal(found, [[[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]])
    numbers = reading_of(gymnasium.spaces.Box(-1, 1, (2, 2)), Config())
    assert numbers.flat(jnp.ones((1, 3, 2, 2))).shape == (1, 3, 4)
    bits = reading_of(gymnasium.spaces.MultiBinary(3), Config())
    assert bits.flat(jnp.ones((1, 2, 3), jnp.int8)).dtype == jnp.float32


@pytest.mark.parametrize(
    ("space", "changes", "message"),
    [
        (gymnasium.spaces.Dict(a=gymnasium.spaces.Discrete(2)), {}, r"cannot read .*TransformObs"),
        (gymnasium.spaces.Text(4), {}, "cannot read observations of Text"),
        (gymnasium.spaces.Discrete(2), {"network": "cnn"}, "'cnn' is not allowed for Discrete"),
        (gymnasium.spaces.Discrete(2), {"normalize_observations": True}, "give false"),
    ],
)
def test_observations_that_cannot_be_read_are_refused(space, changes, message):
    with pytest.raises(ConfigError, match=message):
        reading_of(space, Config(**changes))
