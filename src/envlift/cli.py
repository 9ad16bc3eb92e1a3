"""The command line: ``envlift verify``, ``translate``, ``train``, ``bench`` and their helpers.

Exit codes: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 4 bad usage or a suite's own error, 70 a bug of ours.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from envlift import __version__, envs
from envlift.reference.failure import SideFailure
from envlift.report.page.command import add_report
from envlift.train.command import add_play, add_train
from envlift.train.games.command import add_arena
from envlift.train.saving.export import add_export
from envlift.translate.agents.protocol import AgentError
from envlift.translate.commands.init import add_init
from envlift.translate.commands.prompt import add_prompt
from envlift.translate.commands.rules import add_rules
from envlift.translate.commands.translate import add_ledger, add_replay, add_translate
from envlift.translate.loop.workspace import WorkspaceError
from envlift.verify.run.result import EXIT_USAGE
from envlift.verify.run.trouble import EXIT_BUG, InternalError, bug
from envlift.watch.command import add_watch

MISTAKES = (
    *(ValueError, ModuleNotFoundError, OSError),
    *(SideFailure, AgentError, WorkspaceError),
)
"""What a person can mend: told in a sentence, not by a traceback."""


class _Parser(argparse.ArgumentParser):
    """An argument parser that leaves exit code 2 to INCONCLUSIVE, and knows what was meant."""

    def parse_known_args(self, *arguments: Any, **options: Any) -> Any:
        """Refuse an unknown option of a command, naming the closest one it has."""
        found, unknown = super().parse_known_args(*arguments, **options)
        if unknown and self._subparsers is None:
            given = unknown[0].partition("=")[0]
            near = difflib.get_close_matches(given, self._option_string_actions, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = _Parser(prog="envlift", description="Fast environments, shown to be the same.")
    top.add_argument("--version", action="version", version=f"envlift {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_verify(commands)
    _add_repro(commands)
    _add_record(commands)
    _add_mutate(commands)
    add_train(commands)
    # The trainer knows no suites, which say how a reference is opened.
    commands.choices["train"].set_defaults(open_reference=_open_reference)
    add_play(commands)
    add_arena(commands)
    add_export(commands)
    _add_bench(commands)
    add_init(commands)
    add_prompt(commands)
    add_rules(commands)
    add_translate(commands)
    add_replay(commands)
    add_ledger(commands)
    add_report(commands)
    add_watch(commands)
    _add_commands_of_environments(commands)
    listing = commands.add_parser("list", help="list the registered environments")
    listing.set_defaults(run=_list)
    return top


def _add_commands_of_environments(commands: Any) -> None:
    """An environment whose folder has a ``command.py`` has a command of its own."""
    for path in sorted(Path(envs.__file__).parent.glob("*/command.py")):
        module = importlib.import_module(f"{envs.__name__}.{path.parent.name}.command")
        module.add_command(commands)


def _add_verify(commands: Any) -> None:
    verify = commands.add_parser(
        "verify",
        help="are these two environments the same?",
        description=(
            "envlift verify NAME compares a registered environment with its pinned reference. "
            "envlift verify REF CAND compares any pair; CAND may be the path of a suite file."
        ),
    )
    verify.add_argument("pair", nargs="+", metavar="NAME | REF CAND")
    verify.add_argument("--suite", metavar="FILE", help="suite file (defines SUITE) for REF CAND")
    verify.add_argument("--backend", help="target of a registered environment: jax or warp")
    verify.add_argument(
        "--variant",
        type=_positive,
        metavar="SEED",
        help="another game of the same rules, drawn from a seed, where NAME has such",
    )
    verify.add_argument("--config", action="append", default=[], help="only this configuration")
    verify.add_argument(
        "--level",
        action="append",
        default=[],
        choices=["L1", "L2", "L3", "resets", "transforms", "L4"],
        help="only this level (may be given several times)",
    )
    verify.add_argument("--quick", action="store_true", help="a few seconds, fewer comparisons")
    verify.add_argument("--lanes", type=_positive, help="episodes side by side")
    verify.add_argument(
        "--state-attributes",
        metavar="A,B",
        help="attributes of both Gymnasium environments that hold their state; default: state",
    )
    verify.add_argument("--max-steps", type=_positive, help="lockstep steps per lane and policy")
    verify.add_argument("--min-ends", type=_positive, help="episode ends per lane")
    verify.add_argument("--seed", type=int, help="repeat a run; without it every run is fresh")
    verify.add_argument(
        "--hours", type=float, help="go on in lockstep with fresh seeds, for so many hours in all"
    )
    verify.add_argument(
        "--steps", type=_positive, help="go on with fresh seeds to so many lockstep steps in all"
    )
    verify.add_argument(
        "--timeout", type=float, default=60.0, help="seconds for one answer of either side"
    )
    verify.add_argument(
        "--start-timeout", type=float, default=300.0, help="seconds for starting either side"
    )
    apart = verify.add_mutually_exclusive_group()
    apart.add_argument(
        "--sandbox",
        choices=["auto", "required", "none"],
        default="auto",
        help="isolate a candidate that is not envlift's own: where bubblewrap works (auto, the "
        "default), or not run at all, or never; the verdict says if it was not. The reference is "
        "trusted: it is what is compared with",
    )
    apart.add_argument(
        "--trusted",
        action="store_true",
        help="the candidate is no stranger: it is not isolated and may run in this process",
    )
    verify.add_argument("--json", type=Path, metavar="FILE", help="write the report for machines")
    verify.add_argument(
        "--fixtures",
        type=Path,
        default=Path("envlift-fixtures"),
        metavar="DIR",
        help="where minimised failures are written (default: ./envlift-fixtures)",
    )
    verify.set_defaults(run=_verify)


def _add_repro(commands: Any) -> None:
    repro = commands.add_parser("repro", help="play a recorded case again, side by side")
    repro.add_argument("fixture", type=Path)
    repro.add_argument("--backend", help="target of a registered environment: jax or warp")
    repro.set_defaults(run=_repro)


def _add_record(commands: Any) -> None:
    record = commands.add_parser("record", help="let the reference play, and keep its answers")
    record.add_argument("name", help="a registered environment or a suite file")
    record.add_argument("--seed", type=int, default=0, help="of the recorded games")
    record.set_defaults(run=_record)


def _add_mutate(commands: Any) -> None:
    mutate = commands.add_parser("mutate", help="plant faults in the rules: are they caught?")
    mutate.add_argument("name", nargs="?", help="a registered environment (--check: default all)")
    mutate.add_argument(
        "--check", action="store_true", help="judge nothing: are committed results of these rules?"
    )
    mutate.add_argument("--backend", help="target whose rules are mutated: jax or warp")
    mutate.add_argument(
        "--limit", type=_positive, help="stop after so many that are caught or survive, at random"
    )
    mutate.add_argument("--only", action="append", metavar="ID", help="only this mutant")
    mutate.add_argument(
        "--kind", action="append", default=[], help="only mutants of this kind, such as planted"
    )
    mutate.add_argument(
        "--config", action="append", default=[], help="judge in this configuration only"
    )
    mutate.add_argument("--jobs", type=_positive, default=2, help="mutants judged side by side")
    mutate.add_argument("--seed", type=int, default=0, help="of the order and of all judging")
    mutate.add_argument(
        "--every-level", action="store_true", help="all levels, not up to the first that notices"
    )
    mutate.add_argument("--json", type=Path, metavar="FILE", help="write the result for machines")
    mutate.add_argument(
        "--resume", action="store_true", help="judge only what the FILE of --json does not hold"
    )
    mutate.set_defaults(run=_mutate)


def _add_bench(commands: Any) -> None:
    bench = commands.add_parser("bench", help="steps per second, beside the reference")
    bench.add_argument("name", help="a registered environment")
    bench.add_argument("--quick", action="store_true", help="fewer batch sizes and repetitions")
    what = bench.add_mutually_exclusive_group()
    what.add_argument("--train", action="store_true", help="PPO, beside PPO over the reference")
    what.add_argument("--breakdown", action="store_true", help="what takes the time of training")
    bench.add_argument("--gpu", action="store_true", help="train on a GPU")
    bench.add_argument("--json", type=Path, metavar="FILE", help="where the result is written")
    bench.add_argument(
        "--python",
        type=Path,
        metavar="VENV",
        help="what runs the references that have pinned packages, instead of those: on a GPU "
        "machine, one whose JAX is built for CUDA",
    )
    bench.set_defaults(run=_bench)


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not a positive number")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no exception leaves it."""
    options = parser().parse_args(arguments)
    with _terminable():
        try:
            return int(options.run(options))
        except KeyboardInterrupt:
            print("envlift: interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:
            # Who read our output has seen enough, such as `head`.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        except MISTAKES as error:
            print(f"envlift: {_sentence(error)}", file=sys.stderr)
            return EXIT_USAGE
        except (Exception, SystemExit) as error:
            # Code of others that ends the process must not choose the exit code: 0 would be PASS.
            told = error if isinstance(error, InternalError) else bug(error)
            print(f"envlift: {told}", file=sys.stderr)
            return EXIT_BUG


def _sentence(error: BaseException) -> str:
    """Return an error's words; of the system's errors without their number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end a command as Ctrl-C does, with what was found so far."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _verify(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.verify import verify
    from envlift.verify.run.progress import ConsoleProgress
    from envlift.verify.run.result import EXIT_CODES
    from envlift.verify.run.show import print_report

    names = options.pair
    if len(names) > 2:
        raise ValueError(
            f"verify takes NAME or REF CAND, not {len(names)} names: {' '.join(names)}"
        )
    if options.json is not None:
        _check_writable(options.json)
    console = Console(highlight=False)
    progress = ConsoleProgress(console)
    try:
        report = verify(
            *names,
            suite=options.suite,
            backend=options.backend,
            variant=options.variant,
            configs=options.config,
            levels=options.level,
            quick=options.quick,
            lanes=options.lanes,
            state_attributes=(options.state_attributes or "").split(",")
            if options.state_attributes
            else (),
            max_steps=options.max_steps,
            min_ends=options.min_ends,
            seed=options.seed,
            timeout=options.timeout,
            start_timeout=options.start_timeout,
            fixtures=options.fixtures,
            progress=progress,
            steps=options.steps,
            hours=options.hours,
            tell=lambda far: console.print(far.line(), soft_wrap=True),
            sandbox=options.sandbox,
            trusted=options.trusted,
        )
    finally:
        progress.close()
    print_report(console, report)
    code = EXIT_CODES[report.verdict]
    if options.json is not None:
        place = options.json
        if report.interrupted and place.exists():
            # A whole report is worth more than the beginning of another.
            place = place.with_name(f"{place.stem}.interrupted{place.suffix}")
            print(f"envlift: {options.json} is kept; what was found so far: {place}")
        try:
            report.write(place)
        except OSError as error:
            print(f"envlift: the report was not written: {_sentence(error)}", file=sys.stderr)
            return code or EXIT_USAGE
    return code


def _check_writable(path: Path) -> None:
    """Refuse a file that cannot be written before anything takes time.

    Raises:
        ValueError: naming it.
    """
    if path.is_dir():
        raise ValueError(f"--json {path} is a folder; name a file")
    trial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise ValueError(f"--json {path} cannot be written: {_sentence(error)}") from None


def _repro(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.verify.failure.repro import repro

    return repro(Console(highlight=False), options.fixture, options.backend)


def _record(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.verify.failure.record import command

    return command(Console(highlight=False), options.name, options.seed)


def _mutate(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.verify.mutation.check import check
    from envlift.verify.mutation.run import command

    console = Console(highlight=False)
    if options.check:
        return check(console, options.name, options.backend)
    if options.name is None:
        raise ValueError("mutate needs the name of an environment, or --check")
    if options.resume and options.json is None:
        raise ValueError("--resume goes on with a file; name it with --json")
    return command(
        console,
        options.name,
        backend=options.backend,
        limit=options.limit,
        only=options.only,
        kinds=options.kind,
        jobs=options.jobs,
        seed=options.seed,
        json_file=options.json,
        every_level=options.every_level,
        resume=options.resume,
        configs=options.config,
    )


def _open_reference(config: Any) -> tuple[Any, Any]:
    """Return the pinned reference of a registered environment as a vector, and its score."""
    from envlift.registry import make
    from envlift.verify.levels.transfer.training import reference_vector

    name = config.env.removeprefix("reference:")
    return reference_vector(name, config.num_envs, config.env_options), make(name).score


def _bench(options: argparse.Namespace) -> int:
    from rich.console import Console

    if options.python is not None and not options.python.exists():
        raise ValueError(f"--python {options.python} does not exist; name a virtual environment")
    console = Console(highlight=False)
    if options.train or options.breakdown:
        from envlift.bench import training

        return training.command(
            console,
            options.name,
            parts=options.breakdown,
            quick=options.quick,
            gpu=options.gpu,
            json_file=options.json,
        )
    from envlift.bench.run import command

    return command(
        console,
        options.name,
        quick=options.quick,
        json_file=options.json,
        interpreter=options.python,
    )


def _list(options: argparse.Namespace) -> int:
    from envlift.registry import entry, list_envs, list_vector_envs, registration, verified

    for name in list_envs():
        found = registration(name)
        print(
            f"{name:<16} {found.title}  (reference: {found.reference or 'none'}; {verified(found)})"
        )
    for name in list_vector_envs():
        compiled = entry(name)
        print(
            f"{name:<16} {compiled.title}  (reference: {compiled.reference or 'none'}; compiled, "
            "for make_vec alone)"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
