"""A trained policy by itself: NumPy in, NumPy out.

Shape letters: ``B`` environments, ``A`` actions, ``N`` numbers of noise per action.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.train.config import Config
from envlift.train.distributions import Head
from envlift.train.networks import Maker, Network, init, make_network
from envlift.train.observations import Reading

Array = np.ndarray[Any, np.dtype[Any]]


def apply_once(
    network: Network, params: Any, memory: Any, observation: Any, starts: Any, mask: Any
) -> tuple[Any, Any, jax.Array]:
    """Apply a network to one step of B environments: new memory, distribution, values [B]."""
    one = jax.tree.map(lambda leaf: leaf[None], (observation, starts, mask))
    applied: Any = network.apply({"params": params}, memory, *one)
    memory, outputs = applied
    distribution = outputs.distribution
    if hasattr(distribution, "log_std"):
        log_std = jnp.broadcast_to(distribution.log_std, distribution.mean.shape)
        distribution = distribution._replace(log_std=log_std)
    distribution, value = jax.tree.map(lambda leaf: leaf[0], (distribution, outputs.value))
    return memory, distribution, value


class Policy:
    """A network with its parameters.

    Args:
        config: of the run it comes from.
        head: what its outputs mean.
        reading: how it reads observations.
        params: the network's parameters.
        network: makes a network of your own, as it was given to ``train``.
    """

    def __init__(
        self,
        config: Config,
        head: Head,
        reading: Reading,
        params: Any,
        network: Maker = make_network,
    ) -> None:
        self.config = config
        self.head = head
        self.reading = reading
        self.params = params
        self.network = network(config, reading, head)
        self._act = jax.jit(self._acted, static_argnums=6)

    @property
    def noise_size(self) -> int:
        """Uniform numbers that one action takes, ``N``."""
        return self.head.noise_size

    @property
    def observation_shape(self) -> tuple[int, ...]:
        """Shape of one observation."""
        return self.reading.shape

    @property
    def observation_dtype(self) -> str:
        """Dtype of observations."""
        return self.reading.dtype

    def start(self, batch: int) -> Any:
        """Return the memory of ``batch`` environments that begin."""
        return self.network.start(batch)

    def act(
        self,
        memory: Any,
        observation: Array,
        starts: Array,
        noise: Array,
        mask: Array | None = None,
        greedy: bool = False,
    ) -> tuple[Any, Array]:
        """Choose actions.

        Args:
            memory: from ``start`` or the last call.
            observation: [B, ...].
            starts: bool [B], whether the observation begins an episode.
            noise: float32 [B, N], uniform in [0, 1): equal noise draws equal actions.
            mask: [B, A], true (or not 0) where an action is legal; None if all are.
            greedy: take the most probable action, and no notice of the noise.

        Returns:
            The memory for the next call, and actions as the environment takes them: int32 [B] or
            [B, M], or float32 [B, D] within bounds.
        """
        legal = None if mask is None else np.asarray(mask, np.bool_)
        noise = np.asarray(noise, np.float32)
        memory, action = self._act(self.params, memory, observation, starts, noise, legal, greedy)
        return memory, np.asarray(action)

    def opponent(self, greedy: bool = False) -> Callable[[Any, Any, Any], jax.Array]:
        """Return it as an opponent for ``envlift.against``: ``(key, observation, mask) -> action``.

        Raises:
            ValueError: for a network with a memory, which a step of a game has no place for.
        """
        if self.network.recurrent:
            raise ValueError(
                f"network = {self.config.network!r} remembers, and an opponent of one step cannot: "
                "play it in envlift arena, or train an mlp"
            )

        def opponent(key: jax.Array, observation: Any, mask: Any) -> jax.Array:
            one = jax.tree.map(lambda leaf: leaf[None], (observation, mask))
            noise = jax.random.uniform(key, (1, self.noise_size))
            starts = jnp.zeros(1, bool)
            _, action = self._acted(self.params, (), one[0], starts, noise, one[1], greedy)
            return action[0]

        return opponent

    def _acted(
        self,
        params: Any,
        memory: Any,
        observation: Any,
        starts: Any,
        noise: Any,
        mask: Any,
        greedy: bool,
    ) -> tuple[Any, jax.Array]:
        memory, distribution, _ = apply_once(
            self.network, params, memory, observation, starts, mask
        )
        action = distribution.mode() if greedy else distribution.sample(noise)
        return memory, self.head.played(action)

    # -- what a checkpoint must know to make it again ---------------------------------------------

    def about(self) -> dict[str, Any]:
        """Return plain data from which ``of`` makes a policy of the same form."""
        return {
            "config": self.config.to_dict(),
            "head": {
                "outputs": self.head.outputs,
                "discrete": self.head.discrete,
                "low": list(self.head.low),
                "high": list(self.head.high),
                "choices": list(self.head.choices),
                "first": list(self.head.first),
                "shape": None if self.head.shape is None else list(self.head.shape),
            },
            "observation_shape": list(self.reading.shape),
            "observation_dtype": self.reading.dtype,
            "observation_choices": list(self.reading.choices),
            "observation_first": list(self.reading.first),
        }

    @classmethod
    def of(cls, about: dict[str, Any], params: Any = None, network: Maker = make_network) -> Policy:
        """Make a policy from what ``about`` gave; without ``params``, with fresh ones."""
        head: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in about["head"].items()
        }
        policy = cls(
            Config.of(about["config"]),
            Head(**head),
            Reading(
                tuple(about["observation_shape"]),
                about["observation_dtype"],
                tuple(about.get("observation_choices", ())),
                tuple(about.get("observation_first", ())),
            ),
            params,
            network,
        )
        if params is None:
            policy.params = init(policy.network, jax.random.key(0))
        return policy
