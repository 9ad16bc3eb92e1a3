"""Training for level 4: the same learner and settings, in the candidate and in the reference.

The learner of a candidate that is an ``envlift.Env`` runs where that does and answers arrays
(``taught.py``). That of the reference runs here and steps it, as does that of any other candidate.

A game of several players is learnt by self-play: the present policy has all seats, on both sides.

``envlift.train`` is imported only where it is needed, so that verifying needs none of its packages.
"""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import jax

from envlift.extras import install
from envlift.reference.types import Side
from envlift.train.policies.player import Player
from envlift.verify.run.context import Context
from envlift.verify.sides.probing import can_probe
from envlift.verify.suite import Config, Suite

PACKAGES = ("flax", "optax")
CURVE_POINTS = 100
"""Most points that are kept of a learning curve."""

CURVE = ("steps", "return", "score")
"""What a learning curve tells."""

Advance = Callable[[int], None]
"""Is told how many environment steps a training has done."""


class TrainingError(RuntimeError):
    """A policy could not be trained, through no fault of the candidate's rules that can be seen."""


@dataclass(frozen=True)
class Trained:
    """One policy.

    Attributes:
        policy: what was learnt.
        seed: of the training.
        steps: environment steps that were played.
        curve: ``steps``, ``return`` and ``score`` (means of recent episodes), lists of equal
            length; empty for a game, where what one seat earns another loses.
        interrupted: Ctrl-C ended it early.
    """

    policy: Player
    seed: int
    steps: int
    curve: dict[str, list[float]]
    interrupted: bool = False


class School(Protocol):
    """Where policies learn."""

    steps: int
    """Environment steps of one training."""

    def in_candidate(self, seed: int, advance: Advance) -> Trained:
        """Train one policy in the candidate."""

    def in_reference(self, seed: int, advance: Advance) -> Trained:
        """Train one policy in the reference."""


def missing() -> str | None:
    """Return what has to be installed before anything can be trained, None if nothing."""
    gone = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    return f"there is no {' and no '.join(gone)}: {install('train')}" if gone else None


def left_out(
    suite: Suite, configs: Sequence[Config], levels: Sequence[str], wanted: bool
) -> str | None:
    """Return why a run trains no policy, None if training is due.

    Args:
        suite: of the run.
        configs: that are run.
        levels: asked for by name; empty for all.
        wanted: whether the run's effort includes training.

    Raises:
        ValueError: for training settings that make no sense.
    """
    plan = suite.transfer
    if plan is None:
        return "the suite names no margin"
    if "L4" not in levels:
        if levels:
            return "left out on request"
        if not wanted:
            return "a quick run trains no policies; ask for them with --level L4"
    if plan.config not in [config.name for config in configs]:
        return f"it is run on the configuration {plan.config}, which was left out"
    reason = missing()
    if reason is None:
        settings(suite)
    return reason


def untrainable(candidate: Side) -> str | None:
    """Return why no policy can be trained in a candidate, None if one can."""
    if candidate.spec.reward.shape and not can_probe(candidate):
        return (
            f"games are learnt in registered and other JAX environments, and "
            f"{candidate.spec.name} is none"
        )
    return missing()


def settings(suite: Suite) -> Any:
    """Return the suite's ``envlift.train.config.Config``.

    Raises:
        ValueError: naming the setting that makes no sense.
    """
    from envlift.train import config as train_config
    from envlift.train.learning.ppo import rows_of

    assert suite.transfer is not None
    known = train_config.Config.__dataclass_fields__
    for name in suite.transfer.training:
        if name not in known:
            raise ValueError(
                f"the suite's transfer trains with {name!r}, which is no setting; known: "
                f"{', '.join(known)}"
            )
    made = train_config.Config(env=suite.name, **dict(suite.transfer.training))
    rows_of(made)
    return made


