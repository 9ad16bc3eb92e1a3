"""Lockstep in which the reference's state is copied into the candidate every so many steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from envlift.candidate.env_side import EnvSide
from envlift.reference.launch import open_reference
from envlift.verify.engine.lockstep import Lockstep
from envlift.verify.failure.case import read_cases
from envlift.verify.failure.repro import repro
from envlift.verify.run.context import QUICK, Effort
from envlift.verify.run.progress import Silent
from envlift.verify.run.session import Request, verify
from envlift.verify.suite import Config, Policy
from tests.verify.envs.rotor import SUITE, KickedRotor, fields

PATH = "tests/verify/envs/rotor.py"
EFFORT = replace(QUICK, lanes=8, min_steps=64, max_steps=400, transitions=64)
RANDOM = (Policy("random"),)


@pytest.fixture
def run(tmp_path):
    def run(suite=SUITE, config="float32", levels=("L3",), **options):
        options = {"effort": EFFORT, "minimise": False, "seed": 3, "apart": False, **options}
        request = Request(
            suite, PATH, fixtures=tmp_path / "fixtures", configs=(config,), levels=levels, **options
        )
        return verify(request, Silent())

    return run


def with_config(**changes):
    single, double = SUITE.configs
    return replace(SUITE, configs=(replace(single, **changes), double), policies=RANDOM)


def lockstep(report):
    return next(check for check in report.checks if check.name.startswith("lockstep: random"))


def test_single_steps_agree_where_free_play_parts(run):
    check = lockstep(run(with_config(resync=1)))
    assert check.verdict == "PASS", check.detail
    assert check.detail.endswith("; reference state re-injected every step")
    assert check.counts["episodes"] >= 8
    free = lockstep(run(with_config(resync=None)))
    assert free.verdict == "FAIL"
    assert 2 < free.divergence.step <= 20
    assert "re-injected" not in free.detail


def test_a_few_steps_agree_within_the_tolerance_of_a_rollout_and_more_do_not(run):
    check = lockstep(run(with_config(resync=4)))
    assert check.verdict == "PASS", check.detail
    assert check.detail.endswith("; reference state re-injected every 4 steps")
    assert lockstep(run(with_config(resync=16))).verdict == "FAIL"
    tight = fields(1.2e-7, drift=1.0)
    assert lockstep(run(with_config(resync=4, fields=tight))).verdict == "FAIL"


def test_in_single_steps_the_tolerance_is_the_fields_own():
    """A fault between it and a rollout's, which is 200 times larger."""

    def slight():
        return KickedRotor(fault=2e-4, above=-100.0)

    outcome, _ = played(Config("float32", resync=1), Policy("random"), 4, slight)
    assert (outcome.divergence.step, outcome.divergence.field) == (1, "angle[0]")


class Spy:
    """A side that tells in which order it was asked."""

    def __init__(self, name, side, told):
        self.name, self.side, self.told = name, side, told
        self.spec, self.num_lanes = side.spec, side.num_lanes

    def __getattr__(self, name):
        def asked(*arguments):
            answer = getattr(self.side, name)(*arguments)
            self.told.append((self.name, name, arguments, answer))
            return answer

        return asked


def played(config, policy, steps, candidate=KickedRotor):
    """Play both sides and return the outcome and the calls, oldest first."""
    told = []
    with open_reference(SUITE.reference, num_lanes=4) as reference:
        sides = Spy("reference", reference, told), Spy("candidate", EnvSide(candidate(), 4), told)
        run = Lockstep(SUITE, config, *sides, np.random.default_rng(1))
        outcome = run.play(policy, max_steps=steps, min_steps=steps)
    assert (outcome.divergence is None) == (candidate is KickedRotor)
    return outcome, told


def test_the_candidate_moves_first_and_is_given_only_what_was_before_the_step():
    _, told = played(Config("float32", resync=1), Policy("random"), 20)
    order = [(side, name) for side, name, *_ in told]
    move = [("candidate", "set_state"), ("candidate", "step"), ("reference", "step")]
    assert order == [("candidate", "reset"), ("reference", "reset"), *(move * 20)]
    answers = [answer for side, name, _, answer in told if (side, name) == ("reference", "step")]
    given = [arguments[0] for _, name, arguments, _ in told if name == "set_state"]
    for before, state in zip(answers[:-1], given[1:], strict=True):
        for name, values in before.state.items():
            np.testing.assert_array_equal(state[name], values[-1])


@pytest.mark.parametrize(
    ("policy", "lengths"),
    [
        (Policy("random"), [6, 6, 6]),
        (Policy("held", lambda rng, obs, state: obs[:, :3] * 0, hold=4), [4, 2, 4, 2, 4, 2]),
    ],
)
def test_an_exchange_is_as_long_as_the_copies_allow(policy, lengths):
    _, told = played(Config("float32", resync=6), policy, 18)
    steps = [
        arguments[0] for side, name, arguments, _ in told if (side, name) == ("candidate", "step")
    ]
    assert [len(actions) for actions in steps] == lengths


