"""Training in a candidate, a stretch at a time.

``envlift.train`` is imported only when something is asked, so that nothing else needs its packages.

Shape letters: ``B`` rewards, ``K`` points of a learning curve, ``S`` bytes of settings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from envlift.candidate.probes import Answers, Arguments, named, probe
from envlift.candidate.probes.ways import resetting
from envlift.candidate.states import AnyEnv
from envlift.env import Env

STRETCH = 1.0
"""Seconds after which a stretch of training is answered."""

OF_RULES = ("observation", "reward")
"""Of ``envlift.train.trainer.CULPRITS``, what an environment gave."""


@dataclass
class _Training:
    """One that goes on.

    Attributes:
        env: trained in.
        going: goes on, an update at a time.
        trained: the run so far, None before the first update.
        told: updates that were answered.
    """

    env: AnyEnv
    going: Iterator[Any]
    trained: Any = None
    told: int = 0

    def stretch(self) -> bool:
        """Go on for a while; returns whether it has ended."""
        started = time.perf_counter()
        for trained in self.going:
            self.trained, updates = trained, len(trained.history)
            if updates > self.told and time.perf_counter() - started > STRETCH:
                self.told = updates
                return False
        return True


@dataclass
class _Learner:
    """What was compiled for one environment and settings, and is used again with other seeds.

    Attributes:
        env: trained in.
        config: of the last training.
        collector: compiled.
    """

    env: AnyEnv
    config: Any
    collector: Any


_running: dict[bytes, _Training] = {}
"""The one training that goes on in this process, by its settings."""
_learners: list[_Learner] = []
"""The one that was used last."""


@probe("train.ppo")
def ppo(env: AnyEnv, arguments: Arguments) -> Answers:
    """Begin a training, or go on with it, for about a second and at least one update.

    Arguments: ``settings`` uint8 [S], an ``envlift.train.config.Config`` as JSON.

    Returns:
        ``steps``, environment steps so far, and ``ended``. Of a training that has ended also the
        policy's parameters ``params...``, and its curve ``curve.steps``, ``curve.return`` and
        ``curve.score`` [K]. Of one that cannot go on ``failed``, UTF-8 as uint8, and ``of_rules``,
        whether the environment gave a number that is not finite.
    """
    from envlift.train.config import Config, ConfigError
    from envlift.train.trainer import DivergedError

    settings = arguments["settings"].tobytes()
    training = _running.pop(settings, None)
    _running.clear()
    try:
        if training is None or training.env is not env:
            training = _Training(env, _begun(env, Config.of(json.loads(settings))))
        ended = training.stretch()
    except (ConfigError, DivergedError) as error:
        words = np.frombuffer(str(error).encode(), np.uint8)
        of_rules = getattr(error, "culprit", "") in OF_RULES
        return {"failed": words, "of_rules": np.asarray(of_rules)}
    history = training.trained.history
    told: Answers = {
        "steps": np.asarray(history[-1]["steps"] if history else 0, np.int64),
        "ended": np.asarray(ended),
    }
    if not ended:
        _running[settings] = training
        return told
    rows = [row for row in history if row["return"] is not None]
    curve = {
        f"curve.{name}": np.array([row[name] for row in rows], np.float64)
        for name in ("steps", "return", "score")
    }
    return told | curve | named(training.trained.policy.params, "params")


def _begun(env: AnyEnv, config: Any) -> Iterator[Any]:
    """Begin a training, with what was compiled for an earlier one if only the seed differs."""
    from envlift.train.trainer import collector_of, train_by_updates

    for learner in _learners:
        if learner.env is env and learner.config.replace(seed=config.seed) == config:
            learner.collector.reseed(config.seed)
            return train_by_updates(learner.collector)
    collector = collector_of(config, resetting(env))
    _learners[:] = [_Learner(env, config, collector)]
    return train_by_updates(collector)


@probe("train.scores")
def scores(env: AnyEnv, arguments: Arguments) -> Answers:
    """Tell ``own``, whether the environment's score is anything but the reward."""
    return {"own": np.asarray(type(env).score is not Env.score)}


@probe("train.score")
def score(env: AnyEnv, arguments: Arguments) -> Answers:
    """Return ``score`` [B] of ``reward`` [B], see ``Env.score``."""
    return {"score": np.asarray(jax.jit(env.score)(arguments["reward"]))}
