"""Mutants on the terminal."""

from __future__ import annotations

from rich.console import Console

from envlift.verify.mutation.result import BAR, REAL, Judged, Outcome, Result
from envlift.verify.run.result import EXIT_CODES, Verdict

COLOURS = {Outcome.CAUGHT: "green", Outcome.SURVIVED: "red"}


def print_one(console: Console, judged: Judged, result: Result, total: int) -> None:
    """Print a line for one mutant."""
    outcome, mutant = judged.outcome, judged.mutant
    colour = COLOURS.get(outcome, "yellow")
    by = ", ".join(level for level, what in judged.caught.items() if what)
    words = f"{outcome} by {by}" if by else str(outcome)
    console.print(
        f"{len(result.judged):>4}/{total}  [{colour}]{mutant.id}[/]  {mutant.kind:<10} "
        f"{mutant.file}:{mutant.line}  [dim]{words}, {judged.cpu:.0f} CPU s[/]",
        soft_wrap=True,
    )


def print_result(console: Console, result: Result) -> int:
    """Print the survivors and the score; return the exit code."""
    survivors = [j for j in result.judged if j.outcome is Outcome.SURVIVED]
    for judged in survivors:
        mutant = judged.mutant
        console.rule(f"survivor {mutant.id}  {mutant.file}:{mutant.line}")
        console.print(mutant.diff, markup=False)
        console.print(_explained(judged), style="yellow", markup=False)
    wrong = [j for j in result.judged if j.called_equivalent and j.outcome in REAL]
    for judged in wrong:
        console.print(
            f"[red]{judged.mutant.id} is written down as equivalent but was "
            f"{'caught' if judged.killed else 'seen to differ'}[/]"
        )
    console.print()
    for level, count in result.by_level().items():
        console.print(f"  {level:<12} caught {count:>4}")
    console.print()
    console.print("  " + ", ".join(f"{count} {what}" for what, count in result.counts().items()))
    console.print("\n" + score_text(result))
    unexplained = [j for j in survivors if j.note is None]
    good = result.score >= BAR and not unexplained and not wrong
    return EXIT_CODES[Verdict.PASS if good else Verdict.FAIL]


def score_text(result: Result) -> str:
    """Say the score, of how many, and how sure it is."""
    text = f"{result.counts()['caught']} of {result.real} real mutants caught ({result.score:.1%})"
    interval = result.interval()
    if interval is not None:
        low, high = interval
        text += (
            f", a random sample (seed {result.seed}) of {sum(result.of.values())} mutants: 95 % "
            f"interval {low:.1%} to {high:.1%}"
        )
    return text


def _explained(judged: Judged) -> str:
    lines = ["not explained" if judged.note is None else judged.note["reason"]]
    if judged.proof is not None and judged.proof.differs is None:
        lines.append(
            f"no bit differed in {judged.proof.states:,} states: if it is equivalent, "
            "write down why"
        )
    elif judged.proof is not None:
        lines.append(f"it is no equivalent: {judged.proof.differs}")
    return "\n".join(lines)
