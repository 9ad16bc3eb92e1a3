"""Proximal policy optimisation (Schulman et al. 2017): one update from one rollout.

The learner knows nothing of environments. It takes a ``Rollout`` from either collector, and runs on
one device or, inside ``shard_map``, on a share of the environments per device.

So that the number of devices changes nothing but the order of sums, environments are divided into
``GROUPS`` groups, whatever the devices. Every group shuffles its own samples, and a minibatch takes
an equal part from each.

Shape letters: ``T`` steps, ``B`` environments of this device, ``G`` groups of this device.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from envlift.train.config import RECURRENT, Config, ConfigError
from envlift.train.policies import normalizer
from envlift.train.policies.networks import Network

GROUPS = 8
"""Groups of environments over all devices, where the number of environments can be divided."""

BLOCK = 16
"""Samples of one step that stay together when samples are shuffled: neighbouring environments are
independent, and rows of this size are copied fast."""

AXIS = "devices"
"""Name of the mesh axis along which environments are divided."""


class Rollout(NamedTuple):
    """``T`` steps of ``B`` environments.

    Attributes:
        observation: [T, B, ...], what the policy saw.
        starts: bool [T, B], whether that observation began an episode.
        mask: bool [T, B, A] of legal actions, or None.
        action: [T, B(, D)], as drawn.
        log_prob: float32 [T, B], of the action when it was drawn.
        value: float32 [T, B], of the observation.
        reward: float32 [T, B], scaled by ``config.reward_scale``. Where an episode was truncated
            and did not terminate it includes the discounted value of its final observation, so
            that ``ended`` needs no second kind.
        ended: bool [T, B], terminated or truncated after this step.
        memory: of the network before the first step.
        last_value: float32 [B], of the observation after the last step.
        discounted: float32 [T, B], discounted sum of the unscaled rewards of the episode so far,
            where rewards are normalised.
        valid: bool [T, B], or None if all are: steps in which an environment took the action. One
            that resets itself in the step after an end takes none there.
    """

    observation: jax.Array
    starts: jax.Array
    mask: jax.Array | None
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    reward: jax.Array
    ended: jax.Array
    memory: Any
    last_value: jax.Array
    discounted: jax.Array | None = None
    valid: jax.Array | None = None


class Learner(NamedTuple):
    """What learning changes.

    Attributes:
        params: of the network.
        optimizer: state of Adam.
    """

    params: Any
    optimizer: Any


class Samples(NamedTuple):
    """What the loss needs of every step; leaves [T, B, ...]."""

    observation: jax.Array
    starts: jax.Array
    mask: jax.Array | None
    action: jax.Array
    log_prob: jax.Array
    value: jax.Array
    advantage: jax.Array
    target: jax.Array
    valid: jax.Array | None = None


def gae(
    reward: jax.Array,
    value: jax.Array,
    ended: jax.Array,
    last_value: jax.Array,
    gamma: float,
    gae_lambda: float,
) -> jax.Array:
    """Return generalised advantage estimates (Schulman et al. 2015), float32 [T, B].

    Args:
        reward, value, ended: [T, B], as in ``Rollout``.
        last_value: [B].
        gamma: discount.
        gae_lambda: weight of longer estimates.
    """

    def backward(carry: Any, step: Any) -> tuple[Any, jax.Array]:
        advantage, next_value = carry
        reward, value, ended = step
        goes_on = jnp.where(ended, 0.0, 1.0)
        delta = reward + gamma * next_value * goes_on - value
        advantage = delta + gamma * gae_lambda * goes_on * advantage
        return (advantage, value), advantage

    start = (jnp.zeros_like(last_value), last_value)
    _, advantages = jax.lax.scan(backward, start, (reward, value, ended), reverse=True, unroll=8)
    return advantages


def make_optimizer(config: Config) -> optax.GradientTransformation:
    """Return Adam with gradient clipping and, if wanted, a falling learning rate."""
    rate: Any = config.learning_rate
    if config.anneal:
        steps = config.updates * config.epochs * config.minibatches
        rate = optax.linear_schedule(config.learning_rate, 0.0, steps)
    return optax.chain(
        optax.clip_by_global_norm(config.max_gradient_norm),
        optax.adam(rate, eps=config.adam_epsilon),
    )


def groups_of(config: Config) -> int:
    """Return the groups over all devices.

    Raises:
        ConfigError: if environments cannot be divided evenly among devices or minibatches.
    """
    wanted = math.lcm(GROUPS, config.devices)
    groups = math.gcd(config.num_envs, wanted)
    if config.num_envs % config.devices or groups % config.devices:
        raise ConfigError(
            f"num_envs = {config.num_envs} cannot be divided among {config.devices} devices in "
            f"equal groups: give a multiple of {wanted}"
        )
    if config.network not in RECURRENT:
        return groups
    # A minibatch takes whole environments, as many from each group: fewer groups may have enough.
    for fewer in range(groups, 0, -1):
        fits = groups % fewer == 0 and fewer % config.devices == 0
        if fits and (config.num_envs // fewer) % config.minibatches == 0:
            return fewer
    return groups


def rows_of(config: Config) -> tuple[int, int]:
    """Return how many rows a group shuffles, and how many samples of one step a row has.

    A row of a recurrent network is one environment's whole stretch.

    Raises:
        ConfigError: if the rows cannot be divided into equal minibatches.
    """
    envs = config.num_envs // groups_of(config)
    if config.network in RECURRENT:
        rows, block = envs, 1
    else:
        block = math.gcd(envs, BLOCK)
        while block > 1 and (config.horizon * envs // block) % config.minibatches:
            block //= 2
        rows = config.horizon * envs // block
    if rows % config.minibatches:
        if config.network in RECURRENT:
            raise ConfigError(
                f"minibatches = {config.minibatches} does not divide the {config.num_envs} "
                f"environments of {config.devices} devices: give a divisor of "
                f"{config.num_envs // config.devices}, or change num_envs"
            )
        raise ConfigError(
            f"minibatches = {config.minibatches} does not divide the {rows} samples of each of "
            f"{groups_of(config)} groups: give a divisor of {rows}, or change num_envs"
        )
    return rows, block


def mean_of(values: jax.Array, valid: jax.Array | None) -> jax.Array:
    """Return the mean of values [...], of the valid ones alone if not all are; 0 if none is."""
    if valid is None:
        return jnp.mean(values)
    return jnp.sum(jnp.where(valid, values, 0.0)) / jnp.maximum(jnp.sum(valid), 1)


def loss_of(
    network: Network,
    config: Config,
    params: Any,
    memory: Any,
    samples: Samples,
    clip: jax.Array | None = None,
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """Return the loss of one minibatch, and what a person wants to see of it.

    Samples are [T', B', ...]; the means are over all valid ones. ``clip`` is that of
    ``config`` by default.
    """
    clip = jnp.float32(config.clip) if clip is None else clip
    valid = samples.valid
    applied: Any = network.apply(
        {"params": params}, memory, samples.observation, samples.starts, samples.mask
    )
    outputs = applied[1]
    log_prob = outputs.distribution.log_prob(samples.action)
    log_ratio = log_prob - samples.log_prob
    ratio = jnp.exp(log_ratio)
    advantage = samples.advantage
    clipped = jnp.clip(ratio, 1.0 - clip, 1.0 + clip)
    policy_loss = -mean_of(jnp.minimum(ratio * advantage, clipped * advantage), valid)
    error = (outputs.value - samples.target) ** 2
    if config.value_clip is not None:
        moved = outputs.value - samples.value
        near = samples.value + jnp.clip(moved, -config.value_clip, config.value_clip)
        error = jnp.maximum(error, (near - samples.target) ** 2)
    value_loss = 0.5 * mean_of(error, valid)
    entropy = mean_of(outputs.distribution.entropy(), valid)
    loss = (
        policy_loss + config.value_coefficient * value_loss - config.entropy_coefficient * entropy
    )
    shown = {
        "policy_loss": policy_loss,
        "value_loss": value_loss,
        "entropy": entropy,
        # The estimator of KL with low variance (Schulman, "Approximating KL divergence").
        "approx_kl": mean_of(ratio - 1.0 - log_ratio, valid),
        "clip_fraction": mean_of(jnp.where(jnp.abs(ratio - 1.0) > clip, 1.0, 0.0), valid),
    }
    return loss, shown


def normalized(advantage: jax.Array, valid: jax.Array | None = None) -> jax.Array:
    """Return advantages with mean 0 and standard deviation 1 over the minibatch of all devices."""
    mean = jax.lax.pmean(mean_of(advantage, valid), AXIS)
    variance = jax.lax.pmean(mean_of((advantage - mean) ** 2, valid), AXIS)
    return (advantage - mean) / (jnp.sqrt(variance) + 1e-8)


def learn(
    network: Network, config: Config, learner: Learner, rollout: Rollout, key: jax.Array
) -> tuple[Learner, dict[str, jax.Array]]:
    """Update the learner from one rollout: ``epochs`` passes of ``minibatches`` gradient steps.

    Must be called where the mesh axis ``AXIS`` is bound (``shard_map``); ``key`` is the same on
    all devices.

    Returns:
        The learner, and float32 scalars averaged over the minibatches that were learnt from.
    """
    optimizer = make_optimizer(config)
    clip = jnp.float32(config.clip)
    if config.anneal_clip:
        total = config.updates * config.epochs * config.minibatches
        done = optax.tree.get(learner.optimizer, "ScaleByAdamState").count
        clip = clip * jnp.maximum(0.0, 1.0 - done / total)
    advantage = gae(
        rollout.reward,
        rollout.value,
        rollout.ended,
        rollout.last_value,
        config.gamma,
        config.gae_lambda,
    )
    samples = Samples(
        rollout.observation,
        rollout.starts,
        rollout.mask,
        rollout.action,
        rollout.log_prob,
        rollout.value,
        advantage,
        advantage + rollout.value,
        rollout.valid,
    )
    rows, block = rows_of(config)
    groups = groups_of(config) // config.devices
    take = _sequences if network.recurrent else _blocks
    samples = jax.tree.map(lambda leaf: _rows(leaf, groups, block, network.recurrent), samples)
    memory = jax.tree.map(lambda leaf: leaf.reshape(groups, -1, *leaf.shape[1:]), rollout.memory)

    def step(learner: Learner, chosen: jax.Array) -> tuple[Learner, dict[str, jax.Array]]:
        part, start = take(samples, memory, chosen)
        if config.normalize_advantages:
            part = part._replace(advantage=normalized(part.advantage, part.valid))
        gradient_of = jax.grad(
            lambda params: loss_of(network, config, params, start, part, clip), has_aux=True
        )
        gradients, shown = gradient_of(learner.params)
        gradients, shown = jax.lax.pmean((gradients, shown), AXIS)
        updates, state = optimizer.update(gradients, learner.optimizer, learner.params)
        shown["gradient_norm"] = optax.tree.norm(gradients)
        return Learner(optax.apply_updates(learner.params, updates), state), shown

    def minibatch(
        carry: tuple[Learner, jax.Array], chosen: jax.Array
    ) -> tuple[tuple[Learner, jax.Array], Any]:
        learner, going = carry
        if config.target_kl is None:
            learner, shown = step(learner, chosen)
            return (learner, going), (shown, going)
        nothing = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(step, learner, chosen)[1]
        )
        after, shown = jax.lax.cond(
            going, lambda: step(learner, chosen), lambda: (learner, nothing)
        )
        # The step that finds the policy too far is not taken either, as others have it.
        far = shown["approx_kl"] > 1.5 * config.target_kl
        learner = jax.tree.map(lambda old, new: jnp.where(far, old, new), learner, after)
        return (learner, going & ~far), (shown, going)

    def epoch(carry: tuple[Learner, jax.Array], key: jax.Array) -> tuple[Any, Any]:
        chosen = _shuffle(key, groups, rows, config.minibatches)
        return jax.lax.scan(minibatch, carry, chosen)

    (learner, _), (shown, taken) = jax.lax.scan(
        epoch, (learner, jnp.bool_(True)), jax.random.split(key, config.epochs)
    )
    params = normalizer.update(learner.params, rollout.observation, AXIS)
    if rollout.discounted is not None:
        params = normalizer.update(params, rollout.discounted, AXIS, normalizer.REWARDS)
    learner = learner._replace(params=params)
    metrics = {name: mean_of(values, taken) for name, values in shown.items()}
    return learner, metrics | _fit(samples.target, samples.value, samples.valid)


def _shuffle(key: jax.Array, groups: int, rows: int, minibatches: int) -> jax.Array:
    """Return row numbers, int32 [minibatches, G, rows / minibatches], shuffled in each group."""
    first = jax.lax.axis_index(AXIS) * groups
    keys = jax.vmap(lambda group: jax.random.fold_in(key, group))(first + jnp.arange(groups))
    shuffled = jax.vmap(lambda key: jax.random.permutation(key, rows))(keys)
    return jnp.swapaxes(shuffled.reshape(groups, minibatches, -1), 0, 1)


def _rows(leaf: jax.Array, groups: int, block: int, recurrent: bool) -> jax.Array:
    """Arrange [T, B, ...] by group: [T, G, B / G, ...], or [G, rows, block, ...] of samples."""
    horizon, _, *rest = leaf.shape
    if recurrent:
        return leaf.reshape(horizon, groups, -1, *rest)
    split = leaf.reshape(horizon, groups, -1, block, *rest)
    return jnp.moveaxis(split, 1, 0).reshape(groups, -1, block, *rest)


def _blocks(samples: Samples, memory: Any, chosen: jax.Array) -> tuple[Samples, Any]:
    """Take rows of samples, chosen [G, n], as one step of many environments."""

    def take(leaf: jax.Array) -> jax.Array:
        part = jax.vmap(lambda rows, which: rows[which])(leaf, chosen)
        return part.reshape(1, -1, *leaf.shape[3:])

    return jax.tree.map(take, samples), memory


def _sequences(samples: Samples, memory: Any, chosen: jax.Array) -> tuple[Samples, Any]:
    """Take whole stretches of environments, chosen [G, n]."""

    def take(leaf: jax.Array) -> jax.Array:
        part = jax.vmap(lambda rows, which: rows[:, which], in_axes=(1, 0), out_axes=1)
        return part(leaf, chosen).reshape(leaf.shape[0], -1, *leaf.shape[3:])

    def begin(leaf: jax.Array) -> jax.Array:
        part = jax.vmap(lambda rows, which: rows[which])(leaf, chosen)
        return part.reshape(-1, *leaf.shape[2:])

    return jax.tree.map(take, samples), jax.tree.map(begin, memory)


def _fit(target: jax.Array, value: jax.Array, valid: jax.Array | None) -> dict[str, jax.Array]:
    """Return the share of the targets' variance that the values explained before the update."""
    mean = jax.lax.pmean(mean_of(target, valid), AXIS)
    variance = jax.lax.pmean(mean_of((target - mean) ** 2, valid), AXIS)
    residual = target - value
    offset = jax.lax.pmean(mean_of(residual, valid), AXIS)
    left = jax.lax.pmean(mean_of((residual - offset) ** 2, valid), AXIS)
    return {"explained_variance": 1.0 - left / jnp.maximum(variance, 1e-12)}
