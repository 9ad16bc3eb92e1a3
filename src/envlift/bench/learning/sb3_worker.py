"""The child that trains in Stable-Baselines3: the same settings, one JSON line.

``python -m envlift.bench.learning.sb3_worker CONFIG``, in an environment that has it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from importlib.metadata import version
from typing import Any

import gymnasium
import numpy as np

from envlift.bench.learning import catch
from envlift.train.config import Config


def arguments(config: Config) -> dict[str, Any]:
    """Return what Stable-Baselines3's ``PPO`` is given for a configuration of ours.

    Its policy and value have layers of their own, as ours have by default. Our value loss is half
    the squared error, its the whole.
    """
    torch: Any = importlib.import_module("torch")
    rate: Any = config.learning_rate
    if config.anneal:
        rate = lambda left: config.learning_rate * left  # noqa: E731
    widths = [config.hidden] * config.layers
    policy: dict[str, Any] = {
        "activation_fn": {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU}[config.activation],
        "log_std_init": config.initial_log_std,
    }
    if config.network == "cnn":
        # Its CNN ends in one layer, as ours does; both heads share it.
        policy["features_extractor_kwargs"] = {"features_dim": config.hidden}
    else:
        policy["net_arch"] = {"pi": widths, "vf": widths}
    return {
        "policy": "CnnPolicy" if config.network == "cnn" else "MlpPolicy",
        "policy_kwargs": policy,
        "learning_rate": rate,
        "n_steps": config.horizon,
        "batch_size": config.batch // config.minibatches,
        "n_epochs": config.epochs,
        "gamma": config.gamma,
        "gae_lambda": config.gae_lambda,
        "clip_range": config.clip,
        "clip_range_vf": config.value_clip,
        "normalize_advantage": config.normalize_advantages,
        "ent_coef": config.entropy_coefficient,
        "vf_coef": config.value_coefficient / 2,
        "max_grad_norm": config.max_gradient_norm,
        "seed": config.seed,
        "device": "cpu",
    }


def main() -> None:
    """Answer one request."""
    baselines: Any = importlib.import_module("stable_baselines3")
    envs: Any = importlib.import_module("stable_baselines3.common.env_util")
    vectors: Any = importlib.import_module("stable_baselines3.common.vec_env")
    assert catch.ID  # importing it tells Gymnasium of it
    config = Config(**json.loads(sys.argv[1]))
    started = time.perf_counter()
    vector = envs.make_vec_env(
        config.env.removeprefix("gymnasium:"),
        n_envs=config.num_envs,
        seed=config.seed * 1000,
        env_kwargs=config.env_options,
        wrapper_class=gymnasium.wrappers.TransformReward,
        wrapper_kwargs={"func": lambda reward: reward * config.reward_scale},
    )
    if config.normalize_observations:
        vector = vectors.VecNormalize(vector, norm_reward=False)
    model = baselines.PPO(env=vector, **arguments(config))
    model.learn(config.updates * config.batch)
    seconds = time.perf_counter() - started
    answer = {
        "return": float(np.mean([episode["r"] for episode in model.ep_info_buffer])),
        "steps": model.num_timesteps,
        "seconds": seconds,
        "versions": {
            name: version(name) for name in ("stable-baselines3", "torch", "gymnasium", "numpy")
        },
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
