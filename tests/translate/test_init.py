"""``envlift init``: real references are looked at, and what is written works as it stands."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import gymnasium
import pytest

from envlift.cli import main
from envlift.reference.launch import open_reference
from envlift.translate.init.files import toml
from envlift.translate.init.suite import functions_of
from envlift.translate.project.file import load_project
from envlift.verify import verify
from envlift.verify.suite import Suite
from envlift.verify.suite.find import find_suite

COUNTER = '''
from envlift.reference.types import ArraySpec, SideSpec


class Counter:
    """Counts to a number; nobody knows why."""

    def __init__(self, size=7, forgetful=False, secret=False):
        self.size, self.forgetful, self.secret = size, forgetful, secret
        self.count = self.hidden = self.seed = 0

    def spec(self):
        number = ArraySpec((), "int32")
        return SideSpec("counter", number, number, num_actions=2, state={"count": number})

    def reset(self, seed, chance=None):
        self.count, self.hidden, self.seed = seed % self.size, seed, seed
        return self.count

    def step(self, action, chance=None):
        self.hidden += 1
        lost = self.forgetful and self.hidden % 5 == 0
        self.count += action and not lost
        return self.count, float(self.seed if self.secret else 0.5), self.count >= self.size, False

    def get_state(self):
        return {"count": int(self.count)}

    def set_state(self, state):
        self.count = state["count"]
'''


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def say(*words: str) -> tuple[int, str]:
    """Run a command; return its exit code and all that it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(["init", *words])
    return code, out.getvalue()


