"""The suite that ``envlift init`` writes, as text: it runs as it stands, and asks to be edited."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence

from envlift.translate.init.files import Answers

DICE = '''def draw_chance(rng, shape):
    """Return the dice of resets or steps, uint32 [*shape, K]; reference/tape.py says their use."""
    return rng.integers(0, 2**32, (*shape, PROJECT.reference.config["tape"]), np.uint32)


'''


def suite_file(answers: Answers, functions: Sequence[str] = ()) -> str:
    """Return ``suite.py``; ``functions`` are names that the reference's ``call`` may know."""
    probe = answers.probe
    state = list(probe.spec.state) if probe is not None else []
    usable = bool(state) and (probe is None or probe.repeats is not False)
    start = "copy" if usable else "seed"
    taped = probe is not None and probe.spec.chance is not None
    dice = chance = numpy = ""
    if taped:
        start, dice, chance = "chance", DICE, "    draw_chance=draw_chance,\n"
        numpy = "\nimport numpy as np\n"
    shown = state if usable else []
    lines = [f'        field(PROJECT, "state.{name}"),' for name in shown]
    fields = "\n".join(["    state=(", *lines, "    ),"]) if lines else "    state=(),"
    options = '{"state_attributes": STATE}' if answers.target == "rust" and shown else "{}"
    names = ", ".join(json.dumps(name) for name in shown)
    attributes = ""
    if answers.target == "rust" and shown:
        attributes = f"# The candidate's attributes that hold its state.\nSTATE = [{names}]\n\n"
    reference = "PROJECT.reference.launch"
    if not answers.launch:
        reference = "f\"python:{HERE / 'reference' / 'rules.py'}:Rules\""
    example = shown[0] if shown else "field"
    public = [name for name in functions if not name.startswith("_")]
    component = [*public, *functions, "function"][0]
    maker = "from_arrays" if answers.target == "rust" else "from_function"
    known = ""
    if functions:
        listed = _wrapped(", ".join(functions), "#   ")
        known = f"# Functions that this reference can be asked for:\n{listed}\n"
    why = {
        "copy": "the reference's state is copied into the candidate once per episode",
        "chance": "both sides are given the same dice at every reset and step",
        "seed": "both sides draw for themselves: equal seeds must give equal episodes",
    }[start]
    return f'''"""What {answers.name} and its reference are compared by. Edit it before you begin.

Nobody but you changes this file: an agent's turn that touches it is undone. It works as it stands
(`envlift verify suite.py` in this folder, once there is something to compare), but random play
alone reaches little: say below what must have happened before a pass is believed.
"""

import sys
from pathlib import Path
{numpy}
from envlift.translate.fields import field
from envlift.translate.project import load_project
from envlift.verify.suite import Config, Policy, Suite

HERE = Path(__file__).parent
# Last, so that nothing here stands before a library.
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))

# Tolerances are those of envlift.toml.
PROJECT = load_project(HERE)

{attributes}{dice}\
# What the rules can do and must have done. `t` is an envlift.verify.suite.Trace: arrays [T, B, ...]
# of the reference's steps.
#
#     from envlift.verify.suite import Feature
#
FEATURES = (
    # Feature("an episode ends", lambda t: t.terminated),
    # Feature("a high reward", lambda t: t.reward > 0),
)

# Who plays. Add players that reach what random play does not: act(rng, observation, state) returns
# one action for each lane.
POLICIES = (Policy("random"),)

# Moments in which rules meet: a few steps from a chosen state, and the features it must show.
#
#     from envlift.verify.suite import Scenario
#
SCENARIOS = (
    # Scenario("...", state={{"{example}": 0}}, actions=(0, 1), reaches=("an episode ends",)),
)

# Functions of the reference beside the modules' own, on generated inputs (level 1).
{known}#
#     from hypothesis import strategies as st
#     from envlift.translate.components import {maker}
#     from envlift.verify.suite import Component, Field
#
COMPONENTS = (
    # Component(
    #     "{component}",
    #     fields=(Field("result"),),
    #     candidate={maker}("{answers.name}.rules:{component}"),
    #     row=st.fixed_dictionaries({{"x": st.integers(0, 9)}}),
    #     dtypes={{"x": "int32"}},
    # ),
)

SUITE = Suite(
    name=PROJECT.name,
    reference={reference},
    candidate=PROJECT.candidate,
    observation=field(PROJECT, "observation"),
    reward=field(PROJECT, "reward"),
{fields}
    # {why}
    start="{start}",
{chance}\
    configs=(Config("default", PROJECT.reference.config, {options}),),
    features=FEATURES,
    policies=POLICIES,
    scenarios=SCENARIOS,
    components=COMPONENTS,
    corpus=HERE / "fixtures",
    # Level 4: fix margin and training before anything is trained, or say why it is left out.
    # transfer=Transfer(margin=..., reason="...", config="default", training={{...}}),
    not_verified=("whether a learned policy notices a difference (no margin is fixed)",),
)
'''


def functions_of(source: str, first: int = 0, last: int = 0) -> list[str]:
    """Return functions of a Python source that a Gymnasium reference can be asked for.

    Methods of the class between two lines and functions of the module, without those that need the
    world or change it.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    unwanted = {"reset", "step", "render", "close"}
    found = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.append(node.name)
        elif isinstance(node, ast.ClassDef) and (not first or first <= node.lineno <= last):
            found += [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
    return [n for n in found if n not in unwanted and "render" not in n and not n.startswith("__")]


def _wrapped(text: str, before: str) -> str:
    rows, row = [], ""
    for word in text.split():
        if len(before) + len(row) + len(word) > 96:
            rows.append(row)
            row = ""
        row = f"{row} {word}".strip()
    return "\n".join(before + row for row in [*rows, row])


RULE_TESTS = '''"""Tests of the written rules, before anything is written down as a program.

The docstring of each test begins with the ids of the rules that it tests, and a colon.
``envlift rules check`` lists the rules that have no test yet.
"""

# def test_who_takes_the_last_stone_wins():
#     """E-1, R-2: the last stone wins, also when two are taken."""
'''

RULES = '''"""A second, plain reading of the written rules: what the fast one is compared with.

Write it for clarity, never for speed, and number each rule where it is applied. Whoever writes it
should not see the fast environment, nor the other way round. docs/reference-protocol.md says more.
"""

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.types import ArraySpec, SideSpec


class Rules:
    """One game."""

    def __init__(self):
        raise ReferenceUnavailable(
            "reference/rules.py is still empty: nobody has written the rules down as a program"
        )

    def spec(self):
        """Describe the game; every state field has a shape and a dtype."""
        return SideSpec(
            name="the written rules",
            observation=ArraySpec((4,), "float32"),
            action=ArraySpec((), "int32"),
            num_actions=2,
            state={"turn": ArraySpec((), "int32")},
        )

    def reset(self, seed, chance=None):
        """Start a game; return its first observation."""

    def step(self, action, chance=None):
        """Play one step; return (observation, reward, terminated, truncated)."""

    def get_state(self):
        """Return every state field by name."""

    def set_state(self, state):
        """Go on from this state, with nothing left of the old one."""
'''
