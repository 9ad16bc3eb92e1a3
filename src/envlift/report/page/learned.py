"""Level 4 as plain data: intervals against the margin, the transfer matrix, learning curves."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from envlift.report.page import data
from envlift.report.page.decode import DecodeError, decode
from envlift.report.transfer import SIDES
from envlift.train.curve import band

POINTS = 100
"""Places of a drawn curve."""


def transfer(found: dict[str, Any], name: str) -> data.Transfer | None:
    """Return level 4 of a report, None where no policy was evaluated.

    Args:
        found: ``Report.transfer``.
        name: of the file, for errors.

    Raises:
        ValueError: if something in it is missing or of the wrong type.
    """
    try:
        told = found.get("directions", {})
        directions = [
            _direction(side, told[side]) for side in SIDES if "effect" in told.get(side, {})
        ]
        if not directions:
            return None
        if "pooled" in found:
            directions.append(_direction("both", found["pooled"]))
        header = {key: found[key] for key in ("config", "margin", "reason", "training")}
        whole = decode(data.Transfer, {**header, "directions": []}, "transfer")
        return dataclasses.replace(whole, directions=directions)
    except (KeyError, TypeError, AttributeError, DecodeError) as error:
        raise ValueError(f"{name}: transfer is not whole: {error}") from None


def _direction(side: str, found: dict[str, Any]) -> data.Direction:
    interval = {"value": found["effect"], "low": found["low"], "high": found["high"]}
    returns = {
        where: {key: one[key] for key in ("value", "low", "high")}
        for where, one in found.get("iqm", {}).items()
    }
    counts = ("episode_pairs", "equal_episode_pairs", "training_steps")
    return decode(
        data.Direction,
        {
            "side": side,
            "verdict": found.get("verdict", ""),
            "policies": found["n"],
            "effect": interval,
            "power": found["power"],
            "returns": returns,
            **{key: found[key] for key in counts if key in found},
        },
        f"transfer.{side}",
    )


def curves(found: list[dict[str, Any]], name: str) -> list[data.Curve]:
    """Return mean and range of the learning curves of each side, at most ``POINTS`` places.

    Raises:
        ValueError: for a curve without its columns.
    """
    rows = []
    for side in SIDES:
        runs = []
        for number, curve in enumerate(found):
            try:
                if curve["side"] != side:
                    continue
                steps, returns = (np.asarray(curve[key], float) for key in ("steps", "return"))
                if steps.shape != returns.shape or steps.ndim != 1:
                    raise ValueError("steps and return differ in length")
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{name}: curves[{number}] is no curve: {error}") from None
            finite = np.isfinite(steps) & np.isfinite(returns)
            if finite.sum() > 1:
                runs.append((steps[finite], returns[finite]))
        if not runs:
            continue
        chosen = [values[_places(len(values))] for values in band(runs)]
        rows.append(data.Curve(side, len(runs), *(_rounded(values) for values in chosen)))
    return rows


def _places(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(count, POINTS)).round().astype(int))


def _rounded(values: Any) -> list[float]:
    """Keep six digits: more cannot be seen, and would only be bytes."""
    return [float(f"{value:.6g}") if math.isfinite(value) else float(value) for value in values]
