"""Policies that a candidate was asked to train: arrays from there, made into policies here.

Who trains compiles the learner together with the candidate, so it happens where the candidate runs
(``candidate/probes/training.py``). From there come the parameters of a network and a learning
curve. What network that is, is known here, by the suite's settings and the candidate's spec; what
the policy is worth is measured here, by playing it.

Shape letters: ``K`` points of a curve.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import gymnasium
import jax
import numpy as np

from envlift.reference.failure import CandidateFailure
from envlift.reference.spaces import limits
from envlift.reference.types import Array, Side, SideSpec
from envlift.train.config import Config, ConfigError
from envlift.train.policies.distributions import head_of
from envlift.train.policies.networks import init
from envlift.train.policies.observations import reading_of
from envlift.train.policies.policy import Policy
from envlift.verify.levels.transfer.training import CURVE, Advance, TrainingError
from envlift.verify.run.context import Context
from envlift.verify.sides.probing import can_probe, probe

OPERATION = "training"
PARAMS = "params"
LONGEST = 2_000
"""Characters that are kept of why a training failed."""


@dataclass(frozen=True)
class Taught:
    """What came of one training.

    Attributes:
        policy: with the parameters that the candidate answered.
        steps: environment steps of the training, as the candidate says.
        curve: ``steps``, ``return`` and ``score``, lists of K numbers, as the candidate says.
    """

    policy: Policy
    steps: int
    curve: dict[str, list[float]]


def taught(context: Context, config: Config, advance: Advance) -> Taught:
    """Let the candidate train one policy.

    Args:
        context: of the run; its candidate answers probes.
        config: settings of the training, with its seed.
        advance: is told how many environment steps are done.

    Raises:
        CandidateFailure, CandidateViolation: for what the candidate did: it raised or hung, gave a
            number that is not finite, or answered anything but a training of these settings.
        TrainingError: if learning diverged, or PPO cannot play this game.
    """
    try:
        policy = policy_of(context.candidate.spec, config)
    except (ConfigError, TypeError) as error:
        raise TrainingError(str(error)) from None
    asked = np.frombuffer(json.dumps(config.to_dict()).encode(), np.uint8)
    done = 0
    while True:
        # As many bytes are as many rows to the client, which waits the longer for them.
        told = probe(context.candidate, "train.ppo", settings=asked)
        if "failed" in told:
            _cannot_go_on(context, told)
        steps, ended = _number(told, "steps"), bool(_number(told, "ended"))
        most = config.updates * config.batch
        if steps % config.batch or not (done < steps or ended) or not done <= steps <= most:
            _refuse(f"{steps} steps after {done}, of {most} in updates of {config.batch}")
        if ended:
            return Taught(_with_params(policy, told), steps, _curve(told, steps))
        done = steps
        advance(done)


def _cannot_go_on(context: Context, told: dict[str, Array]) -> NoReturn:
    """Raise what ended a training, as the candidate says."""
    words = told["failed"].astype(np.uint8).tobytes().decode("utf-8", "replace")[:LONGEST]
    # What the reference gives as well is no fault of the candidate's.
    too = any(getattr(context.reference, "not_finite", {}).values())
    if bool(_number(told, "of_rules")) and not too:
        raise CandidateFailure(words, operation=OPERATION)
    raise TrainingError(words)


def policy_of(spec: SideSpec, config: Config) -> Policy:
    """Return the fresh policy that these settings make for a side.

    Args:
        spec: of the side; in a game the policy is that of one player.
        config: settings of the training.

    Raises:
        ConfigError: for observations that PPO cannot read.
        TypeError: for actions that it cannot choose.
    """
    head, reading = head_of(_acting(spec)), reading_of(_observing(spec), config)
    return Policy(config, head, reading, None)


def _acting(spec: SideSpec) -> gymnasium.Space[Any]:
    """Return the space of one policy's actions as they are sent: choices count from 0."""
    if spec.reward.shape and spec.choices:
        return gymnasium.spaces.Discrete(spec.choices[0])
    if spec.num_actions is not None:
        return gymnasium.spaces.Discrete(spec.num_actions)
    return _space(spec.action_space, "actions")


