"""A small project for each target, as a person might have left it."""

from __future__ import annotations

from pathlib import Path

from envlift.translate.project.file import Project, load_project

RULES = '''"""A counter that walks on a ring and ends at home."""

SIZE = 12


def advance(place, by):
    """Move on the ring."""
    return (place + by) % SIZE


class Ring:
    def step(self, action):
        self.place = advance(self.place, 1 if action else -2)
        home = self.place == 0
        return self.place, 1.0 if home else 0.0, home, False
'''

SUITE = """from pathlib import Path

from envlift.translate.fields import field
from envlift.translate.project.file import load_project
from envlift.verify.suite import Component, Config, Feature, Field, Suite

PROJECT = load_project(Path(__file__).parent)

SUITE = Suite(
    name="ring",
    reference="python:reference/rules.py:Ring",
    candidate=PROJECT.candidate,
    observation=field(PROJECT, "observation"),
    reward=field(PROJECT, "reward"),
    state=(field(PROJECT, "state.place"), field(PROJECT, "state.speed")),
    configs=(Config("default", {"size": 12}, {}), Config("large", {"size": 90}, {"size": 90})),
    features=(
        Feature("comes home", lambda t: t.terminated),
        Feature("passes home", lambda t: t.reward < 0),
    ),
    components=(
        Component("advance", (Field("result"),), dtypes={"place": "int32", "by": "int32"}),
    ),
)
"""

PROJECT = """
format = 1
name = "ring"
target = "{target}"
{more}
protected = ["NOTES.md"]

[reference]
launch = "python:reference/rules.py:Ring"
sources = ["reference/rules.py"]

[tolerances.state]
atol = 1e-6
rtol = 1e-5
drift = 100.0
reason = "float32 against float64"

[[module]]
name = "walk"
file = "{walk}"
sources = ["reference/rules.py:3-8"]
contract = '''
advance(place, by) -> int32 scalar
    place, by: int32 scalars; 0 <= place < 12
'''
components = ["advance"]

[[module]]
name = "env"
file = "ring/env.py"
sources = ["reference/rules.py:11-15"]
needs = ["walk"]
constraints = "The ring has 12 places; keep `SIZE` in one place."
"""


def ring(folder: Path, target: str = "jax", more: str = "") -> Project:
    """Write the project into a folder and read it."""
    if target == "rust":
        more += '\ncandidate = "vector:ring.env:make"\nbuild = ["cargo", "build", "--release"]'
    walk = "src/walk.rs" if target == "rust" else "ring/walk.py"
    text = PROJECT.format(target=target, more=more, walk=walk)
    write(folder, {"envlift.toml": text, "suite.py": SUITE, "reference/rules.py": RULES})
    return load_project(folder)


def write(folder: Path, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
