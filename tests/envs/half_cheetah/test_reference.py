"""The reference: what it is, what a state is, and whether MuJoCo's rows lie in the right slots."""

import numpy as np
import pytest

from envlift.reference.failure import ReferenceFailure
from envlift.reference.launch import open_reference

REFERENCE = "python:envlift.envs.half_cheetah.reference.half_cheetah:HalfCheetahReference"
CONFIG = {"requirements": "envlift.envs.half_cheetah.reference:requirements.txt"}
LANES = 3
MU = 0.4


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cwd")


@pytest.fixture(scope="module")
def reference(folder):
    with open_reference(REFERENCE, num_lanes=LANES, config=CONFIG, cwd=folder) as side:
        yield side


@pytest.fixture(scope="module")
def rows():
    """400 states: any rotation, from deep in the floor to above it, joints beyond both limits."""
    rng = np.random.default_rng(0)
    qpos = rng.uniform(-1.3, 1.3, (400, 9))
    qpos[:, 1] = rng.uniform(-0.8, 0.4, 400)
    qpos[:, 2] = rng.uniform(-4, 4, 400)
    qvel, ctrl = 3 * rng.normal(size=(400, 9)), rng.uniform(-1.5, 1.5, (400, 6))
    return {"qpos": qpos, "qvel": qvel, "ctrl": ctrl}


def some_state(seed):
    rng = np.random.default_rng(seed)
    qpos = rng.uniform(-0.5, 0.5, (LANES, 9))
    qpos[:, 1] = -0.2
    return {
        "qpos": qpos,
        "qvel": rng.normal(size=(LANES, 9)),
        "elapsed_steps": np.array([0, 7, 500], np.int32),
    }


def some_actions(seed, steps):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, LANES, 6)).astype(np.float32)


def seeds(steps, value=5):
    return np.full((steps, LANES), value, np.int64)


def test_what_runs(reference, folder):
    pins = reference.spec.pins
    assert (pins["mujoco"], pins["gymnasium"]) == ("4.0.0", "1.4.0")
    sha256 = "11797a5d69e8ac955e89ca6fdd3a0087f1c990094fda401ac51420de1b6c5494"
    assert pins["half_cheetah.xml sha256"] == sha256
    assert list(folder.iterdir()) == []  # no MUJOCO_LOG.TXT


def test_an_unknown_option():
    with pytest.raises(ReferenceFailure, match="unexpected keyword argument 'gravity'"):
        open_reference(REFERENCE, num_lanes=1, config={**CONFIG, "gravity": 0})


def test_options_reach_gymnasium():
    options = {
        "frame_skip": 2,
        "forward_reward_weight": 3.0,
        "ctrl_cost_weight": 0.5,
        "reset_noise_scale": 0.0,
        "exclude_current_positions_from_observation": False,
        "max_episode_steps": 2,
    }
    with open_reference(REFERENCE, num_lanes=1, config=CONFIG | options) as side:
        start = side.reset(np.zeros(1, np.int64))
        assert start.observation.shape == (1, 18)
        assert not start.observation.any()
        action = np.full((2, 1, 6), 0.5, np.float32)
        played = side.step(action, reset_seeds=np.zeros((2, 1), np.int64))
        assert played.truncated[:, 0].tolist() == [False, True]
        moved = played.state["qpos"][0, 0, 0]
        assert played.reward[0, 0] == pytest.approx(3 * moved / 0.02 - 0.5 * 6 * 0.25, rel=1e-12)


def test_the_solver_obeys_its_tolerance():
    """Asked for nearly nothing, it stops with another acceleration; asked for more, it goes on."""
    state, action = some_state(8), some_actions(9, 1)
    state["qpos"][:, 1] = -0.4  # deep in the floor: there is something to solve
    found = {}
    for tolerance in (None, 1e-8, 1e-14, 1e4):
        config = CONFIG | ({} if tolerance is None else {"solver_tolerance": tolerance})
        with open_reference(REFERENCE, num_lanes=len(state["qpos"]), config=config) as side:
            side.set_state(state)
            found[tolerance] = side.step(action, reset_seeds=seeds(1)).state["qvel"]
    np.testing.assert_array_equal(found[None], found[1e-8])  # the model's own
    assert np.abs(found[1e4] - found[1e-14]).max() > 1e-6


