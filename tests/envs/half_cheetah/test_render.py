"""Pictures of a cheetah show MuJoCo's geometry, and both kinds of picture the same one."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from envlift.envs.half_cheetah import render
from envlift.envs.half_cheetah.state import State
from envlift.reference.launch import open_reference

REFERENCE = "python:envlift.envs.half_cheetah.reference.half_cheetah:HalfCheetahReference"
CONFIG = {"requirements": "envlift.envs.half_cheetah.reference:requirements.txt"}
METRE = 120
"""Pixels at scale 0.5."""


def state_of(qpos: Any, speed: float = 0.0) -> State:
    qvel = np.zeros(9)
    qvel[0] = speed
    zeros = np.zeros(9)
    return State(np.asarray(qpos, float), zeros, qvel, zeros, np.int32(0))  # type: ignore[arg-type]


def standing(x: float = 0.0, z: float = 0.0) -> State:
    return state_of([x, z, *[0.0] * 7])


def test_capsules_are_where_mujoco_has_them(tmp_path: Any) -> None:
    """MuJoCo tells where ends are that lie in the floor: here most do, at any angle."""
    rng = np.random.default_rng(0)
    qpos = rng.uniform(-1.3, 1.3, (300, 9))
    qpos[:, 1] = rng.uniform(-2.5, -0.5, 300)
    qpos[:, 2] = rng.uniform(-4, 4, 300)
    zeros = np.zeros((300, 9))
    with open_reference(REFERENCE, num_lanes=1, config=CONFIG, cwd=tmp_path) as reference:
        seen = reference.call("mj_collision", {"qpos": qpos, "qvel": zeros, "ctrl": zeros[:, :6]})
    present = seen["present"]
    assert (present.sum(axis=0) > 100).all()
    drawn = [render.capsules(state_of(row)) for row in qpos]
    ends = np.array([[end for capsule in one for end in capsule.ends] for one in drawn])
    radii = np.array([[capsule.radius for capsule in one] for one in drawn]).repeat(2, axis=1)
    # A contact lies in the middle between the floor and an end's deepest point.
    np.testing.assert_allclose(
        ends[..., 1][present], (seen["dist"] + radii)[present], rtol=0, atol=1e-12
    )
    np.testing.assert_allclose(
        ends[..., 0][present], seen["pos"][..., 0][present], rtol=0, atol=1e-12
    )


def extent(picture: Any, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return first and last row, and column, of a colour."""
    rows, columns = np.nonzero((picture == colour).all(axis=-1))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_a_picture_has_the_capsules_at_their_place() -> None:
    state = standing(x=7.3)
    picture = render.frame(state)
    assert (picture.shape, picture.dtype) == ((216, 480, 3), np.uint8)
    drawn = render.capsules(state)
    for colour, bodies in ((render.BACK, (1, 2, 3)), (render.FRONT, (4, 5, 6))):
        leg = [capsule for capsule in drawn if capsule.body in bodies]
        x, z = np.array([end for capsule in leg for end in capsule.ends]).T
        low, high = z.min() - leg[0].radius, z.max() + leg[0].radius
        left, right = x.min() - leg[0].radius, x.max() + leg[0].radius
        expected = np.array(
            [
                (render.TOP - high) * METRE,
                (render.TOP - low) * METRE,
                (left - 7.3 + 2) * METRE,
                (right - 7.3 + 2) * METRE,
            ]
        )
        found = np.array(extent(picture, colour))
        # Pixels that a colour fills in part are mixed; the torso hides the back leg's top.
        hidden = [2.0 * leg[0].radius * METRE + 2, 2, 2, 2]
        assert (np.abs(found - expected) <= hidden).all(), (found, expected)


def test_the_camera_follows_the_cheetah_and_not_its_height() -> None:
    first, further, higher = (
        render.frame(state) for state in (standing(0.0), standing(5.0), standing(0.0, 0.5))
    )
    assert extent(first, render.FRONT) == extent(further, render.FRONT)
    assert not np.array_equal(first, further)  # the distance marks
    top, bottom, left, right = extent(first, render.FRONT)
    assert extent(higher, render.FRONT) == (top - 60, bottom - 60, left, right)


def test_every_metre_is_marked_and_contacts_are() -> None:
    def texts(state: State) -> list[str]:
        return [part.text for part in render.scene(state) if isinstance(part, render.Label)]

    assert texts(state_of([7.3, *[0.0] * 8], speed=-2.25)) == [
        *(f"{metre} m" for metre in (5, 6, 7, 8, 9)),
        "7.3 m",
        "-2.2 m/s",
    ]

    def touched(state: State) -> int:
        strokes = [part for part in render.scene(state) if isinstance(part, render.Stroke)]
        return sum(stroke.colour == render.TOUCH for stroke in strokes)

    # Between the heights of two neighbouring ends exactly the lower ones touch.
    lowest = sorted(
        end[1] - capsule.radius for capsule in render.capsules(standing()) for end in capsule.ends
    )
    for between in range(3):
        height = -(lowest[between] + lowest[between + 1]) / 2
        assert touched(standing(z=height)) == between + 1
    assert touched(standing(z=0.5)) == 0


def test_the_svg_has_the_same_lines() -> None:
    rng = np.random.default_rng(2)
    state = state_of([3.0, 0.1, *rng.uniform(-0.5, 0.5, 7)], speed=1.0)
    text = render.svg(state)
    strokes = [part for part in render.scene(state) if isinstance(part, render.Stroke)]
    pattern = r'x1="(.*?)" y1="(.*?)" x2="(.*?)" y2="(.*?)" stroke="(.*?)" stroke-width="(.*?)"'
    found = re.findall(pattern, text)
    assert len(found) == len(strokes) > 16
    for stroke, (*numbers, colour, width) in zip(strokes, found, strict=True):
        x1, y1, x2, y2 = map(float, numbers)
        expected = [
            stroke.a[0] - 1,
            render.TOP - stroke.a[1],
            stroke.b[0] - 1,
            render.TOP - stroke.b[1],
        ]
        np.testing.assert_allclose([x1, y1, x2, y2], expected, atol=1e-4)
        assert bytes.fromhex(colour[1:]) == bytes(stroke.colour)
        assert float(width) == pytest.approx(stroke.width, rel=1e-5)
    labels = [part.text for part in render.scene(state) if isinstance(part, render.Label)]
    assert re.findall(r">([^<>]+)</text>", text) == labels


def test_a_lost_cheetah_is_refused() -> None:
    state = state_of([0, 0, 0, np.nan, 0, 0, 0, 0, 0])
    for draw in (render.frame, render.svg):
        with pytest.raises(ValueError, match=r"qpos = .*nan.* is not finite"):
            draw(state)
