"""Showing how far a verification is: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

from envlift.verify.run.result import Check, Verdict

COLOURS = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.SKIPPED: "dim",
}


def counts_text(counts: dict[str, int]) -> str:
    """Return for example ``12,800 steps, 40 episodes``."""
    return ", ".join(f"{value:,} {name}" for name, value in counts.items())


def check_line(check: Check) -> str:
    """Return one line of rich markup about a finished check."""
    colour = COLOURS[check.verdict]
    parts = [part for part in (counts_text(check.counts), check.detail) if part]
    name = check.name.replace("[", r"\[")
    detail = "; ".join(parts).replace("[", r"\[")
    return (
        f"[{colour}]{check.verdict:<12}[/] {check.level:<10} {name}"
        f"  [dim]{detail}  ({check.seconds:.1f} s)[/]"
    )


class ConsoleProgress:
    """Prints every finished check; on a terminal also a live bar for the running one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._drawn = 0.0
        if console.is_terminal:
            self._bar = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=console,
                transient=True,
            )
            self._bar.start()

    def begin(self, level: str, name: str) -> None:
        """Show what runs now."""
        if self._bar is not None:
            self._clear()
            text = f"{level} {name}".replace("[", r"\[")
            self._task = self._bar.add_task(text, total=None)

    def advance(self, done: int, total: int) -> None:
        """Move the bar, ten times a second at most."""
        now = time.monotonic()
        if self._bar is not None and self._task is not None and now - self._drawn > 0.1:
            self._drawn = now
            self._bar.update(self._task, completed=done, total=total)

    def end(self, check: Check) -> None:
        """Print the finished check."""
        self._clear()
        self.console.print(check_line(check), soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._clear()
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _clear(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None


class Silent:
    """Shows nothing."""

    def begin(self, level: str, name: str) -> None:
        """Nothing."""

    def advance(self, done: int, total: int) -> None:
        """Nothing."""

    def end(self, check: Check) -> None:
        """Nothing."""
