"""Pictures of a cheetah from its side, by PIL or as SVG; nothing of MuJoCo is needed.

``capsules`` says where the model's capsules are, ``scene`` what is drawn, both in metres; ``frame``
and ``svg`` only put that to paper. Shape letters: ``H``, ``W`` height and width of a picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from envlift.envs.half_cheetah.rules import model
from envlift.envs.half_cheetah.state import State

FPS = 20
"""Pictures per second that show a step of 0.05 s in the time it takes."""
WIDTH, BOTTOM, TOP = 4.0, -0.3, 1.5
"""What the camera sees, m; it follows rootx and keeps its height."""
PIXELS = 240
"""Of a metre at scale 1."""
FINER = 3
"""Edges are smooth because pictures are drawn this many times as large."""

BACKGROUND = (14, 18, 33)
GROUND = (24, 31, 54)
LINE = (58, 68, 102)
POST = (22, 28, 48)
SHADOW = (15, 20, 36)
TORSO = (236, 232, 220)
BACK = (240, 128, 96)
FRONT = (96, 200, 255)
TOUCH = (255, 214, 92)
TEXT = (170, 180, 210)

Colour = tuple[int, int, int]
Point = tuple[float, float]


class Capsule(NamedTuple):
    """One capsule of the model in the world.

    Attributes:
        body: number of its body, as in ``rules/model.py``.
        ends: (x, z) of the centres of its half-spheres, m.
        radius: m.
    """

    body: int
    ends: tuple[Point, Point]
    radius: float


@dataclass(frozen=True)
class Stroke:
    """A straight line; a wide one is an area.

    Attributes:
        a, b: its ends (x, z), m.
        width: m.
        colour: red, green and blue.
        round: whether its ends are.
    """

    a: Point
    b: Point
    width: float
    colour: Colour
    round: bool = True


@dataclass(frozen=True)
class Label:
    """A line of text.

    Attributes:
        place: (x, z) of its middle, or of the middle of its left side, m.
        text: in one line.
        size: height of the letters, m.
        colour: red, green and blue.
        middle: whether ``place`` is its middle.
    """

    place: Point
    text: str
    size: float
    colour: Colour
    middle: bool = True


def capsules(state: State) -> list[Capsule]:
    """Return where the eight capsules are: torso, head, then the back leg's and the front leg's.

    Args:
        state: of one cheetah.

    Raises:
        ValueError: if a position is not finite: such a cheetah is nowhere.
    """
    qpos = np.asarray(state.qpos, np.float64)
    if not np.isfinite(qpos).all():
        raise ValueError(f"qpos = {qpos.tolist()} is not finite: there is nothing to draw")
    numbers = model.load()
    origins: list[Any] = []
    angles: list[float] = []
    for body, parent in enumerate(model.PARENT):
        offset = np.array(numbers.body_pos[body])
        if parent < 0:
            origins.append(offset + qpos[:2])
            angles.append(float(qpos[2]))
        else:
            origins.append(origins[parent] + _turned(offset, angles[parent]))
            angles.append(angles[parent] + float(qpos[2 + body]))
    places = [
        origins[body] + _turned(np.array(end), angles[body])
        for body, end in zip(numbers.end_body, numbers.end_pos, strict=True)
    ]
    points = [(float(x), float(z)) for x, z in places]
    return [
        Capsule(numbers.end_body[i], (points[i], points[i + 1]), numbers.end_radius[i])
        for i in range(0, len(points), 2)
    ]


def _turned(vector: Any, angle: float) -> Any:
    """Turn (x, z) about the y axis, which points away from the viewer: from z towards x."""
    sine, cosine = math.sin(angle), math.cos(angle)
    return np.array([cosine * vector[0] + sine * vector[1], cosine * vector[1] - sine * vector[0]])


def scene(state: State) -> list[Stroke | Label]:
    """Return what there is to see, the hindmost first. Raises as ``capsules`` does."""
    drawn = capsules(state)
    distance, speed = float(state.qpos[0]), float(state.qvel[0])
    left, right = distance - WIDTH / 2, distance + WIDTH / 2
    parts: list[Stroke | Label] = []
    marks = range(math.ceil(left - 0.5), math.floor(right + 0.5) + 1)
    parts += [Stroke((x, 0), (x, TOP), 0.012, POST, round=False) for x in marks]
    parts.append(Stroke((left, BOTTOM), (right, BOTTOM), -2 * BOTTOM, GROUND, round=False))
    ends = [end for capsule in drawn for end in capsule.ends]
    reach = [x for x, _ in ends]
    parts.append(Stroke((min(reach), -0.025), (max(reach), -0.025), 0.05, SHADOW))
    parts.append(Stroke((left, 0), (right, 0), 0.012, LINE, round=False))
    for x in marks:
        parts.append(Stroke((x, 0), (x, -0.09), 0.012, LINE, round=False))
        parts.append(Label((x, -0.175), f"{x} m", 0.1, TEXT))
    for capsule in sorted(drawn, key=lambda one: _DEPTH[one.body]):
        parts.append(Stroke(*capsule.ends, 2 * capsule.radius, _COLOUR[capsule.body]))
    for capsule in drawn:
        for end in capsule.ends:
            if end[1] < capsule.radius:
                parts.append(Stroke((end[0] - 0.04, 0), (end[0] + 0.04, 0), 0.025, TOUCH))
    # The speed has the contacts' colour, which a GIF's palette might leave out otherwise.
    for across, written, colour in (
        (0.12, f"{distance:.1f} m", TEXT),
        (0.85, f"{speed:+z.1f} m/s", TOUCH),
    ):
        parts.append(Label((left + across, TOP - 0.15), written, 0.13, colour, middle=False))
    return parts


# The back leg lies behind the torso, the front leg before it.
_DEPTH = (1, 0, 0, 0, 2, 2, 2)
_COLOUR = (TORSO, BACK, BACK, BACK, FRONT, FRONT, FRONT)


def frame(state: State, scale: float = 0.5) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw one cheetah.

    Args:
        state: of one cheetah.
        scale: pixels of the picture per 1 / 240 m, above 0.

    Returns:
        uint8 [H, W, 3], red, green and blue; at scale 0.5, H = 216 and W = 480.

    Raises:
        ValueError: if a position is not finite.
    """
    from PIL import Image, ImageDraw

    width, height = round(WIDTH * PIXELS * scale), round((TOP - BOTTOM) * PIXELS * scale)
    image = Image.new("RGB", (FINER * width, FINER * height), BACKGROUND)
    draw = ImageDraw.Draw(image)
    metre = FINER * PIXELS * scale
    left = float(state.qpos[0]) - WIDTH / 2

    def pixel(point: Point) -> Point:
        return (point[0] - left) * metre, (TOP - point[1]) * metre

    for part in scene(state):
        if isinstance(part, Label):
            anchor, size = "mm" if part.middle else "lm", round(part.size * metre)
            draw.text(pixel(part.place), part.text, part.colour, _font(size), anchor)
            continue
        a, b, wide = pixel(part.a), pixel(part.b), part.width * metre
        draw.line([a, b], part.colour, max(1, round(wide)))
        if part.round:
            for x, y in (a, b):
                draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), part.colour)
    return np.asarray(image.reduce(FINER))


