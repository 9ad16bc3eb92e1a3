"""What is learnt: each task is the preset that ``envlift train gymnasium:ID`` uses too."""

from __future__ import annotations

from envlift.bench.learning.catch import ID as CATCH
from envlift.train import settings
from envlift.train.config import Config

TRAINERS = ("envlift", "stable-baselines3")
IMAGES = Config(
    env=f"gymnasium:{CATCH}",
    collector="host",
    network="cnn",
    total_steps=102_400,
    num_envs=16,
    horizon=64,
    epochs=4,
    minibatches=16,
    hidden=128,
    learning_rate=1e-3,
)
IDS = (
    *("CartPole-v1", "Pendulum-v1", "Acrobot-v1", "LunarLander-v3"),
    *("MountainCarContinuous-v0", "HalfCheetah-v5"),
)


def tasks() -> dict[str, Config]:
    """Return the configuration of every task, by its Gymnasium id."""
    found = {}
    for name in IDS:
        path = settings.preset(f"gymnasium:{name}")
        assert path is not None
        own = settings.read_file(path)
        found[name] = Config(env=f"gymnasium:{name}", collector="host", **own)
    return found | {CATCH: IMAGES}
