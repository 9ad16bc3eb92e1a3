"""What a run leaves behind while it trains: its folder, its settings, one line per update.

::

    runs/pong-20261121-153012-0/config.toml      the settings; a file for --config
                                metrics.jsonl    one JSON object per update
                                tensorboard/     if asked for
                                checkpoints/     see ``checkpoint``
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from envlift.train import settings
from envlift.train.config import Config
from envlift.train.trackers import Tracker

Row = dict[str, float | int]
"""The numbers of one update, by the names of ``METRICS``; others may be added."""

METRICS: Mapping[str, str] = {
    "update": "updates so far",
    "steps": "environment steps so far, over all environments",
    "seconds": "wall-clock time since this process began its first update",
    "sps": "environment steps per second, rollout and learning, of this update",
    "return": "mean sum of rewards of the last 100 episodes; null before the first one ends",
    "score": "the same of what a person would count (in Pong the points, not the bounces)",
    "length": "mean steps of the last 100 episodes",
    "episodes": "episodes that ended in this update",
    "reward": "mean reward of one step in this update",
    "policy_loss": "clipped surrogate objective, to be made small",
    "value_loss": "half the mean squared error of the predicted value",
    "entropy": "of the policy, in nats: how undecided it still is",
    "approx_kl": "how far the policy moved in this update (KL divergence, estimated)",
    "clip_fraction": "share of the samples whose probability ratio was clipped",
    "explained_variance": "share of the targets' variance that the predicted values explained; "
    "at most 1",
    "evaluation": "mean return of an evaluation, of the updates after which there was one",
    "evaluation_length": "mean steps of its episodes",
    "gradient_norm": "global norm of the gradients before they are scaled down",
}
WIN = "win_"
"""Before the name of a bot, in self-play: the share of the points won against it."""
SELF_PLAY_METRICS: Mapping[str, str] = {
    "games": "games that ended in this update; `return`, `score`, `length` and `episodes` are of "
    "those against past policies alone",
    "past_score": "share of the points won against past policies in this update; a tie is half",
    "win_BOT": "share of the points won against the bot of this name, when it was last examined",
    "elo": "rating among the bots; `random` has 1000",
}
"""What rows of self-play have besides."""
CONFIG = "config.toml"
FILE = "metrics.jsonl"


class MetricsError(ValueError):
    """A run folder that cannot be used, or a metrics file that cannot be read."""


def run_folder(config: Config, out: Path | None = None, *, now: datetime | None = None) -> Path:
    """Return the folder of a new run, without making it.

    Args:
        config: gives environment and seed for the name.
        out: the folder asked for; None makes ``runs/ENV-DATE-SEED`` in the working directory.
        now: the time of the name; None takes the clock.

    Raises:
        MetricsError: if ``out`` holds a run already.
    """
    if out is not None:
        if (out / FILE).exists():
            raise MetricsError(
                f"{out} holds a run already: continue it with --resume {out}, or choose another"
            )
        return out
    env = re.sub(r"[^A-Za-z0-9._-]+", "-", config.env)
    name = f"{env}-{now or datetime.now():%Y%m%d-%H%M%S}-{config.seed}"
    folder, number = Path("runs") / name, 2
    while folder.exists():
        folder, number = Path("runs") / f"{name}-{number}", number + 1
    return folder


class Recorder:
    """Writes ``config.toml`` and ``metrics.jsonl``, and passes every row on to trackers.

    Nothing is written before the first row, so that a run that cannot begin leaves nothing. Use as
    a context manager, or call ``close``. Every line is on disk when ``record`` returns.
    """

    def __init__(
        self,
        folder: Path,
        config: Config,
        *,
        trackers: Sequence[Tracker] = (),
        resume_at: int | None = None,
    ) -> None:
        """Check what can be checked.

        Args:
            folder: of the run; made with the first row.
            config: written to ``config.toml``.
            trackers: get every row too, see ``trackers``.
            resume_at: continue the folder's run after this many environment steps; later lines are
                dropped, since a resumed run writes them again.

        Raises:
            MetricsError: if the folder holds a run and ``resume_at`` is None.
        """
        if resume_at is None:
            run_folder(config, folder)
        self.folder = folder
        self.path = folder / FILE
        self._config, self._resume_at = config, resume_at
        self._trackers = trackers
        self._file: TextIO | None = None

    def record(self, row: Mapping[str, Any]) -> None:
        """Write one update.

        Args:
            row: numbers by name, ``steps`` among them; zero-dimensional arrays are taken too, and
                None for what is not known yet.

        Raises:
            ValueError: without ``steps``.
            TypeError: for a value that is no number.
            MetricsError: if it cannot be written, as on a full disk, or if another run has begun in
                the folder.
        """
        plain = {name: _plain(name, value) for name, value in row.items()}
        if plain.get("steps") is None:
            raise ValueError(f"a row needs 'steps'; it has {', '.join(plain) or 'nothing'}")
        try:
            file = self._file or self._open()
            file.write(_line(plain))
            file.flush()
        except OSError as error:
            raise MetricsError(
                f"{self.path} could not be written: {error.strerror or error}; make room, and go "
                f"on with --resume {self.folder}"
            ) from None
        for tracker in self._trackers:
            tracker.record(plain)

    def close(self) -> None:
        """Close the files; calling it again does nothing."""
        if self._file is not None:
            self._file.close()
        for tracker in self._trackers:
            tracker.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _open(self) -> TextIO:
        if self._resume_at is None:
            run_folder(self._config, self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / CONFIG).write_text(settings.to_toml(self._config), encoding="utf-8")
        if self._resume_at is not None and self.path.exists():
            lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            kept = [
                line
                for line, row in zip(lines, read(self.path), strict=False)
                if row["steps"] <= self._resume_at
            ]
            fresh = self.path.with_suffix(".new")
            fresh.write_text("".join(kept), encoding="utf-8")
            os.replace(fresh, self.path)
        self._file = self.path.open("a", encoding="utf-8")
        return self._file


def read(path: Path) -> list[Row]:
    """Return the rows of a metrics file, or of the one in a run folder; NaN and None are NaN.

    A last line without its end, left by a killed process, is not counted.

    Raises:
        FileNotFoundError: if there is no such file.
        MetricsError: for a line that is no JSON object of numbers; names file and line.
    """
    path = path / FILE if path.is_dir() else path
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file of metrics")
    *lines, _ = path.read_text(encoding="utf-8").split("\n")
    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
            rows.append({name: _number(value) for name, value in row.items()})
            int(rows[-1]["steps"])  # must be there, and not NaN
        except (ValueError, AttributeError, KeyError, TypeError) as error:
            raise MetricsError(
                f"{path}, line {number} is not a row of metrics: {error!r}"
            ) from None
    return rows


def _number(value: Any) -> Any:
    if value is None:
        return math.nan
    return float(value) if isinstance(value, str) else value


def _plain(name: str, value: Any) -> float | int | None:
    value = value.item() if hasattr(value, "item") else value
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"the metric {name} = {value!r} is a {type(value).__name__}, not a number")
    return value


def _line(row: Mapping[str, float | int | None]) -> str:
    # JSON has no NaN and no infinity: they are written as text, which says more than null.
    valid = {
        name: value if value is None or math.isfinite(value) else str(float(value))
        for name, value in row.items()
    }
    return json.dumps(valid, allow_nan=False) + "\n"
