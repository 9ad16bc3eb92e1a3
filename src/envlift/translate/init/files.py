"""The files that ``envlift init`` writes, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envlift.translate.init.advice import Advice
from envlift.translate.init.observation import parts
from envlift.translate.init.probe import ROUNDED, Closeness, Probe
from envlift.translate.project.file import FORMAT, Target


@dataclass(frozen=True)
class Answers:
    """What a person decided.

    Attributes:
        name: of the project and its package.
        target: what is written.
        launch, config: the reference; launch is empty for written rules.
        specification: path of the written rules in the project, empty for a running reference.
        sources: paths in the project that the agent is shown.
        agent: who writes.
        dollars, turns, iterations: see ``project.Budget``; None for its defaults.
        advice: of all targets, best first.
        probe: what the reference showed; None for written rules.
    """

    name: str
    target: Target
    launch: str
    config: Mapping[str, Any]
    specification: str
    sources: tuple[str, ...]
    agent: str
    advice: tuple[Advice, ...]
    dollars: float | None = None
    turns: int | None = None
    iterations: int | None = None
    probe: Probe | None = None


def toml(value: Any) -> str:
    """Return a value as TOML, tables inline.

    Raises:
        ValueError: for None and what else TOML cannot say.
    """
    if isinstance(value, (bool, str)):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(str(key))} = {toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    raise ValueError(f"{value!r} cannot be written as TOML; leave the option out")


def project_file(answers: Answers) -> str:
    """Return ``envlift.toml``."""
    choice = next(a for a in answers.advice if a.target == answers.target)
    best = answers.advice[0].target
    advised = "advised" if best == answers.target else f"{best} was advised"
    rows = [
        "# What is translated, into what, and at what price. Every key: docs/translate.md.",
        "",
        f"format = {FORMAT}",
        f"name = {toml(answers.name)}",
        "",
        f"# {advised}:",
        *[f"#   {reason}" for reason in choice.reasons],
        f"target = {toml(answers.target)}",
        f"candidate = {toml(candidate(answers))}",
    ]
    if answers.target == "rust":
        rows.append('build = ["cargo", "build", "--release"]')
    rows += ["", "[reference]"]
    if answers.launch:
        rows.append(f"launch = {toml(answers.launch)}")
    else:
        rows.append(f"specification = {toml(answers.specification)}")
    rows += ["# What the agent is shown. A part of a file: \"reference/rules.py:120-260\".",
             f"sources = {toml(list(answers.sources))}"]  # fmt: skip
    seen = () if answers.probe is None else parts(answers.probe.spec.observation_space)
    if seen:
        rows += ["# The parts of its observation, by which the agent and every failure name them.",
                 "observation = [", *[f"    {toml(one)}," for one in seen], "]"]  # fmt: skip
    if answers.config:
        rows += ["", "# The reference's own options.", "[reference.config]"]
        rows += [f"{_key(key)} = {toml(value)}" for key, value in answers.config.items()]
    rows += ["", *_tolerances(answers), "", *_agent(answers), "", *_budget(answers), "", *_MODULES]
    return "\n".join(rows) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)


def candidate(answers: Answers) -> str:
    """Return the launch string of what is written."""
    form = "vector" if answers.target == "rust" else "env"
    return f"{form}:{answers.name}.env:make"


def _tolerances(answers: Answers) -> list[str]:
    probe = answers.probe
    rows = [
        "# How far floats may be from the reference's: atol + rtol * |reference|; drift is how",
        "# many times more where whole episodes are played. Integers and flags are always exact.",
    ]
    if probe is None:
        return [*rows, "# Written rules are exact unless you say otherwise."]
    floats = [
        name
        for name, spec in _fields(probe).items()
        if spec.startswith("float") and name != "reward"
    ]
    if not floats and probe.whole_rewards:
        return [*rows, "# This reference has no floats that could differ: everything is exact."]
    if answers.target == "rust":
        return [
            *rows,
            "# Rust computes in the reference's own width, so everything is exact to begin with.",
            "# Where a library function rounds differently, say so, for example:",
            "# [tolerances.state]",
            "# atol = 1e-12",
            '# reason = "libm and NumPy round sin and cos differently in the last place"',
        ]
    rows += [
        "# These numbers are a start, made by rounding the reference's own state to float32.",
        "# Think about each: what would a player notice, what would a wrong rule do at least?",
    ]
    groups = {"observation": ["observation"], "state": [n for n in floats if n != "observation"]}
    for group, names in groups.items():
        chosen = [name for name in names if name in floats]
        if chosen:
            rows += ["", *_tolerance(group, _widest(probe, chosen))]
    if not probe.whole_rewards:
        rows += ["", *_tolerance("reward", probe.close.get("reward"))]
    return rows


def _tolerance(group: str, seen: Closeness | None) -> list[str]:
    if seen is None or seen.later == 0:
        # It may keep float32 itself and yet compute in float64 on the way there.
        why = "nothing could be measured" if seen is None else "rounding its state changed nothing"
        return [
            f"[tolerances.{group}]",
            "atol = 1e-6",
            "rtol = 1e-5",
            "drift = 100.0",
            f'reason = "float32; a guess: {why}, see what a first run shows"',
        ]
    reason = (
        f"float32: the reference itself, its state rounded so, was off by {seen.once:.0e} after "
        f"one step and {seen.later:.0e} within {ROUNDED}"
    )
    return [
        f"[tolerances.{group}]",
        f"atol = {seen.atol:.0e}",
        "rtol = 1e-6",
        f"drift = {seen.drift!r}",
        f"reason = {toml(reason)}",
    ]


def _widest(probe: Probe, names: Sequence[str]) -> Closeness | None:
    seen = [probe.close[name] for name in names if name in probe.close]
    if not seen:
        return None
    return Closeness(max(c.once for c in seen), max(c.later for c in seen))


def _fields(probe: Probe) -> dict[str, str]:
    """Return every compared field and its dtype."""
    state = {f"state.{name}": spec.dtype for name, spec in probe.spec.state.items()}
    return {"observation": probe.spec.observation.dtype, **state}


def _agent(answers: Answers) -> list[str]:
    return [
        "# Who writes: manual (you, or an assistant in your editor), command (a command-line",
        "# agent), api (a model by HTTP), replay. [agent.options]: docs/translate.md.",
        "[agent]",
        f"kind = {toml(answers.agent)}",
        'sandbox = "none"  # or "bubblewrap", where the system allows it',
    ]


def _budget(answers: Answers) -> list[str]:
    rows = ["# Where the work stops and asks for you.", "[budget]"]
    dollars = answers.dollars
    rows.append(f"dollars = {dollars!r}" if dollars is not None else "# dollars = 5.0")
    rows.append(f"turns = {answers.turns}" if answers.turns else "# turns = 200")
    words = f"iterations = {answers.iterations}" if answers.iterations else "# iterations = 50"
    rows.append(f"{words}  # turns at one level (of one module)")
    rows.append("# optimise = 0  # turns that may try to make it faster once it is right")
    return [
        *rows,
        "",
        "# How much is compared in one judgement; without it, what `envlift verify` does.",
        "# [verification]",
        "# quick = true  # seconds, for trying things out",
    ]


_MODULES = [
    "# What is translated on its own, in order. Without any, the first turn proposes them.",
    "#",
    "# [[module]]",
    '# name = "rules"',
    '# file = "NAME/rules.py"',
    '# sources = ["reference/FILE.py:10-120"]',
    '# contract = "step(state, action) -> state, reward, terminated"',
    "# needs = []",
    "# components = []  # of suite.py, compared function by function",
]


def readme(answers: Answers) -> str:
    """Return ``README.md``: what to do next."""
    source = f"`{answers.launch}`" if answers.launch else f"the rules in `{answers.specification}`"
    rules = "" if answers.launch else _RULES_STEP
    return f"""# {answers.name}

