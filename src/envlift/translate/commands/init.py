"""``envlift init``: the words of a command line, and what a person is asked and shown."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from envlift.translate.init.probe import Probe
    from envlift.translate.init.start import Found, Wanted
    from envlift.translate.project.file import Target

TARGETS = ("warp", "jax", "rust")


def add_init(commands: Any) -> None:
    """Add ``init`` to the commands of a parser."""
    init = commands.add_parser(
        "init",
        help="begin a translation: look at a reference, write a project",
        description=(
            "Start a reference, say what it is and which target suits it, and write a project "
            "folder. What is not given is asked for on a terminal."
        ),
    )
    init.add_argument("name", help="of the project and of the Python package that is written")
    init.add_argument(
        "--reference",
        metavar="LAUNCH",
        help="gymnasium:ID, file.py:Class or module:Class (a gymnasium.Env, or a class that speaks "
        "the reference protocol), or process:command words",
    )
    init.add_argument(
        "--specification",
        "--spec",
        type=Path,
        metavar="FILE",
        help="numbered rules, where nothing runs (docs/from-rules.md)",
    )
    init.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="tables that the rules speak of; copied into data/ of the project",
    )
    init.add_argument("--target", choices=TARGETS, help="default: what is advised")
    init.add_argument("--into", type=Path, metavar="DIR", help="default: ./NAME")
    init.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="an option of the reference, its value as JSON (may be given several times)",
    )
    init.add_argument(
        "--source",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="source of the reference for the agent to read (may be given several times)",
    )
    init.add_argument("--agent", help="who writes: manual, command, api, replay (default: manual)")
    init.add_argument("--dollars", type=float, help="cap on what all turns together may cost")
    init.add_argument("--turns", type=int, help="cap on the agent's turns")
    init.add_argument("--iterations", type=int, help="cap on turns at one level (of one module)")
    init.set_defaults(run=_init)


def _init(options: argparse.Namespace) -> int:
    from rich.console import Console

    from envlift.reference.launch import FORMS
    from envlift.translate.init.start import Wanted, check, explore, with_form, write

    console = Console(highlight=False, soft_wrap=True)
    asks = sys.stdin.isatty()
    reference = options.reference or ""
    if not reference and options.specification is None:
        if not asks:
            raise ValueError("say what is translated: --reference LAUNCH or --specification FILE")
        console.print(f"What is translated? The forms are\n{FORMS}", markup=False)
        reference = _ask("reference", "")
    for name in ("dollars", "turns", "iterations"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise ValueError(f"--{name} must be more than 0, it is {value:g}")
    config = dict(_option(text) for text in options.config)
    wanted = Wanted(
        name=options.name,
        folder=options.into or Path(options.name),
        reference=with_form(reference, config),
        specification=options.specification,
        config=config,
        data=options.data,
        sources=tuple(options.source),
        agent=options.agent or "manual",
        dollars=options.dollars,
        turns=options.turns,
        iterations=options.iterations,
    )
    check(wanted)
    if reference:
        console.print(f"starting {wanted.reference} ...", markup=False)
    found = explore(wanted)
    show(console, found)
    target = _target(options, found, asks)
    project = write(wanted, found, target)
    _next(console, wanted, found, project.target)
    return 0


def _target(options: argparse.Namespace, found: Found, asks: bool) -> Target:
    best = found.advice[0].target
    if options.target is not None:
        chosen: Target = options.target
        return chosen
    if not asks:
        return best
    answer = _ask("target", best)
    for target in TARGETS:
        if answer == target:
            return target  # type: ignore[return-value]
    raise ValueError(f"{answer!r} is no target; choose one of {', '.join(TARGETS)}")


def _ask(question: str, default: str) -> str:
    shown = f"{question} [{default}]: " if default else f"{question}: "
    try:
        answer = input(shown).strip() or default
    except EOFError:
        answer = default
    if not answer:
        raise ValueError(f"there was no answer; give --{question}")
    return answer


def _option(text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ValueError(f"--config {text!r} is not of the form KEY=VALUE")
    try:
        return key, json.loads(value)
    except ValueError:
        # A word is a text without being quoted twice.
        return key, value


def show(console: Console, found: Found) -> None:
    """Say what the reference is, what speaks for which target, and what to beware of."""
    if found.probe is not None:
        for name, text in facts(found.probe):
            console.print(f"  {name:<13}{text}", markup=False)
        for text in warnings(found.probe):
            console.print(f"\n[yellow]note:[/] {_plain(text)}")
    console.print("\nwhich target? (the first is advised)")
    for advice in found.advice:
        console.print(f"  [bold]{advice.target}[/]")
        for reason in advice.reasons:
            console.print(f"    {reason}", markup=False)


def facts(probe: Probe) -> list[tuple[str, str]]:
    """Return what a person wants to know of a reference, as names and texts."""
    from envlift.translate.init.observation import parts

    spec = probe.spec
    actions = f"{spec.num_actions} actions" if spec.num_actions is not None else "continuous"
    if spec.num_actions is None:
        actions += f" {list(spec.action.shape)} {spec.action.dtype}"
    episode = f"about {probe.episode:,.0f} steps" if probe.episode else "none ended in 800 steps"
    rows = [
        ("reference", spec.name + "".join(f", {k} {v}" for k, v in spec.pins.items())),
        ("observation", f"{list(spec.observation.shape)} {spec.observation.dtype}"),
        *[("", one) for one in parts(spec.observation_space)],
        ("actions", actions),
    ]
    state = [f"{name} {list(one.shape)} {one.dtype}" for name, one in spec.state.items()]
    rows.append(("state", "; ".join(state) or "cannot be read"))
    if probe.attributes:
        changed = [name for name in probe.attributes if name not in probe.seldom]
        rows.append(("", f"found: {', '.join(changed)} (changed during random play)"))
    if probe.seldom:
        taken = ", ".join(probe.seldom)
        rows.append(("", f"found: {taken} (its methods assign them; random play never did)"))
    rows += [("", f"left out: {name}, {why}") for name, why in probe.left_out.items()]
    if probe.settable:
        again = "equal steps" if probe.repeats else "DIFFERENT steps"
        rows.append(("", f"it can be set: equal states and actions gave {again}"))
    if probe.dice and probe.spec.chance is not None:
        words = (
            f"a step draws up to {probe.dice} words; both sides are given a tape of {probe.tape}"
        )
        rows.append(("dice", words))
    if probe.max_episode_steps is not None:
        episode += f", at most {probe.max_episode_steps}"
    rows.append(("episode", f"{episode}, random play"))
    seeds = "equal episodes" if probe.seeded else "DIFFERENT episodes"
    rows.append(("seeds", f"equal seeds and actions gave {seeds}"))
    rows.append(("speed", f"{probe.steps_per_second:,.0f} steps/s, one process"))
    if probe.source is not None:
        rows.append(("source", probe.source.name))
    return rows


def warnings(probe: Probe) -> list[str]:
    """Return what a person should know before anything is translated."""
    notes = []
    if probe.tape_trouble:
        notes.append(
            f"its dice cannot be given to it: {probe.tape_trouble}. Where chance is drawn inside a "
            "step, write an adapter that takes it as an argument (docs/reference-protocol.md)."
        )
    if not probe.spec.state and probe.spec.chance is not None:
        notes.append(
            "its state cannot be read: whole episodes are compared, by the same dice, and no "
            "single steps. Name its state, --config 'state_attributes=[\"...\"]', or write a "
            "small adapter class that has get_state and set_state (docs/reference-protocol.md)."
        )
    elif not probe.spec.state:
        notes.append(
            "its state cannot be read, so both sides must start from equal seeds, and a fast "
            "environment does not draw the same numbers. Name its state, --config "
            "'state_attributes=[\"...\"]', or write a small adapter class that has get_state and "
            "set_state (docs/reference-protocol.md)."
        )
    elif probe.repeats is False:
        notes.append(
            "from equal states and equal actions it does not do the same: it draws random numbers "
            "inside a step, or part of its state is not among the fields above. Name what is "
            "missing, --config 'state_attributes=[\"...\"]', or write an adapter that takes its "
            "chance as an argument (start='chance' in docs/verify.md). As it is, no comparison of "
            "steps can pass."
        )
    if not probe.seeded:
        notes.append(
            "equal seeds do not give equal episodes: a failure cannot be repeated by seed."
        )
    if probe.source is None:
        notes.append(
            "its source was not found; name what the agent should read with --source FILE."
        )
    return notes


def _next(console: Console, wanted: Wanted, found: Found, target: Target) -> None:
    from envlift.translate.init.start import git_root

    folder = wanted.folder
    best = found.advice[0].target
    chosen = f"{target}" + ("" if target == best else f", your choice; {best} was advised")
    console.print(f"\nwrote [bold]{_plain(str(folder))}[/] ({chosen}), committed to its own git")
    outer = git_root(folder)
    if outer is not None:
        words = f"  it lies inside another git repository; name it in {outer.name}'s .gitignore"
        console.print(words, markup=False)
    steps = [
        (f"{folder}/envlift.toml", "tolerances and budget: are they what you mean?"),
        (f"{folder}/suite.py", "what must have happened before a pass is believed"),
        (f"envlift prompt {folder}", "what the agent will be told"),
        (f"envlift translate {folder}", "the work itself"),
    ]
    if wanted.specification is not None:
        text = folder / "reference" / wanted.specification.name
        steps[2:2] = [
            (f"{folder}/reference/test_rules.py", "tests that cite the rules"),
            (f"envlift rules check {text}", "which rules have no test yet"),
            (f"{folder}/reference/rules.py", "rules on paper cannot play: write them"),
        ]
    console.print("next:")
    width = max(len(what) for what, _ in steps)
    for what, why in steps:
        console.print(f"  {what:<{width}}  {why}", markup=False)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
