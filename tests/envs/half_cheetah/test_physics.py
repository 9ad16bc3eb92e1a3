"""What any planar runner must do, whoever simulates it: no reference is asked here."""

from dataclasses import replace

import numpy as np
import pytest

from envlift.envs.half_cheetah.intermediates import intermediates
from envlift.envs.half_cheetah.rules import model
from envlift.envs.half_cheetah.verification.components import EDGES, edge_states, states

from .conftest import LANES, actions, runners, state_of, stepper

STILL = np.zeros((LANES, 6), np.float32)
GRAVITY, STEP, SUBSTEPS = 9.81, 0.05, 5
AIR = 30.0
"""A height from which nothing reaches the floor within a test."""


def bodies(qpos, qvel):
    """Return centres of mass and their velocities [B, 7, 2], turning rates [B, 7], by hand."""
    m, count = model.load(), len(qpos)

    def turned(angle, vector):
        x, z = vector
        sine, cosine = np.sin(angle), np.cos(angle)
        return np.stack([cosine * x + sine * z, cosine * z - sine * x], axis=-1)

    def swung(rate, arm):
        return np.stack([rate * arm[:, 1], -rate * arm[:, 0]], axis=-1)

    angle, rate = np.zeros((2, count, 7))
    place, speed, centre, flow = np.zeros((4, count, 7, 2))
    for body, parent in enumerate(model.PARENT):
        if body == 0:
            angle[:, 0], rate[:, 0] = qpos[:, 2], qvel[:, 2]
            place[:, 0], speed[:, 0] = qpos[:, :2] + m.body_pos[0], qvel[:, :2]
        else:
            angle[:, body] = angle[:, parent] + qpos[:, body + 2]
            rate[:, body] = rate[:, parent] + qvel[:, body + 2]
            arm = turned(angle[:, parent], m.body_pos[body])
            place[:, body] = place[:, parent] + arm
            speed[:, body] = speed[:, parent] + swung(rate[:, parent], arm)
        arm = turned(angle[:, body], m.body_ipos[body])
        centre[:, body] = place[:, body] + arm
        flow[:, body] = speed[:, body] + swung(rate[:, body], arm)
    return centre, flow, rate


def kinetic(qpos, qvel):
    m, (_, flow, rate) = model.load(), bodies(qpos, qvel)
    moving = (flow**2).sum(axis=-1) @ m.body_mass + rate**2 @ m.inertia_y
    return (moving + qvel[:, 3:] ** 2 @ m.armature) / 2


def energy(qpos, qvel):
    """Return all energy, J: of motion, height and springs."""
    m, (centre, _, _) = model.load(), bodies(qpos, qvel)
    stored = qpos[:, 3:] ** 2 @ m.stiffness / 2
    return kinetic(qpos, qvel) + GRAVITY * centre[..., 1] @ m.body_mass + stored


def momentum(qpos, qvel):
    """Return that of all bodies together [B, 2] and of each [B, 7, 2], kg m/s."""
    each = bodies(qpos, qvel)[1] * np.array(model.load().body_mass)[:, None]
    return each.sum(axis=1), each


def flying(size, seed=0):
    """Return qpos and qvel of cheetahs in the air; ``size`` scales how their limbs are and move."""
    r, m = np.random.default_rng(seed), model.load()
    low, high = np.array(m.range_low), np.array(m.range_high)
    qpos = np.zeros((LANES, 9))
    qpos[:, 1], qpos[:, 2] = AIR, r.uniform(-3, 3, LANES)
    # Within the limits, on either side of the springs' rest.
    qpos[:, 3:] = size * 0.5 * np.where(r.random((LANES, 6)) < 0.5, low, high)
    return qpos, size * r.normal(size=(LANES, 9))


def fly(qpos, qvel, steps):
    """Play without an action; return qpos and qvel of every step, [steps + 1, B, 9]."""
    state, step = state_of(qpos, qvel), stepper(dtype="float64")
    seen = [(qpos, qvel)]
    for _ in range(steps):
        state = step(state, STILL)[1]
        seen.append((np.asarray(state.qpos), np.asarray(state.qvel)))
    return tuple(map(np.stack, zip(*seen, strict=True)))