@cache
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size=size)


def svg(state: State) -> str:
    """Draw one cheetah as a complete SVG document whose unit is the metre.

    Args:
        state: of one cheetah.

    Raises:
        ValueError: if a position is not finite.
    """
    left = float(state.qpos[0]) - WIDTH / 2
    high = TOP - BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {high:g}" '
        f'width="{WIDTH * PIXELS:g}" height="{high * PIXELS:g}">',
        f'<rect width="{WIDTH:g}" height="{high:g}" fill="{_hex(BACKGROUND)}"/>',
    ]
    for part in scene(state):
        if isinstance(part, Label):
            x, z = part.place
            anchor = "middle" if part.middle else "start"
            lines.append(
                f'<text x="{x - left:.4f}" y="{TOP - z:.4f}" font-size="{part.size:g}" '
                f'fill="{_hex(part.colour)}" text-anchor="{anchor}" '
                f'dominant-baseline="central" font-family="sans-serif" '
                f'xml:space="preserve">{part.text}</text>'
            )
            continue
        (x1, z1), (x2, z2) = part.a, part.b
        cap = "round" if part.round else "butt"
        lines.append(
            f'<line x1="{x1 - left:.4f}" y1="{TOP - z1:.4f}" x2="{x2 - left:.4f}" '
            f'y2="{TOP - z2:.4f}" stroke="{_hex(part.colour)}" stroke-width="{part.width:g}" '
            f'stroke-linecap="{cap}"/>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _hex(colour: Colour) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)
