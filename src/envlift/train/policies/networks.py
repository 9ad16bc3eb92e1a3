"""Actor-critic networks over whole sequences: MLP, GRU, LSTM and a small CNN.

Policy and value have layers of their own unless they are told to share them.

Every network maps a stretch of ``T`` steps of ``B`` environments at once. A recurrent one is reset
where an episode starts; for the others a sequence is only a larger batch.

Shape letters: ``T`` steps, ``B`` environments, ``H`` hidden units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from envlift.train.config import RECURRENT, Config, ConfigError
from envlift.train.policies import normalizer
from envlift.train.policies.distributions import Distribution, Head
from envlift.train.policies.normalizer import Normalizer
from envlift.train.policies.observations import Reading

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {"relu": nn.relu, "tanh": nn.tanh}
CHANNELS = (16, 32, 32)
MULTIPLE = 4
"""Widths found for a target of parameters are multiples of this: vector units like that."""


class Outputs(NamedTuple):
    """What a network says about every step.

    Attributes:
        distribution: over actions, batch shape [T, B].
        value: float32 [T, B].
    """

    distribution: Distribution
    value: jax.Array


VALUE = "value_"
"""Before the names of the value's own layers; the policy's have none, shared or not."""


class Network(nn.Module):
    """Encoder and optional recurrent layer, each once or twice; policy head and value head.

    Attributes:
        head: what the policy's numbers mean.
        reading: how observations are read.
        kind: ``mlp``, ``gru``, ``lstm`` or ``cnn``.
        hidden: ``H``.
        layers: hidden layers of the encoder.
        activation: ``relu`` or ``tanh``.
        normalize: observations become standard scores first, see ``normalizer``.
        initial_log_std: logarithm of the deviation of a fresh policy's continuous actions.
        share_layers: the value head stands on the policy's layers, instead of on its own.
        recurrent_value: the value's own layers have a memory too.
        normalize_rewards: statistics of rewards lie among the parameters, see ``normalizer``.
    """

    head: Head
    reading: Reading
    kind: str
    hidden: int
    layers: int
    activation: str
    normalize: bool = False
    initial_log_std: float = 0.0
    share_layers: bool = False
    recurrent_value: bool = True
    normalize_rewards: bool = False

    @property
    def recurrent(self) -> bool:
        """Whether steps depend on the steps before them."""
        return self.kind in RECURRENT

    @property
    def _two_memories(self) -> bool:
        return self.recurrent_value and not self.share_layers

    def start(self, batch: int) -> Any:
        """Return the memory of ``batch`` environments that begin.

        Of a GRU float32 [B, H], of an LSTM a pair of them, output and cell; of the policy, and of
        the value if that has its own. Otherwise nothing.
        """

        def zeros() -> jax.Array:
            return jnp.zeros((batch, self.hidden), jnp.float32)

        def own() -> Any:
            return zeros() if self.kind == "gru" else (zeros(), zeros())

        if not self.recurrent:
            return ()
        return (own(), own()) if self._two_memories else own()

    @nn.compact
    def __call__(
        self, memory: Any, observations: jax.Array, starts: jax.Array, mask: jax.Array | None = None
    ) -> tuple[Any, Outputs]:
        """Apply the network to a stretch of steps.

        Args:
            memory: what ``start`` or the stretch before gave.
            observations: [T, B, ...]; images [T, B, height, width(, channels)] for a CNN.
            starts: bool [T, B]; the memory is emptied before a step that starts an episode.
            mask: bool [T, B, A] of legal actions, None if all are.
        """
        if self.normalize:
            observations = Normalizer(observations.shape[2:], name=normalizer.NAME)(observations)
        if self.normalize_rewards:
            # Only to be among the parameters: the collector reads and the learner writes them.
            Normalizer((), name=normalizer.REWARDS)(jnp.zeros((1, 1)))
        if self.recurrent and self._two_memories:
            ours, values = memory
            ours, x = self._layers(ours, observations, starts, "", self.recurrent)
            values, of_value = self._layers(values, observations, starts, VALUE, self.recurrent)
            memory = (ours, values)
        else:
            memory, x = self._layers(memory, observations, starts, "", self.recurrent)
            of_value = x
            if not self.share_layers:
                _, of_value = self._layers((), observations, starts, VALUE, False)
        raw = _dense(self.head.outputs, 0.01, "policy")(x)
        value = _dense(1, 1.0, "value")(of_value)[..., 0]
        log_std = None
        if not self.head.discrete:
            begin = nn.initializers.constant(self.initial_log_std)
            log_std = self.param("log_std", begin, (self.head.outputs,))
        return memory, Outputs(self.head.distribution(raw, log_std, mask), value)

    def _layers(
        self, memory: Any, observations: jax.Array, starts: jax.Array, prefix: str, recurrent: bool
    ) -> tuple[Any, jax.Array]:
        """Return the memory, and float32 [T, B, H] on which a head stands."""
        act = ACTIVATIONS[self.activation]
        if self.kind == "cnn":
            x = self._image(observations, act, prefix)
        else:
            x = self.reading.flat(observations)
        for layer in range(self.layers):
            x = act(_dense(self.hidden, math.sqrt(2.0), f"{prefix}encoder_{layer}")(x))
        if recurrent:
            layer_of = _Gru if self.kind == "gru" else _Lstm
            memory, x = layer_of(self.hidden, name=f"{prefix}{self.kind}")(memory, x, starts)
        return memory, x

    def _image(
        self, observations: jax.Array, act: Callable[[jax.Array], jax.Array], prefix: str
    ) -> jax.Array:
        lead, shape = observations.shape[:2], observations.shape[2:]
        if len(shape) not in (2, 3):
            raise ValueError(
                f"network = 'cnn' needs images [height, width] or [height, width, channels], the "
                f"observation has shape {shape}; use network = 'mlp'"
            )
        x = observations.reshape(-1, *shape, *([1] if len(shape) == 2 else []))
        scale = 255.0 if observations.dtype == jnp.uint8 else 1.0
        x = x.astype(jnp.float32) / scale
        for index, channels in enumerate(CHANNELS):
            x = act(nn.Conv(channels, (3, 3), (2, 2), name=f"{prefix}conv_{index}")(x))
        return x.reshape(*lead, -1)


class _Gru(nn.Module):
    """A gated recurrent unit (Cho et al. 2014, reset gate after the product, as cuDNN has it)."""

    hidden: int

    @nn.compact
    def __call__(
        self, memory: jax.Array, inputs: jax.Array, starts: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """memory: [B, H]; inputs: [T, B, F]; starts: bool [T, B] -> memory, outputs [T, B, H]."""
        # The products with the inputs are one large matrix product; only the rest is sequential.
        from_inputs = nn.Dense(
            3 * self.hidden, kernel_init=nn.initializers.orthogonal(), name="inputs"
        )(inputs)
        shape = (self.hidden, 3 * self.hidden)
        kernel = self.param("memory", nn.initializers.orthogonal(), shape)
        bias = self.param("memory_bias", nn.initializers.zeros, (self.hidden,))

        def step(memory: jax.Array, step_inputs: Any) -> tuple[jax.Array, jax.Array]:
            from_input, start = step_inputs
            memory = jnp.where(start[:, None], 0.0, memory)
            from_memory = memory @ kernel
            gates = nn.sigmoid(from_input[:, : 2 * self.hidden] + from_memory[:, : 2 * self.hidden])
            reset, keep = gates[:, : self.hidden], gates[:, self.hidden :]
            new = nn.tanh(
                from_input[:, 2 * self.hidden :]
                + reset * (from_memory[:, 2 * self.hidden :] + bias)
            )
            memory = new + keep * (memory - new)
            return memory, memory

        return jax.lax.scan(step, memory, (from_inputs, starts))


class _Lstm(nn.Module):
    """Long short-term memory (Hochreiter and Schmidhuber 1997, with the gate that forgets).

    A fresh one forgets little: its bias there is 1 (Jozefowicz et al. 2015).
    """

    hidden: int

    @nn.compact
    def __call__(
        self, memory: tuple[jax.Array, jax.Array], inputs: jax.Array, starts: jax.Array
    ) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        """memory: two [B, H]; inputs: [T, B, F]; starts: bool [T, B] -> memory, outputs [T, B, H].

        The gates stand in the order input, forget, cell, output.
        """
        width = self.hidden

        def forgetful(_: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
            return jnp.zeros(shape, dtype).at[width : 2 * width].set(1.0)

        orthogonal = nn.initializers.orthogonal()
        from_inputs = nn.Dense(
            4 * width, kernel_init=orthogonal, bias_init=forgetful, name="inputs"
        )(inputs)
        kernel = self.param("memory", orthogonal, (width, 4 * width))

        def step(memory: Any, step_inputs: Any) -> tuple[Any, jax.Array]:
            from_input, start = step_inputs
            output, cell = (jnp.where(start[:, None], 0.0, part) for part in memory)
            gates = from_input + output @ kernel
            take, keep, new, show = jnp.split(gates, 4, axis=-1)
            cell = nn.sigmoid(keep) * cell + nn.sigmoid(take) * nn.tanh(new)
            output = nn.sigmoid(show) * nn.tanh(cell)
            return (output, cell), output

        return jax.lax.scan(step, memory, (from_inputs, starts))


def _dense(features: int, gain: float, name: str) -> nn.Dense:
    return nn.Dense(features, kernel_init=nn.initializers.orthogonal(gain), name=name)


Maker = Callable[[Config, Reading, Head], Network]
"""Makes a network of your own from a run's settings, how observations are read, and what the
outputs mean. What it makes has the attributes and methods of ``Network`` that are not private."""


def made(maker: Maker, config: Config, reading: Reading, head: Head) -> Network:
    """Return what a maker makes.

    Raises:
        ConfigError: if it has a memory and the setting ``network`` says otherwise, or the reverse.
    """
    network = maker(config, reading, head)
    if network.recurrent != (config.network in RECURRENT):
        raise ConfigError(
            f"network = {config.network!r} is not allowed for a network whose recurrent is "
            f"{network.recurrent}: minibatches of one with a memory are whole environments; give "
            f"{'gru' if network.recurrent else 'mlp'}"
        )
    return network


def make_network(config: Config, reading: Reading, head: Head) -> Network:
    """Return the configured network, sized to ``config.parameters`` if that is given.

    Raises:
        ValueError: if no width comes within 10 % of the wanted number of parameters.
    """

    def of(hidden: int) -> Network:
        return Network(
            head,
            reading,
            config.network,
            hidden,
            config.layers,
            config.activation,
            config.normalize_observations,
            config.initial_log_std,
            config.share_layers,
            config.recurrent_value,
            config.normalize_rewards,
        )

    if config.parameters is None:
        return of(config.hidden)
    low, high = 1, 2
    while count_parameters(of(high * MULTIPLE)) < config.parameters:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        enough = count_parameters(of(middle * MULTIPLE)) >= config.parameters
        low, high = (low, middle) if enough else (middle, high)
    wanted = config.parameters
    counts = {width: count_parameters(of(width * MULTIPLE)) for width in (low, high)}
    best = min(counts, key=lambda width: abs(counts[width] - wanted))
    if abs(counts[best] - wanted) > wanted / 10:
        raise ValueError(
            f"parameters = {wanted} cannot be met within 10 %: the nearest {config.network} has "
            f"{counts[best]:,}; change parameters or layers"
        )
    return of(best * MULTIPLE)


def init(network: Network, key: jax.Array) -> Any:
    """Return fresh parameters."""
    shape, dtype = network.reading.shape, network.reading.dtype
    # A reference's float64 is float32 to JAX, as everywhere; asked for outright it would warn.
    observations = jnp.zeros((1, 1, *shape), jax.dtypes.canonicalize_dtype(dtype))
    variables = network.init(key, network.start(1), observations, jnp.ones((1, 1), bool))
    return variables["params"]


def count_parameters(network: Network) -> int:
    """Count a network's numbers without making them."""
    shapes = jax.eval_shape(lambda: init(network, jax.random.key(0)))
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes))