def test_what_follows_an_end_within_an_exchange_is_not_counted_and_the_next_one_is_copied():
    """Each side went on from a reset of its own: comparing that would find a difference."""
    outcome, told = played(Config("float32", resync=4), Policy("random"), 40)
    ended = [
        answer.truncated for side, name, _, answer in told if (side, name) == ("reference", "step")
    ]
    later = sum(int((np.cumsum(rows, axis=0) > rows).sum()) for rows in ended)
    assert later > 0
    assert outcome.steps == 40 * 4 - later
    assert outcome.episodes == sum(int(rows.sum()) for rows in ended)


def test_a_difference_is_one_transition_from_the_copied_state(run, tmp_path, capsys):
    suite = with_config(resync=1)
    report = run(suite, candidate=f"env:{PATH}:faulty", minimise=True)
    check = lockstep(report)
    assert check.verdict == "FAIL"
    assert check.divergence.field == "angle[0]"
    assert check.divergence.difference == pytest.approx(1e-2, rel=1e-2)
    (case,) = read_cases(tmp_path / check.fixture)
    assert case.steps == 1
    assert case.state["speed"][0] > 2.0
    assert case.state["elapsed"] == 0
    console = Console(quiet=True)
    assert repro(console, tmp_path / check.fixture, None) == 1
    right = replace(case, candidate=None)
    path = tmp_path / "right.jsonl"
    path.write_text(right.line() + "\n")
    assert repro(console, path, None) == 0


def test_a_case_of_the_corpus_fails_until_it_is_repaired(run, tmp_path):
    suite = with_config(resync=1)
    report = run(suite, candidate=f"env:{PATH}:faulty", minimise=True)
    known = replace(suite, corpus=(tmp_path / lockstep(report).fixture).parent)
    for candidate, verdict in ((f"env:{PATH}:faulty", "FAIL"), (None, "PASS")):
        again = run(known, candidate=candidate, levels=("L1",))
        assert again.level_verdict("corpus") == verdict


def test_a_difference_after_several_steps_begins_no_earlier_than_the_copied_state(run, tmp_path):
    suite = with_config(resync=4, fields=fields(1.2e-7, drift=1.0))
    check = lockstep(run(suite, minimise=True))
    assert check.verdict == "FAIL"
    (case,) = read_cases(tmp_path / check.fixture)
    assert 1 < case.steps <= 4
    assert case.state["elapsed"] >= 0


def test_the_way_to_a_difference_begins_at_the_copied_state():
    """What was played before it belongs to another start: a replay of it would prove nothing."""

    def late():
        return KickedRotor(fault=1.0, above=4.0)

    outcome, _ = played(Config("float32", resync=3), Policy("random"), 60, late)
    way = outcome.history
    assert outcome.divergence.step > 3
    assert len(way.actions) == (outcome.divergence.step - 1) % 3 + 1
    assert not way.whole


def test_a_scenario_and_single_transitions_in_a_box_of_actions(run):
    report = run(levels=("L2",))
    assert {c.name: str(c.verdict) for c in report.checks if c.level == "L2"} == {
        "transitions from states of play [float32]": "PASS",
        "transitions from generated states [float32]": "PASS",
        "scenario: thrown [float32]": "PASS",
        "steps in a row = single steps [float32]": "PASS",
    }
    many = replace(EFFORT, transitions=1_024)
    wrong = run(levels=("L2",), candidate=f"env:{PATH}:faulty", effort=many)
    found = {c.name: str(c.verdict) for c in wrong.checks if c.level == "L2"}
    # Single transitions differ already, so steps in a row are not asked for.
    assert found.pop("steps in a row = single steps [float32]") == "SKIPPED"
    assert list(found.values()) == ["FAIL"] * 3, found
    scenario = next(c for c in wrong.checks if "scenario" in c.name)
    assert scenario.divergence.field == "angle[0]"


def test_a_configuration_says_how_much_is_compared_and_a_person_says_more(run):
    wanted = {"lanes": 5, "min_ends": 2, "min_steps": 32, "max_steps": 90}
    check = lockstep(run(with_config(effort=wanted), effort=Effort(), asked={"lanes": 3}))
    assert check.counts["lanes"] == 3
    assert 3 * 32 <= check.counts["steps"] < 3 * 64
    own = Effort().of_config(wanted, {})
    assert (own.lanes, own.min_ends, own.max_steps, own.resets) == (5, 2, 90, Effort().resets)
    hurried = QUICK.of_config({**wanted, "lanes": 100, "min_steps": 100_000}, {})
    assert (hurried.lanes, hurried.min_steps, hurried.max_steps) == (16, 256, 90)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resync": 0}, "resync = 0; use None"),
        ({"effort": {"lane": 3}}, "unknown name 'lane'; known: examples, lanes"),
        ({"effort": {"lanes": 0}}, "lanes = 0; use 1 or more"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Config("float32", **changes)
