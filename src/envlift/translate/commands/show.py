"""Printing judgements, turns and totals for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from envlift.translate.grading.judgement import Judgement
from envlift.translate.loop.ledger import History, Turn
from envlift.verify.run.progress import COLOURS
from envlift.verify.run.result import Verdict
from envlift.verify.run.show import print_divergence


def verdict_text(verdict: str) -> str:
    """Return a verdict in its colour."""
    known = Verdict(verdict) if verdict in set(Verdict) else None
    return f"[{COLOURS[known]}]{verdict}[/]" if known else escape(verdict)


def verdicts_text(verdicts: dict[str, str]) -> str:
    """Return ``L1 PASS  L2 FAIL`` in colours."""
    return "  ".join(f"{level} {verdict_text(verdict)}" for level, verdict in verdicts.items())


def print_judgement(console: Console, judgement: Judgement) -> None:
    """Print verdicts and the evidence of the first failures."""
    for failure in judgement.failures:
        console.print()
        console.rule(f"[bold red]{failure.level}[/] {escape(failure.name)}")
        console.print(escape(failure.summary), soft_wrap=True)
        if failure.traceback:
            console.print(escape(failure.traceback), soft_wrap=True)
        if failure.divergence is not None:
            print_divergence(console, failure.divergence)
    for batch, speed in judgement.speed.items():
        console.print(f"  {escape(batch):>10}  {speed:>14,.0f} steps/s")
    if judgement.verdicts:
        tests = f"  ({judgement.tests} property tests passed)" if judgement.tests else ""
        console.print()
        console.print(verdicts_text(judgement.verdicts) + tests)
        if judgement.trouble:
            words = f"not isolated: what was judged could reach its judge ({judgement.trouble})"
            console.print(f"[yellow]{escape(words)}[/]", soft_wrap=True)


def turn_line(turn: Turn) -> str:
    """Say in one line what came of a turn."""
    about = turn.kind + (f" {turn.module}" if turn.module else "")
    verdicts = verdicts_text(turn.verdicts) if turn.verdicts else ""
    outcome = "kept" if turn.kept else f"[yellow]undone[/]: {escape(turn.fault or turn.reason)}"
    if not turn.judged:
        outcome = "not judged yet"
    if turn.isolation.startswith("none"):
        outcome += " [yellow](not isolated)[/]"
    size = f"+{turn.added} -{turn.removed}" if turn.commit else ""
    parts = (f"turn {turn.number:>3}", f"{about:<20}", f"{size:<10}", verdicts, outcome)
    return "  ".join(part for part in parts if part)


def dollars(turn: Turn) -> str:
    """Return what a turn cost and who says so."""
    return "unknown" if turn.cost is None else f"${turn.cost.dollars:.4f} {turn.cost.source}"


def print_totals(console: Console, history: History, title: str) -> None:
    """Print what each module and level took: turns, tokens, dollars, seconds."""
    groups: dict[tuple[str, str], list[Turn]] = {}
    for turn in history.turns:
        if turn.answered:
            groups.setdefault((turn.module or "whole", turn.level), []).append(turn)
    table = Table(
        title=escape(title), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    table.add_column("module", no_wrap=True)
    table.add_column("level", no_wrap=True)
    for name in ("turns", "kept", "in", "cached", "out", "dollars", "agent", "judge"):
        table.add_column(name, justify="right", no_wrap=True)
    for (module, level), turns in groups.items():
        table.add_row(escape(module), level, *_sums(turns))
    table.add_row("all", "", *_sums([turn for turns in groups.values() for turn in turns]))
    console.print(table)
    if history.unpriced:
        numbers_of = ", ".join(str(turn.number) for turn in history.unpriced)
        console.print(f"Nobody knows what these turns cost, they count 0: {numbers_of}")


def _sums(turns: Iterable[Turn]) -> list[str]:
    turns = list(turns)
    usages = [turn.usage for turn in turns if turn.usage is not None]
    return [
        str(len(turns)),
        str(sum(turn.kept for turn in turns)),
        _tokens([usage.input_tokens for usage in usages]),
        _tokens([usage.cached_tokens for usage in usages]),
        _tokens([usage.output_tokens for usage in usages]),
        f"{sum(turn.cost.dollars for turn in turns if turn.cost is not None):.4f}",
        f"{sum(turn.seconds for turn in turns):.0f} s",
        f"{sum(turn.judging_seconds for turn in turns):.0f} s",
    ]


def _tokens(counts: list[int]) -> str:
    return f"{sum(counts):,}" if counts else "unknown"


def print_turns(console: Console, history: History) -> None:
    """Print every turn in one line, with its cost."""
    for turn in history.turns:
        if turn.answered:
            console.print(f"{turn_line(turn)}  [dim]{dollars(turn)}[/]", soft_wrap=True)
