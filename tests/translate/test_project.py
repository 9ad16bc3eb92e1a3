"""The project file: what is read, and what every mistake is answered with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envlift.translate.fields import field
from envlift.translate.project.file import (
    Budget,
    Module,
    Project,
    ProjectError,
    load_project,
    order,
    parse,
)

WHOLE = """
format = 1
name = "taxi"
target = "warp"
candidate = "env:taxi.fast:make"
suite = "checks/suite.py"
build = ["make", "all"]
protected = ["NOTES.md"]

[reference]
launch = "gymnasium:Taxi-v4"
sources = ["reference/taxi.py"]
[reference.config]
is_rainy = true

[tolerances.observation]
atol = 1
reason = "rounding"
[tolerances.state]
rtol = 1e-5
reason = "float32"
[tolerances.state.speed]
atol = 0.5
drift = 10
reason = "measured"

[budget]
dollars = 3
turns = 9
[verification]
quick = true
lanes = 4

[agent]
kind = "command"
sandbox = "bubblewrap"
pass_environment = ["TOKEN"]
[agent.options]
preset = "codex"

[[module]]
name = "env"
file = "taxi/env.py"
needs = ["rules"]
[[module]]
name = "rules"
file = "taxi/rules.py"
sources = ["reference/taxi.py:1-9"]
rules = ["1", "2.3"]
"""

LEAST: dict[str, Any] = {
    "format": 1,
    "name": "taxi",
    "target": "jax",
    "reference": {"launch": "gymnasium:Taxi-v4"},
}


def made(folder: Path = Path("/nowhere"), **changes: Any) -> Project:
    return parse({**LEAST, **changes}, folder)


def test_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "envlift.toml").write_text(WHOLE)
    project = load_project(tmp_path)
    assert (project.name, project.target, project.suite) == ("taxi", "warp", "checks/suite.py")
    assert project.candidate == "env:taxi.fast:make"
    assert project.build == ("make", "all")
    assert project.reference.config == {"is_rainy": True}
    assert project.tolerances["observation"].atol == 1.0
    assert isinstance(project.tolerances["observation"].atol, float)
    assert project.tolerances["state.speed"].drift == 10.0
    assert project.budget == Budget(dollars=3.0, turns=9)
    assert project.verification.lanes == 4
    assert (project.agent, project.sandbox) == ("command", "bubblewrap")
    assert project.agent_options == {"preset": "codex"}
    assert project.pass_environment == ("TOKEN",)
    assert [module.name for module in project.modules] == ["rules", "env"], "what it needs first"
    assert project.module("rules").rules == ("1", "2.3")


def test_the_least_has_defaults() -> None:
    project = made()
    assert project.candidate == "env:taxi.env:make"
    assert project.budget == Budget()
    assert (project.agent, project.sandbox, project.modules) == ("manual", "none", ())


MODULE = {"name": "a", "file": "taxi/a.py"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 2}, r"format = 2 is not known; write format = 1"),
        ({"format": None}, r"format = None is not known"),
        ({"name": "Taxi"}, r"name = 'Taxi' is no name"),
        ({"name": 3}, r"name = 3 is no name"),
        ({"target": "cuda"}, r"target = 'cuda' is not known; use 'warp', 'jax', 'rust'"),
        ({"target": ["jax"]}, r"target = \['jax'\] is not known"),
        ({"targets": 1}, r"'targets' is not known; did you mean 'target'\?"),
        ({"tolerance": {}}, r"'tolerance' is not known; did you mean 'tolerances'\?"),
        ({"xyz": 1}, r"'xyz' is not known; known: "),
        ({"candidate": 3}, r"candidate = 3 is no text"),
        ({"suite": ["a"]}, r"suite = \['a'\] is no text"),
        ({"build": "make"}, r"build = 'make' is no list of texts"),
        ({"build": 3}, r"build = 3 is no list of texts"),
        ({"protected": [1]}, r"protected = \[1\] is no list of texts"),
        ({"reference": {}}, r"\[reference\] needs 'launch'"),
        ({"reference": "x"}, r"reference = 'x' is no table"),
        (
            {"reference": {"lunch": "x"}},
            r"\[reference\] 'lunch' is not known; did you mean 'launch'",
        ),
        ({"reference": {"launch": 3}}, r"\[reference\] launch = 3 is no str"),
        ({"reference": {"launch": "x", "config": 3}}, r"\[reference\] config = 3 is no table"),
        ({"reference": {"launch": "x", "sources": ["../x"]}}, r"'../x' leads out of the project"),
        ({"reference": {"specification": "/x.md"}}, r"'/x.md' leads out of the project"),
        ({"budget": {"turns": 1.5}}, r"\[budget\] turns = 1.5 is no int"),
        ({"budget": {"turns": True}}, r"\[budget\] turns = True is no int"),
        ({"budget": {"turns": -1}}, r"\[budget\] turns = -1 is below 0"),
        ({"budget": {"dollars": -0.5}}, r"\[budget\] dollars = -0.5 is below 0"),
        ({"budget": {"dollars": "5"}}, r"\[budget\] dollars = '5' is no float"),
        ({"budget": {"dolars": 5}}, r"did you mean 'dollars'"),
        ({"verification": {"quick": 1}}, r"\[verification\] quick = 1 is no bool"),
        ({"verification": {"lanes": 2.0}}, r"\[verification\] lanes = 2.0 is no int"),
        ({"agent": {"kid": "x"}}, r"\[agent\] 'kid' is not known; did you mean 'kind'"),
        ({"agent": "manual"}, r"agent = 'manual' is no table"),
        ({"agent": {"kind": 3}}, r"\[agent\] kind = 3 is no text"),
        ({"agent": {"options": 3}}, r"\[agent\] options = 3 is no table"),
        ({"agent": {"sandbox": "docker"}}, r"sandbox = 'docker' is not known; use 'none' or"),
        ({"agent": {"pass_environment": "HOME"}}, r"pass_environment = 'HOME' is no list of texts"),
        ({"tolerances": {"stat": {}}}, r"\[tolerances\] 'stat' is not known; did you mean 'state'"),
        ({"tolerances": {"reward": {"atol": 1.0}}}, r"\[tolerances.reward\].*reason"),
        (
            {"tolerances": {"reward": {"atol": 1.0, "reason": ""}}},
            r"\[tolerances.reward\] needs a reason",
        ),
        (
            {"tolerances": {"state": {"v": {"atol": 1.0}}}},
            r"\[tolerances.state.v\].*reason",
        ),
        ({"tolerances": {"reward": {"atl": 1, "reason": "x"}}}, r"did you mean 'atol'"),
        ({"tolerances": {"reward": 1e-6}}, r"tolerances.reward = 1e-06 is no table"),
        ({"tolerances": 3}, r"tolerances = 3 is no table"),
        ({"tolerances": {"reward": {"atol": float("nan"), "reason": "x"}}}, r"atol = nan is no"),
        ({"budget": {"dollars": float("inf")}}, r"dollars = inf is no finite number"),
        ({"module": {"name": "a"}}, r"module = .* is no list of tables; write \[\[module\]\]"),
        ({"module": [3]}, r"module 1 = 3 is no table"),
        ({"module": [{"file": "x"}]}, r"\[module 1\].*'name'"),
        ({"module": [{"name": "a", "file": "src/a.rs"}]}, r"src/a.rs has to be compiled"),
        ({"module": [{"name": "a"}]}, r"\[module a\].*'file'"),
        ({"module": [{"name": "a", "file": ""}]}, r"module 'a' needs 'file'"),
        ({"module": [{"name": "A b", "file": "x"}]}, r"a module is named 'A b'"),
        ({"module": [MODULE, MODULE]}, r"two modules have the name 'a'"),
        ({"module": [MODULE, {"name": "b", "file": "taxi/a.py"}]}, r"have the file 'taxi/a.py'"),
        (
            {"module": [{**MODULE, "needs": ["b"]}]},
            r"'a' needs 'b', which is no module; known: 'a'",
        ),
        ({"module": [{**MODULE, "needs": ["a"]}]}, r"modules 'a' need one another in a circle"),
        ({"module": [{**MODULE, "needs": "b"}]}, r"module a.needs = 'b' is no list of texts"),
        ({"module": [{**MODULE, "file": "../a.py"}]}, r"'../a.py' leads out of the project"),
        ({"module": [{**MODULE, "sources": ["/a:1-2"]}]}, r"'/a' leads out of the project"),
        ({"module": [{**MODULE, "fil": "x"}]}, r"\[module a\] 'fil' is not known; did you mean"),
        ({"suite": "../suite.py"}, r"'../suite.py' leads out of the project"),
        ({"protected": ["/x"]}, r"'/x' leads out of the project"),
    ],
)
def test_mistakes_are_explained(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ProjectError, match=says):
        made(**changes)


def test_a_longer_circle() -> None:
    three = [Module(n, f"{n}.py", needs=(m,)) for n, m in (("a", "b"), ("b", "c"), ("c", "a"))]
    with pytest.raises(ProjectError, match="modules 'a', 'b', 'c' need one another"):
        order([*three, Module("d", "d.py")])


def test_the_given_order_is_kept_where_it_can_be() -> None:
    modules = [Module("c", "c", needs=("a",)), Module("b", "b"), Module("a", "a")]
    assert [module.name for module in order(modules)] == ["b", "a", "c"]


def test_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"there is no envlift.toml in .*`envlift init` writes"):
        load_project(tmp_path)
    path = tmp_path / "envlift.toml"
    path.write_text("format = \n")
    with pytest.raises(ProjectError, match=r"envlift.toml is not TOML: .*line 1"):
        load_project(tmp_path)
    path.write_bytes(b"\xff")
    with pytest.raises(ProjectError, match=r"is not TOML"):
        load_project(tmp_path)
    path.write_text("format = 3\n")
    with pytest.raises(ProjectError, match=r"envlift.toml: format = 3 is not known"):
        load_project(tmp_path)


def test_an_unknown_module_lists_the_known() -> None:
    project = made(module=[MODULE])
    with pytest.raises(ProjectError, match="taxi has no module 'b'; it has: a"):
        project.module("b")
    with pytest.raises(ProjectError, match="it has: none yet"):
        made().module("b")


class TestFields:
    """From a tolerance to what the verifier compares by."""

    TOLERANCES = {
        "observation": {"atol": 1.0, "reason": "one"},
        "state": {
            "rtol": 2.0,
            "reason": "two",
            "v": {"atol": 3.0, "drift": 4.0, "reason": "three"},
        },
    }

    def test_its_own(self) -> None:
        found = field(made(tolerances=self.TOLERANCES), "state.v", labels=("x",))
        assert (found.name, found.atol, found.rtol, found.drift) == ("v", 3.0, 0.0, 4.0)
        assert (found.reason, found.labels) == ("three", ("x",))

    def test_that_of_all_state(self) -> None:
        found = field(made(tolerances=self.TOLERANCES), "state.w")
        assert (found.name, found.rtol, found.reason) == ("w", 2.0, "two")

    def test_observation_and_reward(self) -> None:
        project = made(tolerances=self.TOLERANCES)
        assert field(project, "observation").atol == 1.0
        assert field(project, "reward").exact
