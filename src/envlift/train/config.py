"""What a training run is, in one frozen dataclass.

Defaults are those of the published study (``shared/specs/recipe.md``, arXiv 2603.12145): learning
rate 2.5e-4, clip 0.2, 4 epochs, GAE lambda 0.95, gamma 0.99.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Collector = Literal["fused", "host"]
NetworkKind = Literal["mlp", "gru", "lstm", "cnn"]
RECURRENT = ("gru", "lstm")
"""Networks with a memory."""
Activation = Literal["relu", "tanh"]
PoolChoice = Literal["uniform", "hard"]


class ConfigError(ValueError):
    """A setting that makes no sense: names the field, the value and what is allowed."""


@dataclass(frozen=True)
class Config:
    """One training run. Shape letters: ``T`` = horizon, ``B`` = num_envs.

    Attributes:
        env: a registered name, or ``gymnax:ID``; with the host collector also ``gymnasium:ID``, or
            ``reference:NAME`` for the pinned reference of a registered environment in its own
            process.
        env_options: options of its constructor, for example ``frameskip`` and ``backend``.
        collector: ``fused`` compiles the environment and the learner into one program; ``host``
            steps a Gymnasium ``VectorEnv`` from Python.
        seed: of everything: weights, actions, environments, shuffles. In [0, 2**63).
        total_steps: environment steps over all lanes; rounded up to whole updates.
        num_envs: environments side by side, ``B``.
        horizon: steps of each environment between two updates, ``T``.
        network: ``mlp``, ``gru`` or ``lstm`` (one recurrent layer after the encoder), or ``cnn``
            (for images).
        recurrent_value: the value's own layers have a memory too; false leaves it to the policy.
        hidden: units of each hidden layer.
        layers: hidden layers of the encoder.
        share_layers: policy and value have the layers before their heads in common. Cheaper, but
            the value's gradient may take them over; by default each has its own.
        parameters: about how many parameters the network shall have; overrides ``hidden``.
        activation: of the hidden layers.
        initial_log_std: logarithm of the deviation of a fresh policy's continuous actions.
        learning_rate: of Adam.
        anneal: let the learning rate fall to 0 over ``total_steps``.
        epochs: passes over each rollout.
        minibatches: gradient steps per pass.
        gamma: discount.
        gae_lambda: of generalised advantage estimation.
        clip: of the probability ratio.
        anneal_clip: let it fall to 0 over ``total_steps``.
        target_kl: an update's gradient steps end once one of its minibatches lies farther than
            1.5 times this from the policy that played; None: never.
        value_clip: how far a value may move in one update before its loss is clipped; None: freely.
        value_coefficient: weight of the value loss (half the squared error).
        entropy_coefficient: weight of the entropy bonus.
        max_gradient_norm: gradients are scaled down to this global norm.
        adam_epsilon: of Adam.
        normalize_advantages: to mean 0 and deviation 1 in every minibatch.
        normalize_observations: to mean 0 and deviation 1 of all observations so far, and clipped to
            +-10; what a checkpoint saved is used wherever its policy plays.
        normalize_rewards: divide rewards by the deviation of their discounted sums so far, and clip
            them to +-10, before they are learnt from.
        reward_scale: rewards are multiplied by it before they are learnt from, so that values are
            numbers around 1; what is shown stays as it was.
        target_score: stop once the mean score of the last episodes reaches it; None: never.
        evaluate_every: updates between two evaluations, in environments of their own, with the most
            probable actions; the best policy is kept. 0: never. In self-play the policy is examined
            against the game's bots. None: every 25 in self-play, else never.
        evaluate_episodes: episodes of an evaluation; the same ones every time.
        self_play: of a game, let every seat learn, against the present policy and past ones.
        pool_share: share of the games in which past policies have all seats but one; 0 for none.
        pool_size: past policies that are kept; the oldest makes room.
        pool_every: updates between two that are kept.
        pool_choice: which past policy a group of games meets: ``uniform`` any, ``hard`` rather one
            that still wins.
        evaluate_games: seeds of an examination, each played from every seat against every bot.
        devices: devices of this process among which environments are divided.
        checkpoint_every: updates between two checkpoints; 0: only at the end.
    """

    env: str = "pong"
    env_options: dict[str, Any] = field(default_factory=dict)
    collector: Collector = "fused"
    seed: int = 0
    total_steps: int = 10_000_000
    num_envs: int = 1024
    horizon: int = 64
    network: NetworkKind = "mlp"
    recurrent_value: bool = True
    hidden: int = 128
    layers: int = 1
    share_layers: bool = False
    parameters: int | None = None
    activation: Activation = "relu"
    initial_log_std: float = 0.0
    learning_rate: float = 2.5e-4
    anneal: bool = True
    epochs: int = 4
    minibatches: int = 8
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    anneal_clip: bool = False
    target_kl: float | None = None
    value_clip: float | None = None
    value_coefficient: float = 0.5
    entropy_coefficient: float = 0.01
    max_gradient_norm: float = 0.5
    adam_epsilon: float = 1e-5
    normalize_advantages: bool = True
    normalize_observations: bool = False
    normalize_rewards: bool = False
    reward_scale: float = 1.0
    target_score: float | None = None
    evaluate_every: int | None = None
    evaluate_episodes: int = 32
    self_play: bool = False
    pool_share: float = 0.25
    pool_size: int = 16
    pool_every: int = 10
    pool_choice: PoolChoice = "hard"
    evaluate_games: int = 100
    devices: int = 1
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        """Check every field by itself.

        Raises:
            ConfigError: naming the field, the value and what is allowed.
        """
        for name, known in _CHOICES.items():
            _require(self, name, getattr(self, name) in known, f"one of {', '.join(known)}")
        for name, low in _WHOLE.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            whole = isinstance(value, int) and not isinstance(value, bool)
            _require(self, name, whole and value >= low, f"a whole number from {low}")
        for name, (low_end, high_end) in _REAL.items():
            value = getattr(self, name)
            if value is None and name in _OPTIONAL:
                continue
            real = isinstance(value, (int, float)) and not isinstance(value, bool)
            good = real and math.isfinite(value) and low_end <= value <= high_end
            _require(self, name, good, f"a number from {low_end:g} to {high_end:g}")
        for name in _FLAGS:
            _require(self, name, isinstance(getattr(self, name), bool), "true or false")
        if self.normalize_observations:
            _require(
                self, "network", self.network != "cnn", "mlp, gru or lstm: images stay as they are"
            )
        if self.normalize_observations or self.normalize_rewards:
            # Adam divides what no gradient moves, 0, by itself otherwise.
            _require(self, "adam_epsilon", self.adam_epsilon > 0, "more than 0 to normalize")
        if self.share_layers and self.network in RECURRENT:
            # Else the value would have no layers.
            _require(self, "recurrent_value", self.recurrent_value, "true with share_layers")
        _require(self, "env", isinstance(self.env, str) and self.env != "", "a name")
        _require(self, "env_options", isinstance(self.env_options, dict), "a table of options")
        _require(self, "seed", self.seed < 2**63, "a whole number from 0 to 2**63 - 1")

    @property
    def batch(self) -> int:
        """Environment steps between two updates, ``T * B``."""
        return self.horizon * self.num_envs

    @property
    def examined_every(self) -> int:
        """Updates between two evaluations; 0: never."""
        if self.evaluate_every is None:
            return 25 if self.self_play else 0
        return self.evaluate_every

    @property
    def updates(self) -> int:
        """Updates of the whole run."""
        return -(-self.total_steps // self.batch)

    def replace(self, **changes: Any) -> Config:
        """Return a copy with some fields changed, checked again."""
        return dataclasses.replace(self, **changes)

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> Config:
        """Return what ``to_dict`` gave, in this version or in one that knew fewer settings."""
        # Without a word it was so.
        return cls(**{"share_layers": True, **saved})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``Config(**config.to_dict())`` is equal."""
        return dataclasses.asdict(self)


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "collector": get_args(Collector),
    "network": get_args(NetworkKind),
    "activation": get_args(Activation),
    "pool_choice": get_args(PoolChoice),
}
_WHOLE: Mapping[str, int] = {
    "seed": 0,
    "total_steps": 1,
    "num_envs": 1,
    "horizon": 1,
    "hidden": 1,
    "layers": 0,
    "parameters": 1,
    "epochs": 1,
    "minibatches": 1,
    "evaluate_every": 0,
    "evaluate_episodes": 1,
    "pool_size": 1,
    "pool_every": 1,
    "evaluate_games": 1,
    "devices": 1,
    "checkpoint_every": 0,
}
_REAL: Mapping[str, tuple[float, float]] = {
    "initial_log_std": (-20.0, 20.0),
    "learning_rate": (0.0, 1.0),
    "gamma": (0.0, 1.0),
    "gae_lambda": (0.0, 1.0),
    "clip": (0.0, 1.0),
    "target_kl": (1e-9, 1e9),
    "value_clip": (0.0, 1e9),
    "value_coefficient": (0.0, 1e9),
    "entropy_coefficient": (0.0, 1e9),
    "max_gradient_norm": (1e-9, 1e9),
    "adam_epsilon": (0.0, 1.0),
    "reward_scale": (1e-9, 1e9),
    "target_score": (-1e9, 1e9),
    "pool_share": (0.0, 1.0),
}
_FLAGS = (
    *("anneal", "anneal_clip", "normalize_advantages", "normalize_observations"),
    *("normalize_rewards", "recurrent_value", "self_play", "share_layers"),
)
_OPTIONAL = ("parameters", "value_clip", "target_kl", "target_score", "evaluate_every")


def _require(config: Config, name: str, good: bool, allowed: str) -> None:
    if not good:
        raise ConfigError(f"{name} = {getattr(config, name)!r} is not allowed: give {allowed}")