@pytest.fixture(scope="module", autouse=True)
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No settings of git, no terminal."""
    settings = tmp_path_factory.mktemp("home") / "gitconfig"
    settings.write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", str(settings))
        patch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
        patch.setattr(sys, "stdin", io.StringIO(""))
        yield settings
        assert settings.read_text() == "", "somebody's settings were touched"


@pytest.fixture(autouse=True)
def module_path() -> Iterator[None]:
    """A suite puts its folder on the module path, where the next project must not find it."""
    before = list(sys.path)
    yield
    sys.path[:] = before


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, str]]:
    """Begin a project once for all tests of it."""
    made: dict[str, tuple[Path, str]] = {}
    root = tmp_path_factory.mktemp("projects")

    def once(name: str, *words: str) -> tuple[Path, str]:
        if name not in made:
            code, said = say(name, "--into", str(root / name), *words)
            assert code == 0, said
            made[name] = root / name, said
        return made[name]

    return once


@pytest.fixture
def taxi(begin: Callable[..., tuple[Path, str]]) -> tuple[Path, str]:
    return begin("cab", "--reference", "gymnasium:Taxi-v4", "--dollars", "2.5", "--turns", "7")


@pytest.fixture
def acrobot(begin: Callable[..., tuple[Path, str]]) -> tuple[Path, str]:
    return begin("swing", "--reference", "gymnasium:Acrobot-v1")


@pytest.fixture
def cliff(begin: Callable[..., tuple[Path, str]]) -> tuple[Path, str]:
    return begin("cliff", "--reference", "gymnasium:CliffWalking-v1", "--target", "jax")


class TestDiscrete:
    """Taxi: the state has to be found."""

    def test_the_project_file(self, taxi: tuple[Path, str]) -> None:
        project = load_project(taxi[0])
        assert project.name == "cab"
        assert project.target == "jax", "advised"
        assert project.reference.launch == "gymnasium:Taxi-v4"
        known = {"max_episode_steps": 200, "state_attributes": ["s", "fickle_step"], "tape": 1}
        assert project.reference.config == known, "each step draws one number, whatever it is for"
        assert project.reference.sources == ("reference/taxi.py", "reference/tape.py")
        assert project.tolerances == {}, "integers are exact"
        assert (project.budget.dollars, project.budget.turns) == (2.5, 7)
        assert project.agent == "manual"

    def test_the_source_is_copied_whole(self, taxi: tuple[Path, str]) -> None:
        module = sys.modules[type(gymnasium.make("Taxi-v4").unwrapped).__module__]
        assert module.__file__ is not None
        original = Path(module.__file__).read_bytes()
        assert (taxi[0] / "reference" / "taxi.py").read_bytes() == original

    def test_the_suite(self, taxi: tuple[Path, str]) -> None:
        suite, _ = find_suite(str(taxi[0] / "suite.py"))
        assert isinstance(suite, Suite)
        assert [field.name for field in suite.state] == ["s", "fickle_step", "elapsed_steps"]
        assert suite.start == "chance"
        assert suite.candidate == "env:cab.env:make"
        assert suite.observation.exact
        text = (taxi[0] / "suite.py").read_text()
        assert "decode" in text, "functions that can be compared one by one are named"
        assert max(map(len, text.splitlines())) <= 100

    def test_what_is_said(self, taxi: tuple[Path, str]) -> None:
        said = taxi[1]
        assert "6 actions" in said
        assert "s [] int64; fickle_step [] bool; elapsed_steps [] int64" in said
        assert "found: fickle_step (its methods assign them; random play never did)" in said
        assert "left out: lastaction, it is not always a number" in said
        assert "equal states and actions gave equal steps" in said
        assert "at most 200" in said
        assert said.index("  jax\n") < said.index("  warp\n")
        assert "note:" not in said
        assert "Traceback" not in said

    def test_it_is_committed_by_nobody_in_particular(self, taxi: tuple[Path, str]) -> None:
        assert git(taxi[0], "log", "--format=%an <%ae> %s") == (
            "envlift <envlift@localhost> envlift init"
        )
        assert git(taxi[0], "status", "--porcelain", "--ignored") == ""
        assert {".gitignore", "README.md", "cab/__init__.py", "fixtures/.gitkeep"} <= set(
            git(taxi[0], "ls-files").splitlines()
        )

    def test_the_prompt_can_be_printed_at_once(
        self, taxi: tuple[Path, str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["prompt", str(taxi[0])]) == 0
        said = capsys.readouterr().out
        assert said.startswith("# Divide cab into modules")
        assert "it has then reached\n  200," in said, "the time limit stands in no source"


class TestContinuous:
    """Acrobot: tolerances are proposed from what was measured."""

    def test_tolerances(self, acrobot: tuple[Path, str]) -> None:
        project = load_project(acrobot[0])
        assert project.target == "warp"
        assert set(project.tolerances) == {"observation", "state"}
        state = project.tolerances["state"]
        assert 1e-7 < state.atol <= 1e-4
        assert 10 <= state.drift <= 1e4
        assert "was off by" in state.reason
        assert "0e+00" not in state.reason, "rounding must have changed something"

    def test_a_looser_reference_gets_more(self, begin: Callable[..., tuple[Path, str]]) -> None:
        folder, _ = begin("pend", "--reference", "gymnasium:Pendulum-v1")
        tolerances = load_project(folder).tolerances
        assert tolerances["reward"].atol >= 1e-6
        assert tolerances["state"].drift > 10, "a pendulum on its head lets rounding grow"

    def test_the_reference_equals_itself_under_the_suite(
        self, acrobot: tuple[Path, str], tmp_path: Path
    ) -> None:
        name = "gymnasium:Acrobot-v1"
        report = verify(
            name, name, suite=str(acrobot[0] / "suite.py"), levels=["L2"], quick=True,
            fixtures=tmp_path,
        )  # fmt: skip
        assert report.verdict == "PASS", [check.detail for check in report.checks]
        assert report.total("transitions", "L2") > 500


CLIFF = """
from dataclasses import dataclass

import gymnasium
import jax
import jax.numpy as jnp

from envlift.env import Env, EnvInfo, Transition


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    s: jax.Array