def _observing(spec: SideSpec) -> gymnasium.Space[Any]:
    space = _space(spec.observation_space, "observations")
    if not spec.reward.shape:
        return space
    # Those of all players lie one behind the other.
    if isinstance(space, gymnasium.spaces.Box):
        return gymnasium.spaces.Box(space.low[0], space.high[0], dtype=space.low.dtype.type)
    assert isinstance(space, gymnasium.spaces.MultiDiscrete)
    if len(space.shape) == 1:
        return gymnasium.spaces.Discrete(int(space.nvec[0]), start=int(space.start[0]))
    return gymnasium.spaces.MultiDiscrete(space.nvec[0], start=space.start[0])


def _space(described: dict[str, Any] | None, what: str) -> gymnasium.Space[Any]:
    """Return a space by its description, see ``reference.spaces``.

    Raises:
        ConfigError: for one that is not an array of numbers.
    """
    kind = None if described is None else described["kind"]
    if described is None or kind not in ("Discrete", "MultiDiscrete", "MultiBinary", "Box"):
        raise ConfigError(
            f"PPO cannot read {what} of {kind or 'an unknown space'}: a Box, Discrete, "
            "MultiDiscrete or MultiBinary is needed"
        )
    if kind == "Discrete":
        return gymnasium.spaces.Discrete(int(described["n"]), start=int(described["start"]))
    if kind == "MultiBinary":
        return gymnasium.spaces.MultiBinary(described["shape"])
    low, high = limits(described)
    if kind == "Box":
        return gymnasium.spaces.Box(low, high, dtype=low.dtype.type)
    return gymnasium.spaces.MultiDiscrete(high - low + 1, dtype=low.dtype.type, start=low)


def _with_params(policy: Policy, told: dict[str, Array]) -> Policy:
    """Give a policy the parameters that were answered, if they are its network's."""
    fresh: Any = jax.eval_shape(lambda: init(policy.network, jax.random.key(0)))
    leaves, tree = jax.tree_util.tree_flatten_with_path(fresh)
    wanted = {PARAMS + jax.tree_util.keystr(path): leaf for path, leaf in leaves}
    given = {name: value for name, value in told.items() if name.startswith(PARAMS)}
    if set(given) != set(wanted):
        odd = sorted(set(given) ^ set(wanted))
        _refuse(f"other parameters than those of the network: {', '.join(odd[:3])}")
    for name, leaf in wanted.items():
        value = given[name]
        if value.shape != leaf.shape or value.dtype != leaf.dtype:
            _refuse(
                f"{name} as {value.dtype}{list(value.shape)}, the network's is "
                f"{leaf.dtype}{list(leaf.shape)}"
            )
        if not np.isfinite(value).all():
            _refuse(f"{name} with numbers that are not finite")
    policy.params = jax.tree.unflatten(tree, [given[name] for name in wanted])
    return policy


def _curve(told: dict[str, Array], steps: int) -> dict[str, list[float]]:
    curve = {name: told.get(f"curve.{name}", np.zeros(())) for name in CURVE}
    shapes = {values.shape for values in curve.values()}
    good = len(shapes) == 1 and len(shapes.pop()) == 1
    if not good or not all(np.isfinite(values).all() for values in curve.values()):
        _refuse("a learning curve that is none")
    if (np.diff(curve["steps"]) <= 0).any() or (curve["steps"] > steps).any():
        _refuse(f"a learning curve whose steps do not rise up to {steps}")
    return {name: [float(value) for value in values] for name, values in curve.items()}


def _number(told: dict[str, Array], name: str) -> int:
    value = told.get(name)
    if value is None or value.shape != () or value.dtype.kind not in "biu":
        _refuse(f"no whole number {name!r}")
    return int(value)


def _refuse(what: str) -> NoReturn:
    raise CandidateFailure(f"its training answered {what}", operation=OPERATION)


def score_of(candidate: Side) -> Callable[[Array], Array]:
    """Return what a candidate counts of rewards [B], float32 [B].

    It is shown in a learning curve. Where settings name a ``target_score``, it also ends a training
    early, so that less is learnt.
    """
    if not can_probe(candidate):
        return lambda reward: reward
    own = probe(candidate, "train.scores").get("own")
    if own is None or not bool(own):
        return lambda reward: reward

    def score(reward: Array) -> Array:
        scored = probe(candidate, "train.score", reward=reward).get("score")
        if scored is None or scored.shape != np.shape(reward) or not np.isfinite(scored).all():
            raise CandidateFailure("its score of rewards is none", operation=OPERATION)
        return scored.astype(np.float32)

    return score
