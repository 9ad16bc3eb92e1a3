"""Showing a person how far a training is: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from envlift.train.config import Config
from envlift.train.metrics import WIN

Row = Mapping[str, Any]

LARGE_KL = 1.0
"""A policy that moved so far in one update is another one; a healthy step is below 0.05."""
BLOCKS = "▁▂▃▄▅▆▇█"
ABSENT = "-"


def title(config: Config) -> str:
    """Return one line that says what is trained."""
    options = "".join(f" {name}={value}" for name, value in config.env_options.items())
    size = f"{config.parameters:,} parameters" if config.parameters else f"{config.hidden} units"
    return (
        f"{config.env}{options}, {config.network} of {size}, {config.num_envs:,} environments, "
        f"seed {config.seed}"
    )


def panel(rows: Sequence[Row], config: Config) -> RenderableType:
    """Return what a terminal shows after the updates ``rows``, oldest first; any may lack a name.

    ``rows`` are those of one process (see ``metrics.METRICS`` for the names).
    """
    return Panel(
        Group(_progress(rows, config), _numbers(rows)),
        title=Text(title(config), style="bold"),
        title_align="left",
        border_style="dim",
    )


def line(rows: Sequence[Row], config: Config) -> str:
    """Return one plain line about the newest of ``rows``, without escape codes."""
    row = rows[-1] if rows else {}
    total = config.updates * config.batch
    parts = [
        f"{_count(row, 'steps')} / {total:,} steps",
        f"{_count(row, 'sps')} steps/s",
        f"return {_signed(row, 'return')}",
        f"score {_signed(row, 'score')}",
        f"length {_count(row, 'length')}",
        f"loss {_small(row, 'policy_loss')} policy {_small(row, 'value_loss')} value",
        f"entropy {_small(row, 'entropy')}",
        f"KL {_small(row, 'approx_kl')}",
        f"ETA {duration(remaining(rows, config))}",
    ]
    if examined(rows):
        parts.insert(-1, examined(rows))
    return "  ".join(parts)


def examined(rows: Sequence[Row]) -> str:
    """Return what the newest examination against bots gave; "" if there was none."""
    found = next((row for row in reversed(rows) if math.isfinite(_value(row, "elo"))), None)
    if found is None:
        return ""
    won = [
        f"{name.removeprefix(WIN)} {_share(found, name)}" for name in found if name.startswith(WIN)
    ]
    return "  ".join([*won, f"Elo {_count(found, 'elo')}"])


def speed(rows: Sequence[Row]) -> float:
    """Return the mean environment steps per second of ``rows``; NaN if it is not known.

    From the first row on, so that the time until the first update ended does not count: much of it
    may be compilation.
    """
    if len(rows) < 2:
        return math.nan
    steps = _value(rows[-1], "steps") - _value(rows[0], "steps")
    seconds = _value(rows[-1], "seconds") - _value(rows[0], "seconds")
    return steps / seconds if seconds > 0 else _value(rows[-1], "sps")


def remaining(rows: Sequence[Row], config: Config) -> float:
    """Return the seconds that the rest of the run takes at the mean speed; NaN if not known."""
    mean = speed(rows)
    if not mean > 0:
        return math.nan
    return max(0.0, config.updates * config.batch - _value(rows[-1], "steps")) / mean


def duration(seconds: float) -> str:
    """Return for example ``0:01:30``."""
    return ABSENT if math.isnan(seconds) else str(timedelta(seconds=round(seconds)))


def sparkline(values: Sequence[float], width: int = 48) -> str:
    """Return a curve of at most ``width`` characters, from the lowest value to the highest.

    Values that are not finite are left out; where there are more than ``width``, neighbours are
    averaged.
    """
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return ""
    count = min(width, len(known))
    edges = [round(index * len(known) / count) for index in range(count + 1)]
    means = [sum(known[low:high]) / (high - low) for low, high in itertools.pairwise(edges)]
    low, span = min(means), max(means) - min(means)
    top = len(BLOCKS) - 1
    return "".join(BLOCKS[round((mean - low) / span * top) if span > 0 else 0] for mean in means)


class ConsoleDisplay:
    """Shows every update; use it as a context manager, or call ``close``.

    Args:
        console: where to. On a terminal a live panel is drawn, elsewhere plain lines are printed.
        config: of the run.
        quiet: show nothing.
        every: seconds between two plain lines.
        clock: seconds, for tests.
    """

    def __init__(
        self,
        console: Console,
        config: Config,
        *,
        quiet: bool = False,
        every: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console, self.config, self.quiet = console, config, quiet
        self.rows: list[Row] = []
        self._every, self._clock = every, clock
        self._shown_at = -math.inf
        self._stale = False
        self._told = False
        self._live: Live | None = None
        if quiet:
            return
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, transient=False)
            self._live.start()
            self._live.update(Text(f"{title(config)}: compiling ..."), refresh=True)
        else:
            self._print(f"{title(config)}: compiling ...")

    def update(self, row: Row) -> None:
        """Take one update's metrics and show them, ten times a second at most."""
        self.rows.append(dict(row))
        self._stale = True
        self._warn(row)
        wait = 0.1 if self._live is not None else self._every
        if self._clock() - self._shown_at >= wait:
            self._show()

    def close(self) -> None:
        """Show the last update and leave the terminal as it was; again does nothing."""
        if self._stale:
            self._show()
        if self._live is not None:
            self._live.stop()
            self._live = None
        self.quiet = True

    def __enter__(self) -> ConsoleDisplay:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _show(self) -> None:
        self._stale = False
        self._shown_at = self._clock()
        if self.quiet:
            return
        if self._live is not None:
            self._live.update(panel(self.rows, self.config), refresh=True)
        else:
            self._print(line(self.rows, self.config))

    def _warn(self, row: Row) -> None:
        kl = _value(row, "approx_kl")
        if self.quiet or self._told or not kl > LARGE_KL:
            return
        self._told = True
        self._print(
            f"in update {_count(row, 'update')} the policy moved by a KL of {kl:.3g} "
            "(0.05 is much): lower learning_rate or epochs if the return does not rise"
        )

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _progress(rows: Sequence[Row], config: Config) -> RenderableType:
    total = config.updates * config.batch
    done = _value(rows[-1], "steps") if rows else 0.0
    grid = Table.grid(padding=(0, 2), expand=True)
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    elapsed = _value(rows[-1], "seconds") if rows else math.nan
    grid.add_row(
        ProgressBar(total=total, completed=0 if math.isnan(done) else done),
        f"{done / total:.0%}  {done:,.0f} / {total:,} steps  "
        f"{duration(elapsed)}, ETA {duration(remaining(rows, config))}",
    )
    return grid