def test_a_state_comes_back_as_it_was_set(reference):
    state = some_state(1)
    reference.set_state(state)
    back = reference.get_state()
    for name, value in state.items():
        np.testing.assert_array_equal(back[name], value, strict=True)


def test_a_step_depends_on_the_state_alone(reference):
    def play():
        reference.set_state(some_state(2))
        return reference.step(some_actions(3, 4), reset_seeds=seeds(4))

    first = play()
    reference.step(some_actions(4, 30), reset_seeds=seeds(30))
    again = play()
    np.testing.assert_array_equal(again.observation, first.observation)
    np.testing.assert_array_equal(again.reward, first.reward)


def test_a_step_is_five_substeps_and_its_terms(reference):
    state, action = some_state(6), some_actions(7, 1)
    reference.set_state(state)
    step = reference.step(action, reset_seeds=seeds(1))
    now = {name: state[name] for name in ("qpos", "qvel")}
    told = reference.call("info", {**now, "action": action[0]})
    for _ in range(5):
        after = reference.call("mj_Euler", {**now, "ctrl": action[0].astype(np.float64)})
        now = {name: after[name] for name in ("qpos", "qvel")}
    # Within a step the solver starts from the last substep's solution, here from nothing.
    np.testing.assert_allclose(step.state["qpos"][0], now["qpos"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(step.state["qvel"][0], now["qvel"], rtol=0, atol=1e-8)
    assert (step.state["elapsed_steps"][0] == state["elapsed_steps"] + 1).all()

    np.testing.assert_array_equal(told["x_position"], step.state["qpos"][0, :, 0])
    np.testing.assert_array_equal(told["reward"], step.reward[0])
    speed = (told["x_position"] - state["qpos"][:, 0]) / 0.05
    np.testing.assert_allclose(told["x_velocity"], speed, rtol=1e-12)
    np.testing.assert_allclose(told["reward_forward"], speed, rtol=1e-12)
    cost = -0.1 * (action[0].astype(np.float64) ** 2).sum(axis=1)
    np.testing.assert_allclose(told["reward_ctrl"], cost, rtol=1e-6)  # summed in float32


def test_the_time_limit_is_part_of_the_state(reference):
    state = some_state(8)
    state["elapsed_steps"][:] = (997, 998, 999)
    reference.set_state(state)
    played = reference.step(some_actions(9, 3), reset_seeds=seeds(3))
    np.testing.assert_array_equal(played.truncated, np.eye(3, dtype=bool)[::-1])
    assert not played.terminated.any()
    np.testing.assert_array_equal(played.final_state["elapsed_steps"][played.truncated], 1000)
    fresh = reference.reset(np.full(LANES, 5, np.int64))
    np.testing.assert_array_equal(played.observation[2, 0], fresh.observation[0])
    assert (played.final_observation[2, 0] != fresh.observation[0]).all()


def ends_of(table, qpos):
    """x and z of the 16 capsule ends, by hand: nested rotations about y. [N, 16, 2]"""

    def turned(angle, vector):
        sine, cosine = np.sin(angle), np.cos(angle)
        x, z = vector[..., 0], vector[..., 1]
        return np.stack([cosine * x + sine * z, cosine * z - sine * x], axis=-1)

    place = {1: table["body_pos"][1, [0, 2]] + qpos[:, :2]}
    angle = {1: qpos[:, 2]}
    for body in range(2, 8):
        parent = table["body_parentid"][body]
        offset = table["body_pos"][body, [0, 2]]
        place[body] = place[parent] + turned(angle[parent], offset)
        angle[body] = angle[parent] + qpos[:, body + 1]
    ends = [
        place[body] + turned(angle[body], table["geom_ends"][geom, end])
        for geom, body in enumerate(table["geom_bodyid"])
        if geom
        for end in (0, 1)
    ]
    return np.stack(ends, axis=1)


def test_contacts_lie_at_the_right_ends(reference, rows):
    table = {name: value[0] for name, value in reference.call("model", {}).items()}
    assert table["body_mass"].sum() == pytest.approx(14, rel=1e-12)
    found = reference.call("mj_collision", {"qpos": rows["qpos"]})
    ends = ends_of(table, rows["qpos"])
    dist = ends[..., 1] - 0.046
    np.testing.assert_array_equal(found["present"], dist <= 0)
    assert found["present"].sum(axis=1).max() > 10
    assert found["present"].any(axis=0).all()
    assert not found["present"].all(axis=0).any()
    np.testing.assert_allclose(found["dist"], np.where(dist <= 0, dist, 0), rtol=0, atol=1e-14)
    middle = np.stack([ends[..., 0], dist / 2], axis=-1)
    middle[dist > 0] = 0
    np.testing.assert_allclose(found["pos"], middle, rtol=0, atol=1e-14)


def test_constraint_rows_lie_in_their_slots(reference, rows):
    made = reference.call("mj_makeConstraint", rows)
    touching = reference.call("mj_collision", rows)["present"]
    present, jacobian = made["present"], made["efc_J"]
    assert not jacobian[~present].any()
    np.testing.assert_array_equal(present[:, 6:], touching.repeat(4, axis=1))

    edges = jacobian[:, 6:].reshape(-1, 16, 4, 9)[touching]
    np.testing.assert_allclose(edges[..., 1], 1, atol=1e-15)
    np.testing.assert_allclose(edges[..., 0] - [MU, -MU, 0, 0], 0, atol=1e-15)
    np.testing.assert_allclose(edges[:, 2], (edges[:, 0] + edges[:, 1]) / 2, atol=1e-14)
    np.testing.assert_allclose(edges[:, 3], edges[:, 2], atol=1e-14)

    low, high = reference.call("model", {})["jnt_range"][0, 3:].T
    angles = rows["qpos"][:, 3:]
    below, above = angles - low, high - angles
    np.testing.assert_array_equal(present[:, :6], np.minimum(below, above) < 0)
    sign = np.where(below < 0, 1, np.where(above < 0, -1, 0))
    assert set(sign.flat) == {-1, 0, 1}
    np.testing.assert_array_equal(jacobian[:, :6, 3:], sign[:, :, None] * np.eye(6))
    assert not jacobian[:, :6, :3].any()
    outside = np.where(sign, np.minimum(below, above), 0)
    np.testing.assert_array_equal(made["efc_pos"][:, :6], outside)


def test_stages_add_up(reference, rows):
    """Rows of different components belong together, and forces are those of MuJoCo's equations."""
    made = reference.call("mj_makeConstraint", rows)
    aim = reference.call("mj_referenceConstraint", rows)
    solved = reference.call("mj_fwdConstraint", rows)
    smooth = reference.call("mj_fwdAcceleration", rows)
    matrix = reference.call("mj_crb", rows)["qM"]
    forces = {
        name: reference.call(name, rows)[field]
        for name, field in {
            "mj_rne": "qfrc_bias",
            "mj_passive": "qfrc_passive",
            "mj_fwdActuation": "qfrc_actuator",
        }.items()
    }
    total = forces["mj_passive"] + forces["mj_fwdActuation"] - forces["mj_rne"]
    np.testing.assert_allclose(smooth["qfrc_smooth"], total, rtol=0, atol=1e-10)
    turned = np.einsum("nij,nj->ni", matrix, smooth["qacc_smooth"])
    np.testing.assert_allclose(turned, total, rtol=0, atol=1e-9)

    jacobian, present = made["efc_J"], made["present"]
    turned = np.einsum("nri,nr->ni", jacobian, solved["efc_force"])
    np.testing.assert_allclose(turned, solved["qfrc_constraint"], rtol=1e-11, atol=1e-8)
    turned = np.einsum("nij,nj->ni", matrix, solved["qacc"])
    largest = np.abs(solved["qfrc_constraint"]).max()
    np.testing.assert_allclose(
        turned, total + solved["qfrc_constraint"], rtol=0, atol=1e-8 * largest
    )
    np.testing.assert_allclose((aim["efc_R"] * aim["efc_D"])[present], 1, rtol=1e-14)
    miss = np.einsum("nri,ni->nr", jacobian, solved["qacc"]) - aim["efc_aref"]
    force = np.where(present, -aim["efc_D"] * np.minimum(miss, 0), 0)
    np.testing.assert_allclose(solved["efc_force"], force, rtol=1e-9, atol=1e-9)
    for name in ("efc_force", "efc_aref", "efc_R", "efc_D"):
        assert not {**solved, **aim}[name][~present].any()
    assert (solved["solver_niter"] > 0).sum() > 100
    assert not solved["solver_niter"][~present.any(axis=1)].any()


def test_energy_belongs_to_the_forces(reference, rows):
    some = {name: value[:20] for name, value in rows.items() if name != "ctrl"}
    matrix = reference.call("mj_crb", some)["qM"]
    kinetic = np.einsum("ni,nij,nj->n", some["qvel"], matrix, some["qvel"]) / 2
    np.testing.assert_allclose(reference.call("energy", some)["kinetic"], kinetic, rtol=1e-12)

    small = 1e-5
    resting = {"qpos": some["qpos"]}
    force = reference.call("mj_passive", resting)["qfrc_passive"]
    force -= reference.call("mj_rne", resting)["qfrc_bias"]
    for joint in range(9):
        shift = small * np.eye(9)[joint]
        there, back = (
            reference.call("energy", {"qpos": some["qpos"] + way * shift})["potential"]
            for way in (1, -1)
        )
        # Rounding of an energy of some hundred joules, divided by the step.
        np.testing.assert_allclose(-(there - back) / (2 * small), force[:, joint], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e11])
@pytest.mark.parametrize("field", ["qpos", "qvel", "ctrl"])
def test_what_mujoco_does_with_bad_numbers(reference, rows, field, bad):
    state = {name: value[:2].copy() for name, value in rows.items()}
    state[field][0, 4] = bad
    after = reference.call("mj_Euler", state)
    clean = reference.call("mj_Euler", {name: value[1:2] for name, value in state.items()})
    np.testing.assert_array_equal(after["qpos"][1], clean["qpos"][0])
    told = {name for name in after if name.startswith("bad_") and after[name][0]}
    if field != "ctrl":
        rest = reference.call("mj_Euler", {"qpos": np.zeros((1, 9))})
        assert told == {f"bad_{field}"}
    elif np.isnan(bad):
        rest = reference.call("mj_Euler", {**state, "ctrl": np.zeros((2, 6))})
        assert told == {"bad_ctrl"}
    else:
        rest = reference.call("mj_Euler", {**state, "ctrl": np.clip(state["ctrl"], -1, 1)})
        assert told == set()
    np.testing.assert_array_equal(after["qpos"][0], rest["qpos"][0])
    np.testing.assert_array_equal(after["qvel"][0], rest["qvel"][0])


def test_bad_numbers_are_told_and_end_nothing(reference, folder):
    state, actions = some_state(10), some_actions(11, 2)
    reference.set_state(state)
    before = reference.get_state()
    bad = {name: value.copy() for name, value in state.items()}
    bad["qvel"][1, 2] = np.inf
    with pytest.raises(ReferenceFailure, match=r"lane 1: .*a state must be finite"):
        reference.set_state(bad)
    np.testing.assert_array_equal(reference.get_state()["qpos"], before["qpos"])
    with pytest.raises(ReferenceFailure, match=r"qvel\[1, 2\] is inf"):
        reference.call("mj_rne", {"qvel": bad["qvel"]})
    wrong = actions.copy()
    wrong[1, 2, 3] = np.nan
    with pytest.raises(ReferenceFailure, match=r"lane 2: .*the reward is nan") as caught:
        reference.step(wrong, reset_seeds=seeds(2))
    assert caught.value.lane == 2
    reference.set_state(state)
    played = reference.step(actions, reset_seeds=seeds(2))
    assert np.isfinite(played.observation).all()
    assert list(folder.iterdir()) == []


def test_wrong_arguments_of_a_component(reference):
    for arguments, says in (
        ({}, "no argument was given; known: qpos, qvel, ctrl"),
        ({"qacc": np.zeros((1, 9))}, "there is no argument 'qacc'; known: qpos, qvel, ctrl"),
        ({"qpos": np.zeros((1, 8))}, r"qpos must have the shape \(1, 9\), it has \(1, 8\)"),
    ):
        with pytest.raises(ReferenceFailure, match=says):
            reference.call("mj_crb", arguments)
