"""``envlift translate``, ``replay`` and ``ledger``."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from envlift.translate.loop.ledger import Turn
    from envlift.translate.loop.plan import Stop

EXIT_DONE = 0
EXIT_DIFFERS = 1
EXIT_PERSON = 2


def add_translate(commands: Any) -> None:
    """Add ``translate``."""
    translate = commands.add_parser(
        "translate",
        help="let a coding agent write the fast environment",
        description=(
            "Ask the project's agent for one module after the other, judge every turn, repair, and "
            "write everything down. Run it again to go on, after Ctrl-C or a crash too."
        ),
    )
    translate.add_argument("project", type=Path, help="folder with an envlift.toml")
    translate.add_argument(
        "--agent", help="instead of the project's: command[:PRESET], api, manual, replay, ..."
    )
    translate.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="option of that agent (JSON, or plain text)",
    )
    translate.add_argument(
        "--levels",
        type=int,
        choices=[3, 4],
        default=4,
        help="3: the ablation, evidence from whole episodes alone",
    )
    translate.add_argument(
        "--yes",
        action="store_true",
        help="take proposed modules, and what the suite leaves open, without showing them first",
    )
    translate.add_argument(
        "--sandbox",
        choices=["auto", "required", "none"],
        default="auto",
        help="auto: isolate what is judged where that can be done, and say where it cannot; "
        "required: the agent's processes too, and refuse to run without",
    )
    translate.add_argument(
        "--record", type=Path, metavar="DIR", help="afterwards, write a recording for `replay`"
    )
    translate.set_defaults(run=_translate)


def add_replay(commands: Any) -> None:
    """Add ``replay``."""
    replay = commands.add_parser(
        "replay",
        help="play a recorded translation again and judge every turn anew",
        description="Exit code 0 if every turn gets the verdict that it got then, 1 if not.",
    )
    replay.add_argument("recording", type=Path)
    replay.add_argument("--into", type=Path, metavar="DIR", help="keep the workspace there")
    replay.set_defaults(run=_replay)


def add_ledger(commands: Any) -> None:
    """Add ``ledger``."""
    ledger = commands.add_parser("ledger", help="what a translation took: turns, tokens, dollars")
    ledger.add_argument("project", type=Path)
    ledger.add_argument("--turns", action="store_true", help="every turn in one line")
    ledger.add_argument("--json", action="store_true", help="everything, for machines")
    ledger.set_defaults(run=_ledger)


class ConsoleWatcher:
    """Prints one line when a turn begins and one when it is judged."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def event(self, name: str, turn: Turn | None, **about: Any) -> None:
        """Print what a person wants to know."""
        from rich.markup import escape

        from envlift.translate.commands.show import turn_line

        if name == "suite":
            said = about.get("said", "the reference is compared with itself, before any turn ...")
            self.console.print(f"[bold]suite[/]: {escape(said)}", soft_wrap=True)
        if turn is None:
            return
        if name == "aside":
            words = f"what was begun of turn {turn.number} is kept on the branch {about['branch']}"
            self.console.print(escape(words), soft_wrap=True)
        what = escape(f"{turn.kind} {turn.module or 'the whole'}")
        if name == "working":
            self.console.print(
                f"[bold]turn {turn.number}[/]: {what}, to pass {turn.level}"
                f" [dim]({escape(turn.agent)}; try {turn.iteration + 1})[/]"
            )
        elif name == "judging":
            status = "" if turn.status == "done" else f" {turn.status}: {turn.detail}"
            self.console.print(
                f"  [dim]{turn.files} files, +{turn.added} -{turn.removed}, "
                f"{turn.seconds:.0f} s{escape(status)}; judging[/]"
            )
        elif name == "judged":
            self.console.print(f"  {turn_line(turn)}", soft_wrap=True)
            for failing in turn.failing[:3]:
                self.console.print(f"    {escape(failing)}", soft_wrap=True)


