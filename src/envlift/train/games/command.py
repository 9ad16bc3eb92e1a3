"""``envlift arena``: from the words of a command line to ratings."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envlift.train import settings
from envlift.train.extra import require_extra

if TYPE_CHECKING:
    from rich.console import Console

    from envlift.train.games.arena import Standing

EXIT_INTERRUPTED = 130


def add_arena(commands: Any) -> None:
    """Add ``arena`` to the commands of a parser."""
    arena = commands.add_parser(
        "arena",
        help="bots and checkpoints of a game against each other: ratings",
        description=(
            "Every two contenders play the same seeds from every seat. Ratings are Bradley and "
            "Terry's in Elo points, with 95 % bootstrap intervals."
        ),
    )
    arena.add_argument("name", help="a registered game")
    arena.add_argument(
        "contenders",
        nargs="+",
        metavar="BOT|MODULE:FUNCTION|RUN[@UPDATE]",
        help="a bot of the game, a function (key, observation, mask) -> action, or the folder of a "
        "training run: its newest checkpoint, or the one after UPDATE updates",
    )
    arena.add_argument(
        "--seeds", type=int, default=200, metavar="N", help="of a pair, each from every seat"
    )
    arena.add_argument("--seed", type=int, default=0, help="of all chance")
    arena.add_argument("--greedy", action="store_true", help="policies take the likeliest action")
    arena.add_argument("--json", type=Path, metavar="FILE", help="write the result for machines")
    arena.add_argument(
        "--plot", type=Path, metavar="FILE", help="draw the ratings, for example PNG"
    )
    arena.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="of the game"
    )
    arena.set_defaults(run=_arena)


def _arena(options: argparse.Namespace) -> int:
    require_extra("arena")
    from rich.console import Console

    from envlift.train.games.arena import arena, draw, entries

    if options.seeds < 1:
        raise ValueError(f"--seeds {options.seeds} is not allowed: give a whole number from 1")
    console = Console(highlight=False, soft_wrap=True)
    chosen = settings.read_options(options.option)
    game, entrants = entries(options.name, options.contenders, chosen, greedy=options.greedy)
    pairs = len(entrants) * (len(entrants) - 1) // 2
    played = 0

    def met(one: str, other: str, share: float) -> None:
        nonlocal played
        played += 1
        console.print(f"{played}/{pairs}  {one} won {share:.1%} against {other}", markup=False)

    games = options.seeds * game.num_players
    console.print(f"{pairs} pairs, {games:,} games each: compiling ...", markup=False)
    standing = arena(options.name, game, entrants, seeds=options.seeds, seed=options.seed, met=met)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        told = {**standing.to_dict(), "seed": options.seed, "greedy": options.greedy}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        console.print(f"written: {options.json}", markup=False)
    if standing.interrupted:
        console.print(f"interrupted after {played} of {pairs} pairs: no ratings", markup=False)
        return EXIT_INTERRUPTED
    show(console, standing)
    if options.plot is not None:
        console.print(f"written: {draw(standing, options.plot)}", markup=False)
    return 0


def show(console: Console, standing: Standing) -> None:
    """Print the table of a standing, the strongest first."""
    from rich.table import Table

    table = Table(title=f"{standing.game}: {standing.seeds * standing.players:,} games a pair")
    for name in ("", "rating", "95 %", *standing.labels):
        table.add_column(name, justify="right" if name else "left")
    order = sorted(range(len(standing.labels)), key=lambda place: -standing.rating[place])
    share = standing.share()
    for place in order:
        low, high = standing.low[place], standing.high[place]
        won = [
            "" if other == place or math.isnan(value) else f"{value:.1%}"
            for other, value in enumerate(share[place])
        ]
        table.add_row(
            standing.labels[place],
            f"{standing.rating[place]:,.0f}",
            f"{low:,.0f} to {high:,.0f}",
            *won,
        )
    console.print(table)
    console.print(
        f"a row's share of the points against a column; {standing.steps:,.0f} steps a game, "
        f"{standing.seconds:,.1f} s with compilation"
        + (f"; {standing.unfinished} games were stopped" if standing.unfinished else ""),
        markup=False,
    )
