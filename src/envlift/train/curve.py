"""Learning curves as a PNG: one run, or several with a band across their seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np

from envlift.train.metrics import WIN, read

Rows = Sequence[Mapping[str, Any]]
Runs = Rows | Path | Sequence[Rows | Path]
"""One run or several: each its rows, or the path of its ``metrics.jsonl`` or folder."""

# Okabe and Ito's colours, which people who see fewer colours can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
UNITS = {
    "return": "return per episode (sum of rewards)",
    "score": "score per episode (points)",
    "length": "length of an episode (steps)",
    "sps": "speed (environment steps per second)",
    "entropy": "entropy of the policy (nats)",
    "win_rate": "share of the points won (a tie is half of one)",
    "elo": "Elo points",
    "steps": "environment steps",
    "seconds": "wall-clock time (s)",
}
POINTS = 400
"""Places at which several runs are compared."""

Array = np.ndarray[Any, np.dtype[np.float64]]


def draw(
    runs: Mapping[str, Runs],
    path: Path,
    *,
    y: str = "return",
    x: str = "steps",
    title: str = "",
) -> Path:
    """Draw learning curves and write them as a PNG of 1280 x 800 pixels.

    Args:
        runs: by label. Several runs of one label are drawn as their mean, with a band from the
            lowest to the highest; both begin and end where all of them have values.
        path: of the PNG; its folder is made.
        y: the metric drawn, see ``metrics.METRICS``.
        x: the metric it is drawn over, ``steps`` or ``seconds``.
        title: above the axes.

    Returns:
        ``path``.

    Raises:
        ValueError: if no run has two values of ``y``, so that there is nothing to draw.
    """
    canvas = figure(runs, y=y, x=x, title=title)
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.savefig(path, format="png")
    return path


def figure(
    runs: Mapping[str, Runs], *, y: str = "return", x: str = "steps", title: str = ""
) -> Any:
    """Return what ``draw`` writes, as a ``matplotlib.figure.Figure`` apart from pyplot's state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(8, 5), dpi=160, layout="constrained")
    FigureCanvasAgg(made)
    axes = made.add_subplot()
    for (label, several), colour in zip(runs.items(), itertools.cycle(COLOURS)):
        found = [points(run, y, x) for run in _as_list(several)]
        curves = [(places, values) for places, values in found if len(places) > 1]
        if not curves:
            continue
        many = len(curves) > 1
        places, mean, low, high = band(curves)
        legend = f"{label} (mean and range of {len(curves)} runs)" if many else label
        axes.plot(places, mean, color=colour, linewidth=2, label=legend)
        if many:
            axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
    if not axes.lines:
        raise ValueError(f"there is nothing to draw: no run has two values of {y!r}")
    _dress(axes, x, y, title)
    return made


def against(rows: Rows) -> dict[str, Runs]:
    """Return the examinations of a self-play run as runs of ``win_rate``, by the bot met.

    Raises:
        ValueError: if there are none.
    """
    names = sorted({name for row in rows for name in row if name.startswith(WIN)})
    if not names:
        raise ValueError("there is nothing to draw: no row has been against a bot")
    found: dict[str, Runs] = {}
    for name in names:
        met = [row for row in rows if row.get(name) is not None]
        found[f"against {name.removeprefix(WIN)}"] = [
            {"steps": row["steps"], "seconds": row["seconds"], "win_rate": row[name]} for row in met
        ]
    return found


def points(run: Rows | Path, y: str, x: str = "steps") -> tuple[Array, Array]:
    """Return where a run has values of ``y``, and those, float64 [N] each; NaN is left out.

    Seconds, which begin anew in a resumed run, go on instead.
    """
    places, values = [], []
    before = last = 0.0
    for row in read(run) if isinstance(run, Path) else run:
        place, value = row.get(x), row.get(y)
        if place is None:
            continue
        if place < last and x == "seconds":
            before += last
        last = place
        if value is not None and math.isfinite(value):
            places.append(before + place)
            values.append(value)
    return np.array(places, np.float64), np.array(values, np.float64)


def band(curves: Sequence[tuple[Array, Array]]) -> tuple[Array, Array, Array, Array]:
    """Return places and the mean, lowest and highest value of all curves there, float64 [N] each.

    One curve stays as it is. Several are read by linear interpolation at ``POINTS`` places between
    the latest beginning and the earliest end.
    """
    if len(curves) == 1:
        places, values = curves[0]
        return places, values, values, values
    start = max(float(places[0]) for places, _ in curves)
    end = min(float(places[-1]) for places, _ in curves)
    grid = np.linspace(start, max(start, end), POINTS)
    table = np.stack([np.interp(grid, places, values) for places, values in curves])
    return grid, table.mean(axis=0), table.min(axis=0), table.max(axis=0)


def _dress(axes: Any, x: str, y: str, title: str) -> None:
    from matplotlib.ticker import EngFormatter

    axes.set_xlabel(UNITS.get(x, x.replace("_", " ")), fontsize=13)
    axes.set_ylabel(UNITS.get(y, y.replace("_", " ")), fontsize=13)
    axes.set_title(title, fontsize=14, loc="left", wrap=True)
    axes.tick_params(labelsize=12)
    if x == "steps":
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.grid(color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.01)
    axes.legend(fontsize=12, frameon=False, loc="best")


def _as_list(runs: Runs) -> Sequence[Rows | Path]:
    if isinstance(runs, Path):
        return [runs]
    if runs and isinstance(runs[0], Mapping):
        return [cast(Rows, runs)]
    return cast(Sequence[Rows | Path], runs)