def test_a_still_cheetah_falls_like_a_stone(x64):
    qpos, qvel = np.zeros((2, LANES, 9))
    qpos[:, 1] = AIR
    qpos[:, 2] = np.linspace(-3, 3, LANES)
    qvel[:, :2] = np.random.default_rng(0).normal(size=(LANES, 2))
    places, speeds = fly(qpos, qvel, 10)
    time = STEP * np.arange(11)[:, None]
    # Rounding of sums of forces of 140 N, over 50 substeps.
    np.testing.assert_allclose(speeds[..., 1] - (qvel[:, 1] - GRAVITY * time), 0, atol=1e-12)
    # The integrator's own sum: v changes before q does.
    substep = STEP / SUBSTEPS
    fallen = qvel[:, 1] * time - GRAVITY * time * (time + substep) / 2
    np.testing.assert_allclose(places[..., 1] - AIR - fallen, 0, atol=1e-12)
    np.testing.assert_allclose(speeds[..., 0] - qvel[:, 0], 0, atol=1e-12)
    np.testing.assert_allclose(places[..., 2:] - qpos[:, 2:], 0, atol=1e-12)


def test_limbs_do_not_move_the_whole_in_the_air(x64):
    size = 1e-3
    places, speeds = fly(*flying(size), 10)
    rows = [momentum(*row) for row in zip(places, speeds, strict=True)]
    total, each = (np.stack(column) for column in zip(*rows, strict=True))
    weight = GRAVITY * sum(model.load().body_mass)
    total[..., 1] += weight * STEP * np.arange(11)[:, None]
    exchanged = (each[..., 0].max(axis=0) - each[..., 0].min(axis=0)).max()
    # The inertia changes within a substep as much as the limbs move, and that is the integrator's
    # error: second order in the motion, where what the limbs exchange is of first order.
    assert np.abs(total[..., 0] - total[0, :, 0]).max() < size * exchanged
    assert np.abs(total[..., 1] - total[0, :, 1]).max() < size * exchanged
    assert exchanged > size


def test_energy_only_falls_without_an_action(x64):
    places, speeds = fly(*flying(1.0), 20)
    told = np.stack([energy(*row) for row in zip(places, speeds, strict=True)])
    # Springs and gravity keep it, the dampers take it.
    assert np.diff(told, axis=0).max() < 0
    assert (told[0] - told[-1]).min() > 5


def test_the_floor_takes_energy_and_gives_none(x64):
    state = runners("float64")
    places, speeds = fly(np.asarray(state.qpos), 3 * np.asarray(state.qvel), 60)
    told = np.stack([energy(*row) for row in zip(places, speeds, strict=True)])
    # What waits in the contacts' springs is no part of the sum: 3e-5 J when this was written.
    assert np.diff(told, axis=0).max() < 1e-3
    assert (told[0] - told[-1]).min() > 10


def test_a_cheetah_comes_to_rest(x64):
    state, step = runners("float32"), stepper()
    assert np.abs(state.qvel).max() > 1
    for _ in range(200):  # 10 s
        _, state, reward, *_ = step(state, STILL)
    qpos, qvel = np.asarray(state.qpos, np.float64), np.asarray(state.qvel)
    assert np.abs(qvel).max() < 1e-3
    assert np.abs(reward).max() < 1e-3
    lowest = ends(qpos)[..., 1].min(axis=1)
    # It stands on the floor, and has sunk in by less than the width of its softness, 1 cm.
    assert -0.01 < lowest.min() <= lowest.max() < 0


def ends(qpos):
    """Return the lowest points of the 16 ends of the capsules, [B, 16, 2]."""
    m = model.load()
    centre, angle = bodies(qpos, np.zeros_like(qpos))[0], np.zeros((len(qpos), 7))
    for body, parent in enumerate(model.PARENT):
        angle[:, body] = qpos[:, body + 2] + (angle[:, parent] if body else 0)
    points = []
    for body, place, radius in zip(m.end_body, m.end_pos, m.end_radius, strict=True):
        x, z = np.subtract(place, m.body_ipos[body])
        sine, cosine = np.sin(angle[:, body]), np.cos(angle[:, body])
        way = np.stack([cosine * x + sine * z, cosine * z - sine * x - radius], axis=-1)
        points.append(centre[:, body] + way)
    return np.stack(points, axis=1)


