"""What a pair is compared by where nobody has described it.

The suite begins with what the reference says of itself (``default_suite``) and is completed once
both sides are running (``for_pair``): which state they share, and how far apart two numbers may be
that are kept in other precisions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from envlift.reference.types import ArraySpec, SideSpec
from envlift.verify.suite.declare import Config, Field, Suite

CLOSE = 1e-6, 1e-5
"""Absolute and relative tolerance of two float64 numbers, or of two float32 numbers."""

EPSILONS = 100
"""Where one side keeps fewer digits, the tolerance is so many of its smallest relative steps."""

TOGETHER = 8
"""Steps played freely before the state is copied again, where one side keeps fewer digits."""

DRIFT = 30.0
"""How much rounding may grow in so many steps."""

ALONE = 1_000.0
"""The same over whole episodes, where no state can be copied."""

DEFAULT_TOLERANCE = "no suite was given: floats are compared to 1e-6 + 1e-5 relative"
NO_FEATURES = "no feature coverage: give a suite to demand it"


def default_suite(reference: str, candidate: Any, spec: SideSpec) -> Suite:
    """Return a suite for a pair that nobody has described: every state field, loose floats."""
    suite = Suite(
        name="default",
        reference=reference,
        candidate=candidate,
        state=tuple(Field(name) for name in spec.state),
        not_verified=(DEFAULT_TOLERANCE, NO_FEATURES),
        described=False,
    )
    return for_pair(suite, Config("default"), spec, spec)[0]


def for_pair(
    suite: Suite, config: Config, ours: SideSpec, theirs: SideSpec
) -> tuple[Suite, Config, tuple[str, ...]]:
    """Complete a default suite for two running sides.

    Args:
        suite, config: of ``default_suite``.
        ours: the reference.
        theirs: the candidate.

    Returns:
        Suite and configuration, and sentences that say what was chosen and why.
    """
    told: list[str] = []
    same = {n: s.shape for n, s in ours.state.items()} == {
        n: s.shape for n, s in theirs.state.items()
    }
    names = tuple(ours.state) if same else ()
    if not same and ours.state and theirs.state:
        told.append(
            f"the two states have other fields ({_listed(ours.state)} and "
            f"{_listed(theirs.state)}), so observations, rewards and ends are compared; a suite "
            "with to_candidate and to_reference compares the states"
        )
    pairs = [(ours.observation, theirs.observation)]
    pairs += [(ours.state[name], theirs.state[name]) for name in names]
    epsilon = max(_epsilon(one) for pair in pairs for one in pair)
    mixed = any(_epsilon(one) != _epsilon(other) for one, other in pairs)
    # A reward is a Python float as often as not, and the narrower side computes it.
    atol, rtol = CLOSE
    drift, reason = 1.0, DEFAULT_TOLERANCE
    if mixed:
        atol = rtol = EPSILONS * epsilon
        drift = DRIFT if names else ALONE
        reason = (
            f"no suite was given, and one side keeps {_kept(epsilon)} where the other keeps more: "
            f"floats are compared to {atol:.2g} + {rtol:.2g} relative"
        )
        told.append(
            f"rounding grows while nothing is copied: there {drift:g} times as much is allowed"
            + (f", and the state is copied every {TOGETHER} steps" if names else "")
        )

    def field(name: str, *specs: ArraySpec) -> Field:
        if not any(np.dtype(one.dtype).kind == "f" for one in specs):
            return Field(name)
        return Field(name, atol=atol, rtol=rtol, drift=drift, reason=reason)

    suite = replace(
        suite,
        observation=field("observation", ours.observation, theirs.observation),
        reward=field("reward", ArraySpec((), "float64")),
        state=tuple(field(name, ours.state[name], theirs.state[name]) for name in names),
        start="copy" if names else "seed",
        not_verified=tuple(
            reason if sentence == DEFAULT_TOLERANCE else sentence for sentence in suite.not_verified
        ),
    )
    return suite, replace(config, resync=TOGETHER if mixed and names else None), tuple(told)


def _epsilon(spec: ArraySpec) -> float:
    """Return the smallest relative step of a float dtype, 0 for whole numbers."""
    dtype = np.dtype(spec.dtype)
    return float(np.finfo(dtype).eps) if dtype.kind == "f" else 0.0


def _kept(epsilon: float) -> str:
    return {1: "float16", 4: "float32"}.get(round(-np.log10(epsilon) / 1.74), "fewer digits")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