def _options(texts: list[str]) -> dict[str, Any] | None:
    """Read ``KEY=VALUE``; None if there is none, so that the project's own options stand."""
    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ValueError(f"--option {text!r} is not of the form KEY=VALUE")
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError:
            found[key] = value
    return found or None


def _translate(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.translate.loop.run import Loop

    console = Console(highlight=False)
    given = _options(options.option)
    loop = Loop(
        options.project,
        ConsoleWatcher(console),
        agent=options.agent,
        options={} if options.agent and given is None else given,
        only_rollouts=options.levels == 3,
        yes=options.yes,
        sandbox=options.sandbox,
    )
    try:
        stop = loop.run()
    except KeyboardInterrupt:
        console.print("\ninterrupted; run the same command to go on", style="yellow")
        return 130
    _print_stop(console, stop, loop)
    _print_story(console, options.project)
    if options.record is not None:
        from envlift.translate.loop.recording import save

        turns = save(loop.folder, options.record)
        words = f"recorded: {len(turns)} turns in {options.record}"
        console.print(words, markup=False, soft_wrap=True)
    return EXIT_DONE if stop.kind == "done" else EXIT_PERSON


def _print_stop(console: Console, stop: Stop, loop: Any) -> None:
    from rich.markup import escape

    from envlift.translate.commands.show import print_totals

    history = loop.ledger.read()
    console.print()
    print_totals(console, history, f"{loop.folder.name}: what it took")
    colour = "green" if stop.kind == "done" else "yellow"
    console.print(f"[bold {colour}]{stop.kind}[/]: {escape(stop.reason)}", soft_wrap=True)


def _print_story(console: Console, folder: Path) -> None:
    console.print(f"the whole story: envlift report {folder}", markup=False, soft_wrap=True)


def _replay(options: argparse.Namespace) -> int:
    from rich.console import Console

    console = Console(highlight=False)
    if options.into is not None:
        code = _replay_in(console, options.recording, options.into)
        _print_story(console, options.into)
        return code
    with tempfile.TemporaryDirectory(prefix="envlift-replay-") as scratch:
        return _replay_in(console, options.recording, Path(scratch) / "work")


def _replay_in(console: Console, recording: Path, folder: Path) -> int:
    from rich.markup import escape

    from envlift.translate.agents.protocol import AgentError
    from envlift.translate.loop.recording import differences, read_turns, unpack
    from envlift.translate.loop.run import Loop

    unpack(recording, folder)
    recorded = read_turns(recording)
    loop = Loop(
        folder,
        ConsoleWatcher(console),
        agent="replay",
        options={"recording": str(recording.resolve())},
        only_rollouts=recorded[0].level == "L3",
        yes=True,
        last=len(recorded),
    )
    try:
        _print_stop(console, loop.run(), loop)
    except AgentError as error:
        # Another verdict makes the loop ask for another turn, which nobody recorded.
        console.print(f"[yellow]ends early[/]: {escape(str(error))}", soft_wrap=True)
    found = differences(recorded, [turn for turn in loop.ledger.read().turns if turn.judged])
    for one in found:
        console.print(f"[bold red]differs[/]: {escape(one)}", soft_wrap=True)
    if found:
        return EXIT_DIFFERS
    console.print(f"[green]all {len(recorded)} turns got the verdicts they got then[/]")
    return EXIT_DONE


def _ledger(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.translate.commands.show import print_totals, print_turns
    from envlift.translate.loop.ledger import Ledger
    from envlift.translate.loop.run import LEDGER
    from envlift.translate.loop.workspace import HIDDEN
    from envlift.translate.project.file import ProjectError

    path = options.project / HIDDEN / LEDGER
    if not path.is_file():
        raise ProjectError(
            f"{options.project} has no ledger yet; `envlift translate` writes one, in {HIDDEN}/"
        )
    history = Ledger(path).read()
    if options.json:
        print(json.dumps(asdict(history), indent=1))
        return 0
    console = Console(highlight=False)
    if options.turns:
        print_turns(console, history)
    print_totals(console, history, f"{options.project.resolve().name}: what it took")
    return 0
