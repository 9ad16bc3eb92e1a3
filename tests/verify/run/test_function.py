"""``verify`` as a function: what the command line does, for programs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from envlift.adapters.gymnax import FromGymnax
from envlift.verify import verify
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Verdict

CARTPOLE = "gymnasium:CartPole-v1"


class Names(Silent):
    def __init__(self):
        self.ended = []

    def end(self, check):
        self.ended.append(f"{check.level} {check.name}")


@pytest.fixture
def fixtures(tmp_path):
    return tmp_path / "fixtures"


def test_a_registered_environment_with_all_that_was_asked(fixtures):
    progress = Names()
    report = verify(
        "pong",
        backend="jax",
        configs=["continuous"],
        levels=["L2"],
        quick=True,
        lanes=4,
        seed=7,
        fixtures=fixtures,
        progress=progress,
    )
    assert report.verdict is Verdict.PASS
    assert report.seed == 7
    assert report.candidate == "<envlift pong-v1 [jax] frameskip=1, continuous=True>"
    assert report.not_verified[0] == "levels left out on request: L1, L3, resets, transforms, L4"
    assert progress.ended == [f"{check.level} {check.name}" for check in report.checks]
    assert "L2 transitions from states of play [continuous]" in progress.ended
    levels = {name.split(" ")[0] for name in progress.ended}
    assert levels == {"agreement", "corpus", "L2", "L4"}


def test_a_pair_by_a_suite_file_and_where_its_failure_is_written(fixtures):
    report = verify(
        CARTPOLE, "examples/cartpole_phys2d.py", levels=["L2"], quick=True, fixtures=fixtures
    )
    assert report.verdict is Verdict.FAIL
    (written,) = {check.fixture for check in report.checks if check.fixture}
    assert list(fixtures.iterdir()) == [fixtures / written.split("/")[-1]]


class PushesLeft(FromGymnax):
    def transition(self, state, action, draws, params=None):
        return super().transition(state, 0 * action, draws, params)


@pytest.mark.parametrize(
    ("made", "verdict"), [(FromGymnax, Verdict.PASS), (PushesLeft, Verdict.FAIL)]
)
def test_a_function_as_candidate_and_the_suite_of_another(fixtures, made, verdict):
    env = made("CartPole-v1")  # gymnax's own imports may not happen while a candidate is watched
    suite = "examples/cartpole_gymnax.py"
    given = {"levels": ["L2"], "quick": True, "fixtures": fixtures}
    report = verify(CARTPOLE, lambda: env, suite=suite, **given)
    assert (report.suite, report.verdict) == ("CartPole: gymnax", verdict)


def lockstep(report, count):
    (check,) = [check for check in report.checks if check.name.startswith("lockstep")]
    return check.counts[count]


def test_how_much_is_played_can_be_said(fixtures):
    given = {"levels": ["L3"], "quick": True, "fixtures": fixtures, "lanes": 3}
    short = verify(CARTPOLE, CARTPOLE, max_steps=5, **given)
    assert (short.verdict, lockstep(short, "steps")) == (Verdict.INCONCLUSIVE, 3 * 5)
    few, many = (verify(CARTPOLE, CARTPOLE, min_ends=ends, **given) for ends in (1, 40))
    assert few.verdict is many.verdict is Verdict.PASS
    assert lockstep(many, "episodes") >= 3 * 40 > lockstep(few, "episodes")


def test_quick_is_less_but_not_by_default(monkeypatch):
    efforts = []
    monkeypatch.setattr(
        "envlift.verify.run.session.verify",
        lambda request, progress: efforts.append(request.effort),
    )
    verify("pong", quick=True)
    verify("pong")
    assert efforts[0].transitions < efforts[1].transitions


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["pnog"], {}, "no environment is named 'pnog'; known: gameboy, half_cheetah, "),
        (["pong"], {"levels": ["L9"]}, "no level 'L9'; the levels are L1, L2, L3, resets, tran"),
        (["pong"], {"configs": ["x"]}, "no configuration 'x'; pong has discrete"),
        (["pong"], {"lanes": 0}, "lanes must be at least 1, it is 0"),
        (["pong"], {"max_steps": -1}, "max_steps must be at least 1, it is -1"),
        ([CARTPOLE, "nonsense"], {}, "'nonsense' is not a candidate"),
    ],
)
def test_what_makes_no_sense_is_an_error(names, options, message, fixtures):
    with pytest.raises(ValueError, match=f"^{message}"):
        verify(*names, **options, fixtures=fixtures)


def test_importing_it_imports_no_level():
    code = (
        "import sys\n"
        "from envlift.verify import verify\n"
        "heavy = {'hypothesis', 'scipy', 'rich', 'envlift.verify.run.session'} & set(sys.modules)\n"
        "assert callable(verify) and not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
