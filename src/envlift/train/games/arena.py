"""An arena: every contender against every other, on common seeds, and ratings of what came of it.

Shape letters: ``N`` contenders, ``S`` seeds, ``P`` players.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import importlib
import itertools
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import numpy as np

from envlift.registry import make
from envlift.train.config import ConfigError
from envlift.train.games import matches, ratings
from envlift.train.games.matches import AnyGame, Contender
from envlift.train.play import load_policy

_FUNCTION = re.compile(r"[\w.]+:\w+")
OF_ONE = ("opponent", "seat", "autoreset")
"""Options that make one player's view of a game: a contender does not take them."""


@dataclass(frozen=True)
class Entry:
    """Who takes part.

    Attributes:
        label: for people, one of a kind.
        contender: how it plays.
        params: of its network; of a bot, its number.
        kind: equal for entries that differ in their params alone; they share a compiled program.
    """

    label: str
    contender: Contender
    params: Any
    kind: str


@dataclass
class Standing:
    """What an arena gave.

    Attributes:
        game: the registered name.
        labels: of the contenders.
        seeds: S.
        players: P.
        scores: float64 [N, N, S], of row against column, over all seats of a seed: 1 a win, 0.5 a
            tie; NaN where they have not met.
        rating: float64 [N], Elo points, see ``ratings``; NaN before all have met.
        low, high: float64 [N], ends of the 95 % bootstrap intervals.
        unfinished: games that were stopped, and count as ties.
        steps: mean steps of a game.
        seconds: of all games, compilation counted.
        interrupted: Ctrl-C ended it early.
    """

    game: str
    labels: list[str]
    seeds: int
    players: int
    scores: np.ndarray[Any, np.dtype[np.float64]]
    rating: Any = field(default_factory=lambda: np.zeros(0))
    low: Any = field(default_factory=lambda: np.zeros(0))
    high: Any = field(default_factory=lambda: np.zeros(0))
    unfinished: int = 0
    steps: float = 0.0
    seconds: float = 0.0
    interrupted: bool = False

    def share(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return the share of the points that row won against column, float64 [N, N]."""
        return np.asarray(self.scores.mean(axis=-1) / self.players)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; a rating that is not known is None."""

        def plain(values: Any) -> Any:
            return [None if np.isnan(value) else round(float(value), 4) for value in values]

        return {
            "game": self.game,
            "contenders": self.labels,
            "seeds": self.seeds,
            "games_per_pair": self.seeds * self.players,
            "share_of_row_against_column": [plain(row) for row in self.share()],
            "rating": plain(self.rating),
            "low": plain(self.low),
            "high": plain(self.high),
            "unfinished": self.unfinished,
            "steps_per_game": round(self.steps, 2),
            "seconds": round(self.seconds, 2),
            "interrupted": self.interrupted,
        }


def entries(
    name: str, specs: Sequence[str], options: Mapping[str, Any], *, greedy: bool = False
) -> tuple[AnyGame, list[Entry]]:
    """Return a registered game and who takes part in it.

    Args:
        name: of the game.
        specs: names of its bots, functions ``(key, observation, mask) -> action`` of one player
            as ``module:function``, and folders of training runs, each with ``@STEP`` for a
            checkpoint that is not the newest one.
        options: of the game; what a policy was trained with decides what it sees.
        greedy: policies take the most probable action.

    Raises:
        ConfigError: for fewer than two, one given twice, a run of another environment, an
            environment of one player, or a folder that is no run and no bot's name.
        CheckpointError: for a run without that checkpoint.
    """
    game: Any = make(name, **{**options, "autoreset": "disabled"})
    if game.num_players < 2:
        raise ConfigError(f"{name} has one player: an arena needs a game of two or more")
    if len(specs) < 2:
        raise ConfigError(f"an arena needs two contenders or more, not {len(specs)}")
    if len(set(specs)) < len(specs):
        twice = next(spec for spec in specs if specs.count(spec) > 1)
        raise ConfigError(f"{twice} is given twice: its rating would be its own")
    bots = matches.bot_names(game)
    short = [Path(spec).name.rpartition(":")[2] for spec in specs]
    labels = dict(zip(specs, short if len(set(short)) == len(short) else specs, strict=True))
    found = []
    for spec in specs:
        if spec in bots:
            number = matches.bot_number(game, spec)
            found.append(Entry(labels[spec], matches.bots(game), number, "bots"))
            continue
        folder, _, step = spec.partition("@")
        if _FUNCTION.fullmatch(spec) and not Path(folder).is_dir():
            found.append(Entry(labels[spec], _of_function(game, spec), (), spec))
            continue
        if not Path(folder).is_dir():
            known = ", ".join(bots) or "none"
            raise ConfigError(
                f"{spec} is neither a bot of {name} ({known}) nor a folder of a run nor "
                "module:function"
            )
        if step and not step.isdecimal():
            raise ConfigError(f"{spec}: give the number of an update after @, not {step!r}")
        update = int(step) if step else None
        found.append(_of_run(name, labels[spec], Path(folder), update, greedy))
    return game, found


def _of_function(game: AnyGame, spec: str) -> Contender:
    module, _, name = spec.partition(":")
    sys.path.append(os.getcwd())
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{spec} cannot be imported: {error}") from None
    finally:
        sys.path.pop()
    if not callable(function):
        raise ConfigError(f"{spec} is {function!r}, no function (key, observation, mask) -> action")

    def act(params: Any, memory: Any, seen: Any, starts: Any, mask: Any, keys: Any) -> Any:
        try:
            return memory, jax.vmap(function)(keys, seen, mask).astype("int32")
        except (TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"{spec} does not work as a function (key, observation, mask) -> action: {error}"
            ) from error

    return Contender(game.bot_observation, lambda count: (), act)


def _of_run(name: str, label: str, folder: Path, step: int | None, greedy: bool) -> Entry:
    policy = load_policy(folder, step)
    if policy.config.env != name:
        raise ConfigError(f"{folder} is a run of {policy.config.env}, not of {name}")
    own = {k: v for k, v in policy.config.env_options.items() if k not in OF_ONE}
    sees: Any = make(name, **own, autoreset="disabled")
    contender = matches.learnt(sees, policy.network, policy.head, greedy)
    return Entry(label, contender, policy.params, f"{policy.network!r} {sees!r}")


def arena(
    name: str,
    game: AnyGame,
    entrants: Sequence[Entry],
    *,
    seeds: int,
    seed: int = 0,
    met: Callable[[str, str, float], None] | None = None,
) -> Standing:
    """Let every two contenders play, each seed from every seat; all pairs have the same seeds.

    Ctrl-C ends it with what was played.

    Args:
        name: of the game.
        game: made with ``autoreset="disabled"``.
        entrants: who takes part.
        seeds: S.
        seed: of everything.
        met: told of each pair that has played: labels, and the share of the first.
    """
    count = len(entrants)
    scores = np.full((count, count, seeds), np.nan)
    scores[np.arange(count), np.arange(count)] = 0.0
    standing = Standing(name, [e.label for e in entrants], seeds, game.num_players, scores)
    programs: dict[tuple[str, str], Any] = {}
    key, begun, lengths = jax.random.key(seed), time.perf_counter(), []
    try:
        for i, j in itertools.combinations(range(count), 2):
            one, other = entrants[i], entrants[j]
            kinds = (one.kind, other.kind)
            if kinds not in programs:
                programs[kinds] = jax.jit(
                    matches.match(game, one.contender, other.contender, seeds)
                )
            results = jax.device_get(programs[kinds]((one.params, other.params), key))
            scores[i, j] = results.score.sum(axis=1)
            scores[j, i] = game.num_players - scores[i, j]
            standing.unfinished += int((~results.finished).sum())
            lengths.append(results.length.mean())
            if met is not None:
                met(one.label, other.label, float(results.score.mean()))
    except KeyboardInterrupt:
        standing.interrupted = True
    standing.seconds = time.perf_counter() - begun
    standing.steps = float(np.mean(lengths)) if lengths else 0.0
    nothing = np.full(count, np.nan)
    standing.rating, standing.low, standing.high = nothing, nothing, nothing
    if not standing.interrupted:
        standing.rating = ratings.bradley_terry(scores.sum(axis=-1), standing.labels)
        standing.low, standing.high = ratings.intervals(scores, standing.labels, seed=seed)
    return standing


def draw(standing: Standing, path: Path) -> Path:
    """Write a picture of the ratings with their intervals, a PNG or what the name's end says."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    order = np.argsort(standing.rating)
    made = Figure(figsize=(8, 1.2 + 0.5 * len(order)), dpi=160, layout="constrained")
    FigureCanvasAgg(made)
    axes = made.add_subplot()
    rating = standing.rating[order]
    error = np.abs(np.stack([standing.low[order], standing.high[order]]) - rating)
    axes.errorbar(rating, np.arange(len(order)), xerr=error, fmt="o", color="#0072B2", capsize=4)
    axes.set_yticks(np.arange(len(order)), [standing.labels[place] for place in order])
    axes.set_xlabel("rating (Elo points, bars: 95 % bootstrap interval)")
    axes.set_title(
        f"{standing.game}: {standing.seeds * standing.players:,} games a pair", loc="left"
    )
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.savefig(path)
    return path
