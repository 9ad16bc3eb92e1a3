"""Level 4 with scripted policies: what passes, what fails, what leaves the question open.

Training itself is tried in ``test_training.py``.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from functools import partial
from unittest.mock import Mock

import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

from envlift.cli import parser
from envlift.envs.pong.env import Pong
from envlift.envs.pong.verification.suite import SUITE
from envlift.extras import install
from envlift.verify.levels.transfer import level as transfer
from envlift.verify.levels.transfer import training
from envlift.verify.levels.transfer.evaluate import Episodes
from envlift.verify.levels.transfer.level import Direction, judge
from envlift.verify.levels.transfer.training import Trained, TrainingError
from envlift.verify.mutation import judge as mutation_judge
from envlift.verify.run import session
from envlift.verify.run.context import QUICK, Effort
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.run.session import Request
from envlift.verify.run.show import print_report
from envlift.verify.run.show_transfer import signed
from envlift.verify.suite import Config, Suite, Transfer
from tests.verify.conftest import TINY

PLAN = Transfer(margin=1.0, reason="a test", config="frameskip8", seeds=3, reference_seeds=3)
STEPS = 1000


class Follower:
    """Follows the ball, or does anything, as the noise says.

    Positions are whole pixels, and it decides between them: the last bit of an observation, which
    the targets may round otherwise, decides nothing.
    """

    noise_size = 2

    def __init__(self, skill):
        self.skill = skill

    def start(self, batch):
        return None

    def act(self, memory, observation, starts, noise, mask=None, greedy=False):
        gap = 640 * (observation[:, 3] - observation[:, 1]) + 16 - 35
        way = np.where(gap > 15.5, 1, np.where(gap < -15.5, 2, 0))
        return None, np.where(noise[:, 0] < self.skill, way, (3 * noise[:, 1]).astype(int))


@dataclass
class School:
    """Trains nothing; policies differ a little by their seed.

    Attributes:
        skill: of every policy, but for up to a hundredth.
        before: is called before each training with the side and the number of the policy.
    """

    skill: float = 0.1
    before: object = None
    steps: int = STEPS
    count: int = 0

    def _train(self, side, seed, advance):
        number, self.count = self.count, self.count + 1
        if self.before is not None:
            self.before(side, number)
        advance(self.steps)
        curve = {"steps": [500, 1000], "return": [-21.0, -20.0], "score": [-21.0, -21.0]}
        return Trained(Follower(self.skill + seed % 100 / 10_000), seed, self.steps, curve)

    def in_candidate(self, seed, advance):
        return self._train("candidate", seed, advance)

    def in_reference(self, seed, advance):
        return self._train("reference", seed, advance)


class GenerousPong(Pong):
    """Gives 0.3 for a bounce, not 0.1."""

    def transition(self, state, action, draws, params=None):
        played = super().transition(state, action, draws, params)
        bounced = jnp.isclose(played.reward % 1, 0.1, atol=1e-4)
        return played._replace(reward=played.reward + jnp.where(bounced, 0.2, 0.0))


class LazyOpponent(Pong):
    """Its left paddle goes a quarter of the way."""

    def transition(self, state, action, draws, params=None):
        played = super().transition(state, action, draws, params)
        way = jnp.float32(0.25) * (played.state.paddle_yl - state.paddle_yl)
        point = played.reward < -0.5
        moved = jnp.where(point, played.state.paddle_yl, state.paddle_yl + way)
        return played._replace(state=replace(played.state, paddle_yl=moved))


def made(kind):
    return lambda **options: kind(backend="jax", **options)


@pytest.fixture
def transferred(verify_pong, monkeypatch):
    """Run level 4 with a school; returns the report."""

    def run(candidate=Pong, school=None, levels=("L4",), effort=TINY, suite=SUITE, **changes):
        stage = partial(transfer.run, school=school or School())
        monkeypatch.setitem(session.STAGES, "L4", stage)
        plan = replace(PLAN, **changes)
        suite = replace(suite, transfer=plan, policies=SUITE.policies[:1], corpus=None)
        candidate = made(candidate) if isinstance(candidate, type) else candidate
        return verify_pong(
            candidate, config="frameskip8", levels=levels, suite=suite, effort=effort
        )

    return run


@pytest.fixture
def unplayed(monkeypatch):
    """Evaluations without a game: every policy is as good on one side as on the other."""

    # The same draws in every run: of fresh ones one in ten shows a difference by chance alone.
    draws = itertools.count()

    def play_both(suite, reference, candidate, policy, seed, max_steps, greedy):
        rng = np.random.default_rng(next(draws))
        returned = rng.normal(-20, 1, reference.num_lanes)
        some = rng.normal(0, 0.1, reference.num_lanes)
        ended = np.ones(reference.num_lanes, bool)
        ours = Episodes(returned, np.full(reference.num_lanes, 9), ended)
        return ours, replace(ours, returned=returned + some)

    monkeypatch.setattr(transfer, "play_both", play_both)


def level_4(report):
    return [check for check in report.checks if check.level == "L4"]


# -- verdicts --------------------------------------------------------------------------------------


def test_the_same_game_passes_with_its_numbers(transferred):
    report = transferred()
    candidate, reference = level_4(report)
    assert candidate.name == "trained in the candidate [frameskip8]"
    assert reference.name == "trained in the reference [frameskip8]"
    for check in (candidate, reference):
        assert check.verdict is Verdict.PASS, check.detail
        assert check.counts == {
            "policies": 3,
            "episode pairs": 300,
            "equal episode pairs": 300,
            "training steps": 3000,
        }
        assert "margin 1, power 1.00" in check.detail
    found = report.transfer
    assert (found["margin"], found["reason"], found["config"]) == (1.0, "a test", "frameskip8")
    for side in ("candidate", "reference"):
        one = found["directions"][side]
        assert (one["n"], one["episode_pairs"], one["training_steps"]) == (3, 300, 3000)
        assert one["verdict"] == "PASS"
        assert one["equal_episode_pairs"] == 300
        # Returns are sums of float32 rewards, each rounded alike on both sides.
        assert one["effect"] == one["low"] == one["high"] == 0.0
        assert -21 < one["iqm"]["candidate"]["value"] < -18
        assert one["iqm"]["candidate"] == one["iqm"]["reference"]
    assert found["pooled"]["n"] == 6
    assert [curve["side"] for curve in report.curves] == ["candidate"] * 3 + ["reference"] * 3
    assert report.curves[0]["steps"] == [500, 1000]
    assert len({curve["seed"] for curve in report.curves}) == 6


@pytest.mark.parametrize(("candidate", "skill"), [(GenerousPong, 0.1), (LazyOpponent, 0.5)])
def test_a_game_that_a_policy_notices_fails(transferred, candidate, skill):
    report = transferred(candidate, School(skill))
    for check, side in zip(level_4(report), ("candidate", "reference"), strict=True):
        assert check.verdict is Verdict.FAIL, check.detail
        assert f"policies trained in the {side} notice" in check.detail
        # More is won in these candidates, whichever side is which in the report.
        assert report.transfer["directions"][side]["low"] >= 1.0
    assert report.verdict is Verdict.FAIL


def test_too_little_power_leaves_the_question_open(transferred, unplayed):
    report = transferred(margin=1e-4)
    check = level_4(report)[0]
    assert check.verdict is Verdict.INCONCLUSIVE, check.detail
    assert "the interval reaches beyond the margin of 0.0001" in check.detail
    assert "is below 0.8: at this deviation" in check.detail
    assert "pairs are needed, there are 3" in check.detail
    found = report.transfer["directions"]["candidate"]
    assert found["power"] < 0.8
    assert found["equal_episode_pairs"] == 0
    assert found["needed"] > 3


def test_who_has_learnt_nothing_notices_nothing(transferred, unplayed):
    report = transferred(learnt=-15.0)
    for check in level_4(report):
        assert check.verdict is Verdict.INCONCLUSIVE
        assert check.detail.startswith("too little was learnt: a return of -")
        assert "where -15 is asked for" in check.detail


def direction(candidate, reference, side="candidate"):
    """Policies with one episode each."""
    found = Direction(side)
    found.returned["candidate"] = [np.array([float(value)]) for value in candidate]
    found.returned["reference"] = [np.array([float(value)]) for value in reference]
    return found


@pytest.mark.parametrize(
    ("differences", "verdict", "said"),
    [
        ([0.0, 0.1, -0.1, 0.05], Verdict.PASS, ""),
        ([0.5, 0.5, 0.5], Verdict.PASS, ""),
        ([2.0, 2.1, 1.9], Verdict.FAIL, "beyond the margin of 1"),
        ([-2.0, -2.1, -1.9], Verdict.FAIL, "beyond the margin of 1"),
        ([1.0, 1.1, 0.9], Verdict.INCONCLUSIVE, "the interval reaches beyond the margin of 1"),
        (
            [3.0, -3.0, 0.1],
            Verdict.INCONCLUSIVE,
            "the power 0.01 is below 0.8: at this deviation 79 pairs",
        ),
        # Inside of the margin, but by luck: the same study would show that once in two times.
        ([0.5, -0.5, 0.0], Verdict.INCONCLUSIVE, "4 pairs are needed, there are 3"),
    ],
)
def test_the_verdict_about_one_direction(differences, verdict, said):
    found, why = judge(PLAN, direction(differences, np.zeros(len(differences))))
    assert found is verdict
    assert said in "; ".join(why)
    assert bool(why) == (verdict is not Verdict.PASS)


def test_what_was_learnt_counts_where_it_was_learnt():
    plan = replace(PLAN, learnt=5.0, margin=10.0)
    fast = direction([6.0, 6.1, 6.0], [4.0, 4.1, 4.0])
    assert judge(plan, fast)[0] is Verdict.PASS
    assert judge(plan, replace(fast, side="reference"))[0] is Verdict.INCONCLUSIVE


def test_an_episode_without_an_end_leaves_the_question_open(transferred, monkeypatch):
    """Even where the returns so far look like a difference."""

    def play_both(suite, reference, candidate, policy, seed, max_steps, greedy):
        ended = np.ones(reference.num_lanes, bool)
        unended = np.arange(reference.num_lanes) > 0
        ours = Episodes(np.zeros(reference.num_lanes), np.full(reference.num_lanes, 9), ended)
        return ours, Episodes(ours.returned + 5, ours.length, unended)

    monkeypatch.setattr(transfer, "play_both", play_both)
    report = transferred(max_steps=2200)
    for check in level_4(report):
        assert check.verdict is Verdict.INCONCLUSIVE
        assert check.detail.startswith("3 episodes had not ended after 2,200 steps")


# -- how many policies, and what interrupts them ---------------------------------------------------


@pytest.mark.parametrize(("budget", "policies"), [(0.0, 3), (39.0, 3), (40.0, 4), (1e9, 5)])
def test_in_the_reference_as_many_policies_are_trained_as_time_allows(
    transferred, unplayed, monkeypatch, budget, policies
):
    clock = [0.0]
    monkeypatch.setattr(transfer.time, "perf_counter", lambda: clock[0])

    def ten_seconds(side, number):
        clock[0] += 10.0

    report = transferred(school=School(before=ten_seconds), seeds=5, budget=budget)
    candidate, reference = level_4(report)
    assert candidate.counts["policies"] == 5
    assert reference.counts["policies"] == policies


def test_ctrl_c_keeps_what_was_found(transferred, unplayed):
    def at_the_fifth(side, number):
        if number == 4:
            raise KeyboardInterrupt

    report = transferred(school=School(before=at_the_fifth))
    candidate, reference = level_4(report)
    assert report.interrupted
    assert candidate.verdict is Verdict.PASS
    assert (reference.verdict, reference.detail) == (Verdict.INCONCLUSIVE, "interrupted")
    assert reference.counts["policies"] == 1
    assert report.transfer["directions"]["reference"]["episode_pairs"] == 100
    assert len(report.curves) == 4
    assert "pooled" not in report.transfer


def test_a_trainer_that_was_interrupted_by_ctrl_c_ends_the_run(transferred, unplayed):
    class Ends(School):
        def in_candidate(self, seed, advance):
            return replace(super().in_candidate(seed, advance), interrupted=True)

    report = transferred(school=Ends())
    (check,) = level_4(report)
    assert report.interrupted
    assert check.counts == {
        "policies": 0,
        "episode pairs": 0,
        "equal episode pairs": 0,
        "training steps": STEPS,
    }
    assert len(report.curves) == 1, "what was trained so far can be looked at"


def test_a_training_that_fails_leaves_the_question_open(transferred, unplayed):
    def diverges(side, number):
        if number == 1:
            raise TrainingError("the value loss was nan")

    report = transferred(school=School(before=diverges))
    candidate, reference = level_4(report)
    assert candidate.verdict is Verdict.INCONCLUSIVE
    assert candidate.detail == "training in the candidate failed: the value loss was nan"
    assert candidate.counts["policies"] == 1
    assert reference.verdict is Verdict.PASS


# -- when it runs, and when it says why not --------------------------------------------------------


def only(report):
    (check,) = level_4(report)
    return check.verdict, check.detail


@pytest.fixture
def alone(monkeypatch):
    """No level but the fourth, so that a whole run is over soon."""
    for level in session.STAGES:
        monkeypatch.setitem(session.STAGES, level, lambda context: None)


def test_it_is_skipped_where_the_suite_names_no_margin(verify_pong, alone):
    report = verify_pong(suite=replace(SUITE, transfer=None), config="frameskip8")
    assert only(report) == (Verdict.SKIPPED, "the suite names no margin")


def test_a_quick_run_leaves_it_out_unless_it_is_asked_for(transferred, alone, unplayed):
    assert Effort().transfer
    assert not QUICK.transfer
    report = transferred(levels=(), effort=QUICK)
    reason = "a quick run trains no policies; ask for them with --level L4"
    assert only(report) == (Verdict.SKIPPED, reason)
    for asked in ({"levels": ("L4",), "effort": QUICK}, {"levels": (), "effort": Effort()}):
        checks = level_4(transferred(**asked))
        assert [check.verdict for check in checks] == [Verdict.PASS] * 2


def test_other_levels_and_other_configurations_leave_it_out(transferred, alone, verify_pong):
    report = transferred(levels=("resets",))
    assert only(report) == (Verdict.SKIPPED, "left out on request")
    assert "levels left out on request: L1, L2, L3, transforms, L4" in report.not_verified
    suite = replace(SUITE, transfer=PLAN)
    report = verify_pong(suite=suite, config="discrete", levels=("L4",))
    expected = "it is run on the configuration frameskip8, which was left out"
    assert only(report) == (Verdict.SKIPPED, expected)


@pytest.mark.parametrize("levels", [(), ("L3", "L4")])
def test_what_has_failed_already_is_trained_in_only_if_asked(
    transferred, alone, unplayed, monkeypatch, levels
):
    def fails(context):
        with context.check("L3", "a level") as check:
            check.verdict = Verdict.FAIL

    monkeypatch.setitem(session.STAGES, "L3", fails)
    report = transferred(levels=levels, effort=Effort())
    assert report.verdict is Verdict.FAIL
    if levels:
        assert [check.verdict for check in level_4(report)] == [Verdict.PASS] * 2
    else:
        assert only(report)[0] is Verdict.SKIPPED
        assert "something went wrong before it; --level L4 runs it all the same" in only(report)[1]


def test_without_the_extra_it_says_what_to_install(transferred, monkeypatch):
    monkeypatch.setattr(training, "PACKAGES", ("flax", "no_such_package"))
    expected = f"there is no no_such_package: {install('train')}"
    assert only(transferred()) == (Verdict.SKIPPED, expected)


def test_a_game_that_cannot_train_is_skipped():
    game = Mock(probes=False)
    game.spec.reward.shape, game.spec.name = (2,), "chess"
    said = "games are learnt in registered and other JAX environments, and chess is none"
    assert training.untrainable(game) == said
    game.spec.reward.shape = ()
    assert training.untrainable(game) is None
    game.spec.reward.shape, game.probes = (2,), True
    assert training.untrainable(game) is None


def test_mutants_are_judged_without_it(monkeypatch):
    asked: list[Request] = []

    def note(request, progress):
        asked.append(request)
        return Report("s", "r", "c", 0, checks=[Check("L3", "x", Verdict.FAIL, "y")])

    monkeypatch.setattr(mutation_judge, "verify", note)
    answers = mutation_judge.judge("pong", {}, 0, "nowhere")
    assert asked[0].suite.transfer is None
    assert "L4" not in answers["caught"]
    assert answers["caught"]["L3"] == "x: y"


def test_the_command_line_takes_the_level():
    options = parser().parse_args(["verify", "pong", "--level", "L4"])
    assert options.level == ["L4"]


# -- the plan --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"margin": 0.0}, "the margin 0.0"),
        ({"reason": ""}, "without a reason"),
        ({"seeds": 2}, "seeds = 2; give at least 3"),
        ({"reference_seeds": 2}, "reference_seeds = 2; give at least 3"),
        ({"seeds": 4, "reference_seeds": 5}, "seeds = 4; give at least 5"),
        ({"episodes": 99}, "episodes = 99; give at least 100"),
        ({"power": 1.0}, "power = 1.0"),
        ({"training": {"seed": 3}}, "names 'seed', which level 4 sets by itself"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        replace(PLAN, **changes)


def test_a_plan_names_a_configuration_of_its_suite():
    with pytest.raises(ValueError, match=r"unknown configuration 'nowhere'; known: .'continuous'"):
        replace(SUITE, transfer=replace(PLAN, config="nowhere"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rate": 1}, "'rate', which is no setting; known: env"),
        ({"clip": -1}, "clip = -1 is not"),
        ({"num_envs": 8, "horizon": 8, "minibatches": 7}, "minibatches = 7"),
    ],
)
def test_a_wrong_training_setting_is_said_before_anything_runs(transferred, given, said):
    with pytest.raises(ValueError, match=said):
        transferred(training=given)


# -- for people ------------------------------------------------------------------------------------


def test_the_numbers_are_printed_on_a_narrow_terminal(transferred, unplayed, tmp_path):
    report = transferred(margin=2.5)
    path = tmp_path / "out.txt"
    with path.open("w") as stream:
        print_report(Console(file=stream, width=80), report)
    lines = path.read_text().splitlines()
    assert "policy transfer: margin 2.5 (a test)" in lines
    shown = {cells[0]: cells[1:] for line in lines if (cells := re.split(r" {2,}", line.strip()))}
    assert shown["policies trained"] == ["in the candidate", "in the reference", "both"]
    assert shown["pairs"] == ["3", "3", "6"]
    assert shown["episode pairs"] == ["300", "300"]
    assert shown["training steps"] == ["3,000", "3,000"]
    found = report.transfer["directions"]
    effects = [found["candidate"]["effect"], found["reference"]["effect"]]
    assert shown["effect"][:2] == [f"{effect:+.2g}" for effect in effects]
    for side in ("candidate", "reference"):
        means = [f"{found[trained]['iqm'][side]['value']:.2f}" for trained in found]
        assert shown[f"return in {side}"] == means
    assert "L4         policy transfer    PASS" in path.read_text()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.01234, "+0.012"), (-1.26, "-1.3"), (123.44, "+123.4"), (-9876.5, "-9,876.5")],
)
def test_numbers_keep_the_digits_that_matter(value, text):
    assert signed(value) == text


def test_nothing_is_printed_where_nothing_was_evaluated(tmp_path):
    path = tmp_path / "out.txt"
    with path.open("w") as stream:
        print_report(Console(file=stream, width=80), Report("s", "r", "c", 0))
    assert "transfer" not in path.read_text()


# -- the reference as it is used -------------------------------------------------------------------


APART = tuple(replace(c, transfer_only=c.name == PLAN.config) for c in SUITE.configs)


ALONE = Config(PLAN.config, transfer_only=True)


@pytest.mark.parametrize(
    ("configs", "plan", "words"),
    [
        (APART, None, "nothing is compared in the configurations"),
        ((ALONE, Config("discrete", transfer_only=True)), PLAN, "nothing is compared in the con"),
        ((ALONE,), PLAN, "its steps are compared nowhere"),
    ],
)
def test_what_only_level_4_plays_is_one_configuration_of_several(configs, plan, words):
    """Else a suite could pass although no step of the candidate was compared."""
    with pytest.raises(ValueError, match=words):
        replace(Suite("pong", "pong", "pong"), configs=configs, transfer=plan)


def test_a_configuration_for_level_4_alone_compares_nothing_else(transferred, unplayed):
    report = transferred(levels=(), suite=replace(SUITE, transfer=PLAN, configs=APART))
    assert {check.level for check in report.checks} == {"L4"}
    assert report.transfer is not None


def test_who_trains_in_the_reference_plays_it_as_level_4_does(monkeypatch):
    """HalfCheetah's steps are compared with a solver that goes on for longer than MuJoCo's."""
    asked = []

    def opened(launch, **how):
        asked.append(how["config"])
        return Mock()

    monkeypatch.setattr("envlift.reference.launch.open_reference", opened)
    monkeypatch.setattr("envlift.adapters.reference.ReferenceVectorEnv", Mock())
    for options in ({}, {"frame_skip": 5, "backend": "warp"}, {"frame_skip": 1}):
        training.reference_vector("half_cheetah", 1, options)
    assert ["solver_tolerance" in config for config in asked] == [False, False, True]
    assert asked[2]["frame_skip"] == 1
    with pytest.raises(ValueError, match=r"no configuration for \{'frame_skip': 4\}; it has"):
        training.reference_vector("half_cheetah", 1, {"frame_skip": 4})