class Ppo:
    """PPO: in the candidate where that runs, and stepping the reference from here.

    No code of the candidate's runs here: it is asked to train, see ``taught``.

    Args:
        context: with a candidate that answers probes.

    Raises:
        ValueError: for settings that make no sense.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        reward = context.candidate.spec.reward
        self._players = reward.shape[0] if reward.shape else 1
        self._config = settings(context.suite)
        if self._players > 1:
            # Past policies have no part in it: the reference would have to be asked for theirs.
            self._config = self._config.replace(self_play=True, pool_share=0.0, evaluate_every=0)
        self.steps: int = self._config.updates * self._config.batch

    def in_candidate(self, seed: int, advance: Advance) -> Trained:
        """Let the candidate train by the fused collector; one that cannot is stepped from here.

        Raises:
            CandidateFailure, CandidateViolation: for what the candidate did.
            TrainingError: if learning diverged, or PPO cannot play this game.
        """
        from envlift.verify.levels.transfer.taught import taught

        if not can_probe(self._context.candidate):
            return self._stepping(self._context.open_candidate, seed, advance)
        config = self._config.replace(seed=seed, collector="fused")
        learnt = taught(self._context, config, advance)
        return Trained(learnt.policy, seed, learnt.steps, self._shown(learnt.curve))

    def in_reference(self, seed: int, advance: Advance) -> Trained:
        """Train by the host collector.

        The candidate is asked what its score of the rewards is, for the learning curve.

        Raises:
            ReferenceFailure: if the reference broke.
            CandidateFailure, CandidateViolation: if the candidate broke at telling its score.
            TrainingError: if a number became NaN or infinite, or PPO cannot play this game.
        """
        return self._stepping(self._context.open_reference, seed, advance)

    def _stepping(self, opened: Callable[[int], Side], seed: int, advance: Advance) -> Trained:
        """Train by the host collector in a side that is opened for it."""
        from envlift.adapters.reference import ReferenceVectorEnv, SeatsVectorEnv
        from envlift.train.config import ConfigError
        from envlift.train.trainer import DivergedError, train
        from envlift.verify.levels.transfer.taught import score_of

        config, made = self._config.replace(seed=seed, collector="host"), ReferenceVectorEnv
        side = opened(config.num_envs)
        if self._players > 1:
            # Every seat is an environment of the host collector's, as it is a lane of self-play's.
            config, made = _of_seats(config, self._players), SeatsVectorEnv
        with contextlib.closing(made(side, self._context.suite.draw_chance)) as vector_env:
            try:
                trained = train(
                    config,
                    vector_env=vector_env,
                    score=score_of(self._context.candidate),
                    display=_Display(advance),
                )
            except (ConfigError, DivergedError) as error:
                raise TrainingError(str(error)) from None
        rows = [row for row in trained.history if row["return"] is not None]
        curve = {name: [float(row[name]) for row in rows] for name in CURVE}
        steps = int(trained.history[-1]["steps"]) if trained.history else 0
        return Trained(trained.policy, seed, steps, self._shown(curve), trained.interrupted)

    def _shown(self, curve: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
        """Return at most ``CURVE_POINTS`` points of a curve, none of a game's."""
        points = len(curve["steps"])
        if not points or self._players > 1:
            return {}
        stride = -(-points // CURVE_POINTS)
        # Counted from the end, so that the last point is always there.
        return {
            name: [round(value, 4) for value in values[::-1][::stride][::-1]]
            for name, values in curve.items()
        }


def _of_seats(config: Any, players: int) -> Any:
    """Return the settings with which every seat of a game counts as an environment."""
    seats = config.num_envs * players
    return config.replace(
        self_play=False,
        num_envs=seats,
        total_steps=config.updates * config.horizon * seats,
    )


def reference_vector(name: str, num_envs: int, options: Mapping[str, Any]) -> Any:
    """Return the pinned reference of a registered environment as a Gymnasium ``VectorEnv``.

    Args:
        name: of the environment.
        num_envs: lanes.
        options: of the environment; they choose among the suite's configurations.

    Raises:
        ValueError: if the environment has no suite, or none of its configurations these options.
    """
    from envlift.adapters.reference import RETURNS, ReferenceVectorEnv
    from envlift.reference.launch import open_reference
    from envlift.registry import make
    from envlift.verify.suite.find import find_suite

    suite, _ = find_suite(name)
    if suite.prepare is not None:
        suite.prepare()
    wanted = make(name, **options).info.options
    wide = jax.config.jax_enable_x64  # type: ignore[attr-defined]
    plan = suite.transfer
    # First the one that level 4 plays: the reference as it is used, not as it is compared.
    for config in sorted(suite.configs, key=lambda c: plan is None or c.name != plan.config):
        # What ``params`` say is not said by options of the constructor.
        if "params" in config.candidate or (config.x64 and not wide):
            continue
        if make(name, **config.candidate).info.options == wanted:
            side = open_reference(
                suite.reference,
                num_lanes=num_envs,
                config=dict(config.reference),
                returns=RETURNS,
            )
            return ReferenceVectorEnv(side, suite.draw_chance)
    known = ", ".join(f"{config.name} {dict(config.candidate)}" for config in suite.configs)
    raise ValueError(
        f"the suite of {name} has no configuration for {dict(options)}; it has {known}"
    )


class _Display:
    """Passes on how far a training is."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance

    def update(self, row: dict[str, Any]) -> None:
        self._advance(int(row["steps"]))
