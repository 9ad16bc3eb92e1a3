"""How far two sides stay together when nothing is copied, and a share where one is asked."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.session import Request, verify
from envlift.verify.run.show import print_report
from envlift.verify.suite import Config, Field, Horizon, Suite
from tests.verify.envs.rotor import DOUBLE, SUITE, KickedRotor, fields

EFFORT = replace(QUICK, lanes=8, min_steps=16, max_steps=600)
LONG = {"limit": 400}
WATCHED = Horizon(("angle", "speed"), 1e-5, max_steps=200)


def measured(tmp_path, config, horizon=WATCHED, **changes):
    whole = replace(
        SUITE,
        components=(),
        scenarios=(),
        policies=SUITE.policies[:1],
        features=(),
        configs=(config,),
        horizon=horizon,
        **changes,
    )
    request = Request(whole, "", EFFORT, tmp_path, levels=("L3",), minimise=False, apart=False)
    report = verify(request, Silent())
    return report, next((c for c in report.checks if c.name.startswith("divergence")), None)


def test_it_is_counted_printed_and_longer_in_double_precision(tmp_path):
    _, single = measured(tmp_path, Config("float32", LONG, resync=1))
    double_config = Config(
        "float64", LONG, {"dtype": "float64"}, fields=fields(DOUBLE), x64=True, resync=1
    )
    report, double = measured(tmp_path, double_config)
    assert single.verdict == double.verdict == "PASS"
    assert single.counts["lanes"] == single.counts["lanes parted"] == 8
    low, middle, high = (
        single.counts[f"steps {what}"] for what in ("at least", "in the median", "at most")
    )
    assert 2 <= low <= middle <= high <= 20
    assert single.detail == (
        "first step at which angle, speed differ by more than 1e-05: "
        f"min {low}, median {middle}, max {high} over 8 lanes"
    )
    assert double.counts["steps at least"] > high
    assert report.total("steps") == sum(
        c.counts["steps"] for c in report.checks if c.name.startswith("lockstep")
    )
    report.write(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())["checks"]
    assert double.counts in [check["counts"] for check in written]
    shown = io.StringIO()
    print_report(Console(file=shown, width=200), report)
    assert f"horizon:    [float64] {double.detail}" in shown.getvalue()


def test_the_number_is_the_step_at_which_a_fault_shows(tmp_path):
    """Every lane's fault comes at its fourth step, far above what rounding does by then."""

    class Late(KickedRotor):
        def transition(self, state, action, draws, params=None):
            nxt = super().transition(state, action, draws, params)
            late = np.float32(0.1) * (nxt.state.elapsed == 4)
            return nxt._replace(state=replace(nxt.state, speed=nxt.state.speed + late))

    config = Config("float32", LONG, resync=1)
    _, check = measured(tmp_path, config, Horizon(("speed",), 0.05), candidate=Late)
    steps = {check.counts[f"steps {what}"] for what in ("at least", "in the median", "at most")}
    assert steps == {4}
    assert check.verdict == "PASS"


@pytest.mark.parametrize(
    ("least", "share", "verdict"), [(3, 1.0, "PASS"), (4, 0.1, "FAIL"), (4, 1.0, "FAIL")]
)
def test_a_share_of_the_lanes_must_last(tmp_path, least, share, verdict):
    """Every lane parts at its fourth step: it has lasted three."""

    class Late(KickedRotor):
        def transition(self, state, action, draws, params=None):
            nxt = super().transition(state, action, draws, params)
            late = np.float32(0.1) * (nxt.state.elapsed == 4)
            return nxt._replace(state=replace(nxt.state, speed=nxt.state.speed + late))

    demand = Horizon(("speed",), 0.05, least=least, share=share)
    _, check = measured(tmp_path, Config("float32", LONG, resync=1), demand, candidate=Late)
    lasting = 8 if least == 3 else 0
    assert check.verdict == verdict
    assert check.counts["lanes that last"] == lasting
    assert f"{lasting} last {least} steps, {share:.0%} of them must" in check.detail


def test_a_part_of_the_lanes_is_a_part(tmp_path):
    """Some lanes part at once, the others never: what is demanded of a share decides."""

    class Some(KickedRotor):
        def transition(self, state, action, draws, params=None):
            nxt = super().transition(state, action, draws, params)
            late = np.float32(0.1) * ((nxt.state.elapsed == 1) & (state.angle[0] > 0))
            return nxt._replace(state=replace(nxt.state, speed=nxt.state.speed + late))

    config = Config("float32", LONG, resync=1)
    verdicts = []
    for share in (0.01, 1.0):
        demand = Horizon(("speed",), 0.05, max_steps=2, least=2, share=share)
        _, check = measured(tmp_path, config, demand, candidate=Some)
        assert 0 < check.counts["lanes that last"] < 8
        verdicts.append(check.verdict)
    assert verdicts == ["PASS", "FAIL"]


def test_an_episode_that_ends_before_has_not_lasted(tmp_path):
    demand = Horizon(("speed",), 0.05, max_steps=10, least=5, share=0.5)
    _, check = measured(tmp_path, Config("float32", {"limit": 3}, resync=1), demand)
    assert (check.verdict, check.counts["lanes that last"]) == ("FAIL", 0)


def test_lanes_that_end_together_count_with_their_length(tmp_path):
    _, check = measured(tmp_path, Config("float32", {"limit": 3}, resync=1))
    assert check.counts["lanes parted"] == 0
    assert check.counts["steps at most"] == 3
    assert "8 had not parted when their episode or the 200 steps ended" in check.detail
    assert check.verdict == "PASS"


def test_a_candidate_that_does_not_keep_the_copied_state_fails(tmp_path):
    config = Config("float32", LONG, resync=1)
    _, check = measured(
        tmp_path, config, to_candidate=lambda state: {**state, "angle": state["angle"] + 1e-3}
    )
    assert check.verdict == "FAIL"
    assert "8 of 8 lanes differ by more than 1e-05 before the first step" in check.detail


def test_it_is_measured_where_the_suite_says_so_and_names_what_there_is(tmp_path):
    other = replace(WATCHED, configs=("float32",))
    whole = replace(SUITE, horizon=other, features=(), scenarios=(), policies=SUITE.policies[:1])
    request = Request(whole, "", EFFORT, tmp_path, configs=("float64",), levels=("L3",))
    assert not [c for c in verify(request, Silent()).checks if "horizon" in c.name]
    with pytest.raises(ValueError, match=r"the horizon names unknown state fields \['x'\]"):
        Suite("s", "r", "c", state=(Field("y"),), horizon=Horizon(("x",), 1e-5))
    with pytest.raises(ValueError, match="the horizon names unknown configurations"):
        replace(whole, horizon=replace(WATCHED, configs=("float16",)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fields": ()}, "at least one state field"),
        ({"bound": 0.0}, "must be more than 0, it is 0.0"),
        ({"max_steps": 0}, "must be at least 1, it is 0"),
        ({"share": 0.0}, r"must be in \(0, 1\], it is 0.0"),
        ({"share": 1.5}, r"must be in \(0, 1\], it is 1.5"),
        ({"least": 201}, "between 0 and its max_steps, 200; it is 201"),
    ],
)
def test_a_horizon_that_makes_no_sense_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(WATCHED, **changes)