{source}, to be translated to {answers.target} and shown to be the same.

1. Read `envlift.toml`. Are the tolerances what you mean, is the budget what you want to spend?
2. Read `suite.py` and say what must have happened before a pass is believed.
{rules}3. `envlift prompt .` prints what the agent will be told.
4. `envlift translate .` does the work; `envlift ledger .` says what it cost.

| | |
|---|---|
| `envlift.toml`, `suite.py` | yours: what is compared, how closely, at what price |
| `reference/` | the reference's source, for reading |
| `fixtures/` | differences that were found, as short as they can be; the loop adds them |
| `{answers.name}/`, `tests/` | the agent's: the environment and its property tests |
| `prompts/` | your own prompt templates, if you make the folder |
| `.envlift/` | ledger, logs, evidence; not committed |
"""


_RULES_STEP = """\
   Rules on paper cannot play. Write tests that cite them, `reference/test_rules.py`, then
   `reference/rules.py`, a slow and plain reading of them, or let somebody else write it who does
   not see the fast one: without it nothing above level 1 can pass. `envlift rules check` says which
   rule has no test yet. Then add `launch = "python:reference/rules.py:Rules"` to `[reference]`.
"""

IGNORED = (
    "# What is made anew at any time.\n.envlift/\ntarget/\n__pycache__/\n*.pyc\n.hypothesis/\n"
)


def crate(name: str) -> dict[str, str]:
    """Return a crate that builds and does nothing yet."""
    return {
        "Cargo.toml": f"""[package]
name = "{name}"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]

[profile.release]
opt-level = 3
lto = true
codegen-units = 1
panic = "abort"

# No dependencies: what is judged builds without a network.
[dependencies]
""",
        "Cargo.lock": f"""# This file is automatically @generated by Cargo.
# It is not intended for manual editing.
version = 3

[[package]]
name = "{name}"
version = "0.1.0"
""",
        "src/lib.rs": f"""//! {name}: many environments in one library, called with ctypes.

/// Raised whenever a function below changes; `{name}/env.py` checks it.
#[no_mangle]
pub extern "C" fn {name}_abi_version() -> u32 {{
    1
}}
""",
    }
