"""What stands beside us in speed does the work it is said to do.

Only what runs in the small environment of the verifier: EnvPool, MJX and Brax weigh a gigabyte.
"""

from __future__ import annotations

import numpy as np
import pytest

from envlift.bench.benchmark import Form
from envlift.envs.half_cheetah.bench import BENCH, GYMNASIUM, LIGHT, ROLLOUT, play
from envlift.reference.failure import ReferenceFailure
from envlift.reference.launch import open_reference

REFERENCE = "python:envlift.envs.half_cheetah.reference.half_cheetah:HalfCheetahReference"
LANES, STEPS = 4, 10
FORM = Form(batch=LANES, arguments={"length": 8, "chunk": 1})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cwd")


@pytest.fixture(scope="module")
def rollout(folder):
    with open_reference(ROLLOUT.launch, num_lanes=1, config=LIGHT, cwd=folder) as child:
        yield child


def test_a_rollout_is_gymnasiums_steps(rollout, folder):
    rng = np.random.default_rng(0)
    qpos, qvel = rng.uniform(-0.1, 0.1, (LANES, 9)), 0.1 * rng.normal(size=(LANES, 9))
    actions = rng.uniform(-1, 1, (STEPS, LANES, 6)).astype(np.float32)
    with open_reference(REFERENCE, num_lanes=LANES, config=LIGHT, cwd=folder) as side:
        seeds = np.zeros((STEPS, LANES), np.int64)
        side.reset(seeds[0])
        side.set_state({"qpos": qpos, "qvel": qvel, "elapsed_steps": np.zeros(LANES, np.int32)})
        stepped = side.step(actions, reset_seeds=seeds).observation
    arguments = {"qpos": qpos, "qvel": qvel, "actions": actions.swapaxes(0, 1).astype(np.float64)}
    rolled = rollout.call("trajectory", arguments)["result"].swapaxes(0, 1)
    # Both are MuJoCo's C; the solver starts warm from another guess, which ten steps let grow.
    np.testing.assert_allclose(rolled, stepped, rtol=0, atol=1e-8)
    assert np.abs(np.diff(stepped, axis=0)).max() > 1


@pytest.mark.parametrize("loop", [ROLLOUT, GYMNASIUM], ids=lambda loop: loop.name)
def test_equal_seeds_play_equal_steps(loop, folder):
    form = FORM if loop is ROLLOUT else Form()
    with open_reference(loop.launch, num_lanes=1, config=LIGHT, cwd=folder) as child:
        one, same, other = (play(child, form, 64, seed) for seed in (1, 1, 2))
    assert one.checksum == same.checksum
    assert one.checksum["observations"] != other.checksum["observations"]
    assert one.checksum["steps"] == 64
    assert one.seconds > 0
    assert list(folder.iterdir()) == []  # no MUJOCO_LOG.TXT


def test_part_of_a_round_is_refused(rollout):
    with pytest.raises(ReferenceFailure, match="100 steps are no multiple of 4 environments"):
        play(rollout, FORM, 100, 1)


def test_every_form_fits_its_trial_and_its_repetitions():
    for loop in BENCH.references:
        for form in loop.forms:
            lanes = form.batch * form.arguments.get("length", 1)
            for steps in (loop.steps, loop.steps // 4, loop.trial_steps or loop.steps // 8):
                assert steps >= lanes, (loop.name, form)
                assert steps % lanes == 0, (loop.name, form)
