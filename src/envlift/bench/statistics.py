"""Rates from repeated timings: the median and the spread, never the best run alone."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """Steps per second over the repetitions of one measurement."""

    median: float
    low: float
    high: float


def rate(steps: int, seconds: Sequence[float]) -> Rate:
    """Return the rate of ``steps`` steps that took each of ``seconds``.

    Raises:
        ValueError: without a repetition, or for a time that is not positive.
    """
    if not seconds:
        raise ValueError("a rate needs at least one repetition, there is none")
    if min(seconds) <= 0:
        raise ValueError(f"a repetition took {min(seconds)} seconds; a time must be positive")
    rates = [steps / one for one in seconds]
    return Rate(statistics.median(rates), min(rates), max(rates))


def paired_ratio(candidate: Sequence[float], reference: Sequence[float]) -> Rate:
    """Compare two lists of rates, repetition by repetition.

    Interleaved repetitions ran within seconds of one another, so whatever else the machine did
    slowed both members of a pair.

    Raises:
        ValueError: if there is no pair.
    """
    ratios = [c / r for c, r in zip(candidate, reference, strict=False)]
    if not ratios:
        raise ValueError("a ratio needs a repetition of both sides, there is none")
    return Rate(statistics.median(ratios), min(ratios), max(ratios))
