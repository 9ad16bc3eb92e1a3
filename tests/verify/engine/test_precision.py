"""Configurations in different precisions: their own tolerances, JAX's x64 mode, components."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st

from envlift.candidate.env_side import EnvSide
from envlift.reference.types import ArraySpec, SideSpec
from envlift.verify.failure.case import Case, RecordedSide
from envlift.verify.levels.itself.transforms import LANES, STEPS, _Played, judge
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Check, Verdict
from envlift.verify.run.session import Request, verify
from envlift.verify.suite import Component, Config, Field, Suite
from tests.verify.envs.rotor import DOUBLE, FORCES, SUITE, WHEELS, KickedRotor, candidate_forces

EFFORT = replace(QUICK, lanes=8, min_steps=64, transitions=64, examples=40)


@pytest.fixture
def run(tmp_path):
    def run(suite, levels=("L3",), configs=()):
        request = Request(
            suite, "", EFFORT, tmp_path, configs=configs, levels=levels, minimise=False
        )
        return verify(request, Silent())

    return run


def verdicts(report, start):
    return {c.name: str(c.verdict) for c in report.checks if c.name.startswith(start)}


def test_two_precisions_in_one_run_and_each_has_its_own_tolerance(run):
    assert all(f.atol + f.rtol < 1e-13 for f in SUITE.configs[1].fields)
    dtypes = []

    def candidate(**options):
        dtypes.append(str(jnp.zeros(1, float).dtype))
        return KickedRotor(**options)

    suite = replace(
        SUITE, candidate=candidate, policies=SUITE.policies[:1], features=(), scenarios=()
    )
    report = run(suite)
    names = ("lockstep: random play [float32]", "lockstep: random play [float64]")
    assert verdicts(report, "lockstep") == dict.fromkeys(names, "PASS")
    assert dtypes == ["float32", "float64"]
    assert jnp.zeros(1, float).dtype == jnp.float32
    assert "dtype='float64'" in report.candidate


def test_float32_does_not_pass_for_float64(run):
    """The same configuration with the candidate's options of the other one."""
    double = replace(SUITE.configs[1], candidate={})
    report = run(replace(SUITE, configs=(SUITE.configs[0], double)), configs=("float64",))
    assert set(verdicts(report, "lockstep").values()) == {"FAIL"}


def test_a_candidate_of_64_bits_without_x64_is_refused_in_words(run):
    double = replace(SUITE.configs[1], x64=False)
    suite = replace(SUITE, configs=(SUITE.configs[0], double))
    with pytest.raises(ValueError, match=r"asks for 64 bits, and JAX holds .* x64=True"):
        run(suite, configs=("float64",))


def test_fields_of_a_configuration_replace_those_of_the_same_name_alone():
    own = SUITE.of_config(SUITE.configs[1])
    assert [f.atol for f in own.state] == [100 * DOUBLE, 100 * DOUBLE, 0, 0]
    assert own.observation.atol == own.reward.atol == 100 * DOUBLE
    assert SUITE.of_config(SUITE.configs[0]) == SUITE


def test_a_field_that_a_configuration_makes_up_is_refused():
    config = Config("c", fields=(Field("speeed"),))
    with pytest.raises(ValueError, match=r"'c' names unknown fields \['speeed'\]; known: \['obs"):
        Suite("s", "r", "c", state=(Field("speed"),), configs=(config,))


def test_a_recorded_reward_keeps_its_64_bits():
    third = {"observation": [[0.0]], "reward": [1 / 3], "terminated": [False], "truncated": [False]}
    case = Case("s", "c", [0], recorded={**third, "state": {}})
    number = ArraySpec((1,), "float64")
    record = RecordedSide(SideSpec("r", number, number), case).step(np.zeros((1, 1)))
    assert record.reward.tolist() == [[1 / 3]]


def judged(first, second):
    check = Check("transforms", "same", Verdict.INCONCLUSIVE)
    steps = len(next(iter(second.values())))
    judge(check, {name: leaf[:steps] for name, leaf in first.items()}, second, SUITE.observation)
    return check.verdict


def test_transforms_of_a_chaotic_environment_with_more_in_its_info():
    """Compiled and interpreted, it leaves itself unless each step is taken from one state."""
    actions = np.random.default_rng(6).uniform(-1, 1, (STEPS, LANES, WHEELS)).astype(np.float32)
    given = {"seeds": np.random.default_rng(5).integers(0, 2**62, LANES), "actions": actions}
    context = SimpleNamespace(candidate=EnvSide(KickedRotor(), LANES))
    synced, free = _Played(context, given, True), _Played(context, given, False)
    assert judged(synced.first, synced.way("interpreted", steps=STEPS // 4)) == "PASS"
    assert judged(synced.first, synced.way("singles")) == "PASS"
    assert judged(synced.way("scanned"), synced.first) == "PASS"
    long = _Played(context, given | {"steps": 4096}, True, "stepped")
    assert judged(long.first, long.way("composed")) == "PASS"
    assert judged(free.first, free.way("interpreted", steps=STEPS // 4)) == "FAIL"


ROW = st.fixed_dictionaries({"angle": st.lists(st.floats(-3, 3), min_size=WHEELS, max_size=WHEELS)})


@pytest.mark.parametrize("rows", [{"row": ROW, "rows": None}, {}], ids=["hypothesis", "drawn"])
@pytest.mark.parametrize(("harmonic", "verdict"), [(None, "PASS"), (2, "FAIL")])
def test_thousands_of_rows_whose_results_are_arrays(run, rows, harmonic, verdict):
    def wrong(env):
        right = candidate_forces(env)

        def f(arguments):
            force = right(arguments)["force"].copy()
            if harmonic is not None:
                force[:, harmonic, 1] *= 1 + 1e-4 * (np.abs(arguments["angle"][:, 1]) > 1)
            return {"force": force}

        return f

    component = replace(FORCES, candidate=wrong, **rows)
    report = run(replace(SUITE, components=(component,)), ("L1",), ("float32",))
    (check,) = [c for c in report.checks if c.name.startswith("forces")]
    assert check.verdict == verdict
    if verdict == "PASS":
        assert check.counts["rows"] > 200
    else:
        assert check.divergence.field == f"force[{harmonic}, 1]"
        assert check.divergence.allowed == "1e-05 + 1e-06 * |reference|"
        assert abs(check.divergence.before["angle"][1]) > 1


def test_a_component_has_one_source_of_rows_and_it_holds_what_is_declared(run):
    with pytest.raises(ValueError, match="'c' has both row and rows"):
        Component("c", (), row=ROW, rows=lambda rng, n: {})
    few = replace(FORCES, rows=lambda rng, n: {"angle": np.zeros((3, WHEELS))})
    with pytest.raises(ValueError, match=r"have the lengths {'angle': 3}; 1024 were asked for"):
        run(replace(SUITE, components=(few,)), ("L1",), ("float32",))
    other = replace(FORCES, rows=lambda rng, n: {"angel": np.zeros((n, WHEELS))})
    with pytest.raises(ValueError, match=r"hold \['angel'\], its dtypes \['angle'\]"):
        run(replace(SUITE, components=(other,)), ("L1",), ("float32",))