def _numbers(rows: Sequence[Row]) -> RenderableType:
    row = rows[-1] if rows else {}
    mean = speed(rows)
    grid = _grid(4)
    grid.add_row(
        "speed",
        f"{_count(row, 'sps')} /s",
        f"{ABSENT if math.isnan(mean) else f'{mean:,.0f}'} /s mean",
    )
    grid.add_row(
        "losses",
        f"policy {_small(row, 'policy_loss')}",
        f"value {_small(row, 'value_loss')}",
        f"gradient {_small(row, 'gradient_norm')}",
        f"explained {_share(row, 'explained_variance')}",
    )
    grid.add_row(
        "policy",
        f"entropy {_small(row, 'entropy')}",
        f"KL {_small(row, 'approx_kl')}",
        f"clipped {_share(row, 'clip_fraction')}",
    )
    grid.add_row(
        "episodes",
        Text(f"return {_signed(row, 'return')}", style="bold"),
        f"score {_signed(row, 'score')}",
        f"length {_count(row, 'length')}",
    )
    curve = _grid(1)
    if examined(rows):
        curve.add_row("bots", Text(examined(rows), style="bold"))
    curve.add_row("return", Text(sparkline([_value(each, "return") for each in rows]), "green"))
    return Group(grid, curve)


def _grid(columns: int) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", width=len("episodes"))
    for _ in range(columns):
        grid.add_column(no_wrap=True)
    return grid


def _value(row: Row, name: str) -> float:
    value = row.get(name)
    return math.nan if value is None else float(value)


def _format(row: Row, name: str, form: str) -> str:
    value = _value(row, name)
    return ABSENT if math.isnan(value) else format(value, form)


def _count(row: Row, name: str) -> str:
    return _format(row, name, ",.0f")


def _signed(row: Row, name: str) -> str:
    return _format(row, name, "+.2f")


def _small(row: Row, name: str) -> str:
    return _format(row, name, ".4f" if abs(_value(row, name)) < 100 else ".3g")


def _share(row: Row, name: str) -> str:
    return _format(row, name, ".0%")