@pytest.mark.parametrize("far", [300.0, -4096.0])
def test_where_it_is_changes_nothing(far):
    state, action = runners(), actions(LANES, seed=5)
    _, here, _, _, _, told = stepper()(state, action)
    moved = replace(
        state, qpos=state.qpos.at[:, 0].set(far), qpos_rest=state.qpos_rest.at[:, 0].set(0)
    )
    _, there, _, _, _, seen = stepper()(moved, action)
    for one, other in ((here.qpos, there.qpos), (here.qpos_rest, there.qpos_rest)):
        np.testing.assert_array_equal(np.asarray(one)[:, 1:], np.asarray(other)[:, 1:])
    np.testing.assert_array_equal(here.qvel, there.qvel)
    np.testing.assert_array_equal(here.qvel_rest, there.qvel_rest)
    # Last places of x in float64, divided by 0.05 s, and of the result in float32.
    np.testing.assert_allclose(seen["x_velocity"], told["x_velocity"], rtol=2e-7, atol=1e-10)


@pytest.mark.parametrize("turns", [1, -7])
def test_somersaults_change_nothing(turns, x64):
    state, action = runners("float64"), actions(LANES, seed=6)
    turned = replace(state, qpos=state.qpos.at[:, 2].add(turns * 2 * np.pi))
    one, other = (stepper(dtype="float64")(s, action)[1] for s in (state, turned))
    shift = turns * 2 * np.pi * np.eye(9)[2]
    # An angle of 44 rad is rounded to 4e-15; contacts multiply that by some 10,000 in the speeds.
    np.testing.assert_allclose(other.qpos - shift, one.qpos, rtol=0, atol=1e-12)
    np.testing.assert_allclose(other.qvel, one.qvel, rtol=0, atol=1e-10)


def test_the_inertia_is_one():
    """Symmetric, positive definite, and the kinetic energy of the bodies."""
    r = np.random.default_rng(0)
    qpos, qvel, ctrl = r.uniform(-3, 3, (200, 9)), r.normal(size=(200, 9)), np.zeros((200, 6))
    # The rules divide by M, column by column.
    units = (np.broadcast_to(unit, (200, 9)) for unit in np.eye(9))
    divided = [intermediates("float64", qpos, qvel, ctrl, unit)["divided"] for unit in units]
    matrix = np.linalg.inv(np.stack(divided, axis=2))
    # Rounding of sums of 14 kg over half a metre, times the condition of M, some 1,000.
    np.testing.assert_allclose(matrix, matrix.swapaxes(1, 2), rtol=0, atol=1e-11)
    assert np.linalg.eigvalsh(matrix).min() > 0.01
    told = np.einsum("ni,nij,nj->n", qvel, matrix, qvel) / 2
    np.testing.assert_allclose(told, kinetic(qpos, qvel), rtol=1e-10)


def test_float64_has_little_left_to_do():
    """What Newton's steps look at in float32 is what float64 computed, rounded, and no more."""
    drawn = states(np.random.default_rng(5), 4000)
    seen = intermediates("float32", **drawn, vector=np.zeros((4000, 9)))
    touching = (seen["stiff"] > 0).any(axis=1)
    assert 0.3 < touching.mean() < 0.9
    assert (seen["polishing"] > 1).mean() < 0.01
    alone = intermediates("float64", **drawn, vector=np.zeros((4000, 9)))
    # In float64 Newton's steps have ended where polishing begins.
    assert (alone["polishing"] == 1).all()
    np.testing.assert_allclose(seen["qvel_after"], alone["qvel_after"], atol=1e-9)


def test_float32_is_wrong_about_a_row_of_every_edge_state():
    """In the states that the suite keeps one float64 step is not enough."""
    number = len(EDGES.read_text().splitlines())
    assert number == 16
    # With another seed other states follow, but these come first.
    first, other = (edge_states(np.random.default_rng(seed), number + 1) for seed in (0, 1))
    for name, values in first.items():
        np.testing.assert_array_equal(values[:number], other[name][:number])
        assert (values[number] != other[name][number]).any()
    drawn = {name: values[:number] for name, values in first.items()}
    vector = np.zeros((16, 9))
    seen, alone = (intermediates(t, **drawn, vector=vector) for t in ("float32", "float64"))
    assert (seen["polishing"] == 2).all()
    np.testing.assert_allclose(seen["qacc"], alone["qacc"], rtol=0, atol=1e-8)
