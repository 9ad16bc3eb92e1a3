"""The table: returns and times of both trainers, and whether they differ by more than seeds do."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from scipy import stats

from envlift.bench.learning.tasks import TRAINERS
from envlift.bench.show import print_table

CONFIDENCE = 0.95


def show(console: Console, rows: Sequence[dict[str, Any]]) -> None:
    """Print one line per task; runs of other settings than the newest are left out."""
    table = Table(box=None, title="return of the last 100 episodes: median (lowest..highest), n")
    table.add_column("task", no_wrap=True)
    for trainer in TRAINERS:
        table.add_column(trainer, justify="right")
        table.add_column("seconds", justify="right")
    table.add_column("difference of means", justify="right")
    for task in dict.fromkeys(row["task"] for row in rows):
        ours, theirs = (newest(rows, task, trainer) for trainer in TRAINERS)
        cells = [cell for runs in (ours, theirs) for cell in (spread(runs), seconds(runs))]
        table.add_row(task, *cells, compared(ours, theirs))
    print_table(console, table)


def newest(rows: Sequence[dict[str, Any]], task: str, trainer: str) -> list[dict[str, Any]]:
    """Return a trainer's runs of a task with the settings of the last of them."""
    runs = [row for row in rows if (row["task"], row["trainer"]) == (task, trainer)]
    return [row for row in runs if plain(row) == plain(runs[-1])]


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a run's settings but for its seed."""
    return {name: value for name, value in row["settings"].items() if name != "seed"}


def spread(runs: Sequence[dict[str, Any]]) -> str:
    """Return median, range and number of the returns."""
    if not runs:
        return "-"
    found = [row["return"] for row in runs]
    return f"{statistics.median(found):.1f} ({min(found):.1f}..{max(found):.1f}), {len(found)}"


def seconds(runs: Sequence[dict[str, Any]]) -> str:
    """Return the median time of a run, compilation included."""
    return f"{statistics.median(row['seconds'] for row in runs):.0f}" if runs else "-"


def compared(ours: Sequence[dict[str, Any]], theirs: Sequence[dict[str, Any]]) -> str:
    """Return the difference of the mean returns with Welch's 95 % interval, and what it says."""
    if min(len(ours), len(theirs)) < 2:
        return "-"
    one, other = ([row["return"] for row in runs] for runs in (ours, theirs))
    difference = statistics.mean(one) - statistics.mean(other)
    if len(set(one)) == len(set(other)) == 1:
        low = high = difference
    else:
        interval = stats.ttest_ind(one, other, equal_var=False).confidence_interval(CONFIDENCE)
        low, high = float(interval.low), float(interval.high)
    word = "worse" if high < 0 else "better" if low > 0 else "equal"
    return f"{difference:+.1f} ({low:+.1f}..{high:+.1f}): {word}"