class Cliff(Env):
    truncates = False

    def __init__(self, autoreset="same_step"):
        super().__init__(EnvInfo("cliff", 1, "jax", {}), autoreset)

    @property
    def default_params(self):
        return None

    def observation_space(self, params=None):
        return gymnasium.spaces.Discrete(48)

    def action_space(self, params=None):
        return gymnasium.spaces.Discrete(4)

    def sample_initial(self, key, params=None):
        return jnp.uint32(0)

    def initial(self, draws, params=None):
        return State(jnp.int32(36))

    def sample(self, key, state, action, params=None):
        return jnp.uint32(0)

    def transition(self, state, action, draws, params=None):
        down = jnp.array([-1, 0, 1, 0], jnp.int32)[action]
        right = jnp.array([0, 1, 0, -1], jnp.int32)[action]
        row = jnp.clip(state.s // 12 + down, 0, 3)
        column = jnp.clip(state.s % 12 + right, 0, 11)
        fell = (row == 3) & (column >= 1) & (column <= 10)
        s = jnp.where(fell, 36, row * 12 + column).astype(jnp.int32)
        reward = jnp.where(fell, -100.0, -1.0).astype(jnp.float32)
        return Transition(State(s), reward, s == 47, jnp.bool_(False))

    def observe(self, state, params=None):
        return state.s


def make(**options):
    return Cliff(**options)
"""


class TestTheSuiteJudges:
    """What is written can tell a right environment from a wrong one, without being edited."""

    def judged(self, folder: Path, tmp_path: Path, name: str, text: str) -> object:
        (tmp_path / f"{name}.py").write_text(text)
        return verify(
            "gymnasium:CliffWalking-v1",
            f"env:{tmp_path / name}.py:make",
            suite=str(folder / "suite.py"),
            levels=["L1", "L2", "transforms"],
            quick=True,
            fixtures=tmp_path,
        ).verdict

    def test_a_right_one(self, cliff: tuple[Path, str], tmp_path: Path) -> None:
        assert self.judged(cliff[0], tmp_path, "right", CLIFF) == "PASS"

    @pytest.mark.parametrize(
        ("old", "new"), [("-100.0", "-99.0"), ("(column >= 1)", "(column >= 2)")]
    )
    def test_a_wrong_one(self, cliff: tuple[Path, str], tmp_path: Path, old: str, new: str) -> None:
        assert self.judged(cliff[0], tmp_path, "wrong", CLIFF.replace(old, new)) == "FAIL"


class TestRust:
    def test_the_crate_builds_and_leaves_nothing(
        self, begin: Callable[..., tuple[Path, str]]
    ) -> None:
        folder, said = begin("edge", "--reference", "gymnasium:CliffWalking-v1", "--target", "rust")
        project = load_project(folder)
        assert project.build == ("cargo", "build", "--release")
        assert project.candidate == "vector:edge.env:make"
        assert "your choice; jax was advised" in said
        subprocess.run([*project.build, "--offline", "--quiet"], cwd=folder, check=True)
        assert [path.stem for path in (folder / "target" / "release").glob("*.so")] == ["libedge"]
        assert git(folder, "status", "--porcelain") == ""

    def test_the_candidate_is_told_where_its_state_is(
        self, begin: Callable[..., tuple[Path, str]]
    ) -> None:
        folder, _ = begin("edge", "--reference", "gymnasium:CliffWalking-v1", "--target", "rust")
        suite, _ = find_suite(str(folder / "suite.py"))
        assert suite.configs[0].candidate == {"state_attributes": ["s"]}


class TestWrittenRules:
    @pytest.fixture
    def nim(self, begin: Callable[..., tuple[Path, str]], tmp_path: Path) -> tuple[Path, str]:
        (tmp_path / "nim.md").write_text(
            "1. One pile of stones.\n2. Who takes the last one wins.\n"
        )
        return begin("stones", "--specification", str(tmp_path / "nim.md"), "--target", "jax")

    def test_the_project(self, nim: tuple[Path, str]) -> None:
        project = load_project(nim[0])
        assert project.reference.specification == "reference/nim.md"
        assert project.reference.launch == ""
        assert "rules on paper cannot play" in nim[1]

    def test_rules_come_with_a_place_for_their_tests_and_with_their_data(
        self, begin: Callable[..., tuple[Path, str]], tmp_path: Path
    ) -> None:
        rules, tables = tmp_path / "rules.md", tmp_path / "tables"
        rules.write_text("- R-1 One pile.\n- R-2 The last one wins. not tested: only a trial\n")
        tables.mkdir()
        (tables / "piles.csv").write_text("7\n")
        folder, said = begin("heaps", "--spec", str(rules), "--data", str(tables))
        assert (folder / "data" / "piles.csv").read_text() == "7\n"
        assert "envlift rules check" in said
        text = str(folder / "reference" / "rules.md")
        assert main(["rules", "check", text]) == 1
        with (folder / "reference" / "test_rules.py").open("a") as tests:
            tests.write('def test_a_pile():\n    """R-1: one."""\n')
        assert main(["rules", "check", text]) == 0
        assert git(folder, "status", "--porcelain") == "M reference/test_rules.py"

    @pytest.mark.parametrize(
        ("text", "more", "words"),
        [
            ("- R-1 One.\n- R-1 Two.\n", (), "two rules have the id R-1"),
            ("- R-1 One.\n", ("--data", "nowhere"), "there is no folder nowhere"),
        ],
    )
    def test_rules_that_cannot_be_cited_begin_nothing(
        self, tmp_path: Path, text: str, more: tuple[str, ...], words: str
    ) -> None:
        (tmp_path / "rules.md").write_text(text)
        code, said = say("stones", "--spec", str(tmp_path / "rules.md"), *more)
        assert code == 4
        assert words in said

    def test_nothing_is_concluded_before_there_is_a_second_reading(
        self, nim: tuple[Path, str], tmp_path: Path
    ) -> None:
        report = verify(str(nim[0] / "suite.py"), quick=True, fixtures=tmp_path)
        assert report.verdict == "INCONCLUSIVE"
        assert "nobody has written the rules down" in report.checks[0].detail


class TestOwnReference:
    """Files that a launch string names are copied in, and found again from there."""

    def begun(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Path:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "counter.py").write_text(COUNTER)
        code, said = say("counting", *words)
        assert code == 0, said
        (tmp_path / "counter.py").unlink()
        self.said = said
        return tmp_path / "counting"

    def test_a_python_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        words = ("--reference", "python:counter.py:Counter", "--config", "size=9")
        folder = self.begun(tmp_path, monkeypatch, *words)
        project = load_project(folder)
        assert project.reference.launch == "python:reference/counter.py:Counter"
        assert project.reference.config == {"size": 9}
        config = dict(project.reference.config)
        with open_reference(project.reference.launch, num_lanes=1, config=config, cwd=folder) as r:
            assert r.spec.name == "counter"
        assert "note:" not in self.said

    def test_a_process(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        command = f"process:{sys.executable} -m envlift.reference.host counter.py:Counter"
        (tmp_path / "more.py").write_text("# more\n")
        words = ("--reference", command, "--source", "counter.py", "--source", "more.py")
        (tmp_path / "counter.py").write_text(COUNTER)
        monkeypatch.chdir(tmp_path)
        code, said = say("counting", *words)
        # The class is named with its file, which the folder does not have in this place.
        assert code == 4
        assert "there is no file" in said
        assert not (tmp_path / "counting").exists()
        serve = (
            "import sys\nfrom envlift.reference.host import main\nmain([__file__ + ':Counter'])\n"
        )
        (tmp_path / "serve.py").write_text(COUNTER + "\nif __name__ == '__main__':\n"
                                           + textwrap.indent(serve, "    "))  # fmt: skip
        code, said = say("counting", "--reference", f"process:{sys.executable} serve.py")
        assert code == 0, said
        project = load_project(tmp_path / "counting")
        assert project.reference.launch == f"process:{sys.executable} reference/serve.py"
        assert project.reference.sources == ("reference/serve.py",)

    @pytest.mark.parametrize("fault", ["forgetful", "secret"])
    def test_hidden_state_is_noticed(
        self, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What passes by itself, and what an episode's seed decides once and for all."""
        words = (
            "--reference",
            "python:counter.py:Counter",
            "--config",
            f"{fault}=true",
            "--config",
            "size=1000",
        )
        folder = self.begun(tmp_path, monkeypatch, *words)
        assert "DIFFERENT steps" in self.said
        assert "part of its state is not among the fields" in " ".join(self.said.split())
        suite, _ = find_suite(str(folder / "suite.py"))
        assert suite.start == "seed"


def test_chance_inside_a_step_is_given_to_both_sides(
    begin: Callable[..., tuple[Path, str]],
) -> None:
    folder, said = begin("ice", "--reference", "gymnasium:FrozenLake-v1")
    assert "a step draws up to 1 words; both sides are given a tape of 1" in said
    assert "gave equal steps" in said
    assert "note:" not in said
    assert find_suite(str(folder / "suite.py"))[0].start == "chance"


def test_a_state_that_cannot_be_read_is_said(begin: Callable[..., tuple[Path, str]]) -> None:
    folder, said = begin("cards", "--reference", "gymnasium:Blackjack-v1")
    assert "left out: dealer, its shape or type changes" in said
    assert "its state cannot be read: whole episodes are compared" in " ".join(said.split())
    assert find_suite(str(folder / "suite.py"))[0].start == "chance"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("taxi",), "--reference LAUNCH or --specification FILE"),
        (("Taxi", "--reference", "gymnasium:Taxi-v4"), "'Taxi' cannot be the name"),
        (("lambda", "--reference", "gymnasium:Taxi-v4"), "'lambda' cannot be the name"),
        (("random", "--reference", "gymnasium:Taxi-v4"), "for example random_fast"),
        (("numpy", "--reference", "gymnasium:Taxi-v4"), "'numpy' is a Python module already"),
        (("tests", "--reference", "gymnasium:Taxi-v4"), "choose another name"),
        (("taxi", "--reference", "gymnasium:Tax-v4"), "near ones: Taxi-v4"),
        (("taxi", "--reference", "Taxi-v4"), "The forms are"),
        (("taxi", "--reference", "python:nowhere:X"), "there is no module 'nowhere'"),
        (("taxi", "--specification", "rules.md"), "there is no file rules.md"),
        (
            ("taxi", "--reference", "gymnasium:Taxi-v4", "--specification", "full/x"),
            "either --reference or --specification",
        ),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--into", "full"), "full exists and is not"),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--into", "full/x"), "is not empty"),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--source", "x.c"), "there is no file x.c"),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--config", "size"), "form KEY=VALUE"),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--config", "a=null"), "None cannot be"),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--dollars", "-1"), "--dollars must be more"),
        (("taxi", "--reference", "gymnasium:Taxi-v4", "--turns", "0"), "--turns must be more"),
        (
            (
                *("taxi", "--reference", "gymnasium:Taxi-v4"),
                *("--source", "full/x", "--source", "full/deep/x"),
            ),
            "two sources are named x",
        ),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "full" / "deep").mkdir(parents=True)
    (tmp_path / "full" / "x").write_text("x")
    (tmp_path / "full" / "deep" / "x").write_text("x")
    code, said = say(*words)
    assert code == 4
    assert says in said
    assert "Traceback" not in said
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class TestAPersonIsAsked:
    def begun(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str) -> tuple[int, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "stdin", _Terminal(typed))
        return say("cliff")

    def test_for_reference_and_target(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code, said = self.begun(tmp_path, monkeypatch, "gymnasium:CliffWalking-v1\nwarp\n")
        assert code == 0, said
        assert "gymnasium:ID" in said, "the forms are listed"
        assert load_project(tmp_path / "cliff").target == "warp"

    def test_nothing_typed_takes_what_is_advised(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code, said = self.begun(tmp_path, monkeypatch, "gymnasium:CliffWalking-v1\n\n")
        assert code == 0, said
        assert load_project(tmp_path / "cliff").target == "jax"

    @pytest.mark.parametrize(
        ("typed", "says"),
        [("", "give --reference"), ("gymnasium:CliffWalking-v1\ncuda\n", "'cuda' is no target")],
    )
    def test_no_answer(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, says: str
    ) -> None:
        code, said = self.begun(tmp_path, monkeypatch, typed)
        assert code == 4
        assert says in said
        assert not (tmp_path / "cliff").exists()


def test_a_person_s_own_identity_is_used_and_the_outer_repository_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nobody: Path
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    monkeypatch.chdir(outer)
    code, said = say("cliff", "--reference", "gymnasium:CliffWalking-v1")
    assert code == 0, said
    assert git(outer / "cliff", "log", "--format=%an") == "Ada"
    assert "inside another git repository" in said


def test_toml() -> None:
    import tomllib

    value = {"a": 'quote " and \\ \n\x7f é', "b": [1, 2.5, True], "c d": {"e": 1e-9}, "f": {}}
    text = "\n".join(f'"{key}" = {toml(item)}' for key, item in value.items())
    assert tomllib.loads(text) == value


def test_functions_of_a_class_and_its_module() -> None:
    source = textwrap.dedent(
        """
        def free(x): pass

        class A:
            def step(self): pass
            def decode(self): pass
            def _render_text(self): pass
            def __init__(self): pass

        class B:
            def other(self): pass
        """
    )
    assert functions_of(source, 4, 8) == ["free", "decode"]
    assert functions_of("not python (") == []
