"""A picture of the field: both active Pokémon, their HP and status, and what is left of the teams.

Everything is drawn, nothing is taken from the games: a Pokémon is a disc in the colours of its
types. One list of shapes makes the pixels of a GIF and an SVG.

Shape letters: ``H``, ``W`` height and width of a picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts.ids import TYPES, Status, Type
from envlift.envs.pokemon.state import State

WIDTH, HEIGHT = 640, 360
"""Units of the shapes."""
FPS = 2
"""Pictures a second: a person wants to read a turn."""

BACKGROUND, PANEL, INK, FAINT = "#10162a", "#1c2540", "#f2f2f2", "#8a93ad"
HEALTHY, HURT, LOW = "#4cc26a", "#e6b422", "#dd4b39"
COLOURS = {
    "Bug": "#a2b62c",
    "Dragon": "#6a52d9",
    "Electric": "#f2ca2e",
    "Fighting": "#b5443b",
    "Fire": "#ee7a35",
    "Flying": "#9aa9ef",
    "Ghost": "#69588f",
    "Grass": "#6bbf59",
    "Ground": "#d8b662",
    "Ice": "#8fd6d4",
    "Normal": "#a9a878",
    "Poison": "#9c4a9c",
    "Psychic": "#ef5f88",
    "Rock": "#b3a147",
    "Water": "#5f90e8",
}
"""Of the types, by Showdown's names."""
SIDES = ("Red", "Blue")
"""The players' names in the log: side 0 below, side 1 above."""
STAGES = ("Atk", "Def", "Spe", "Spc", "acc", "eva")


@dataclass(frozen=True)
class Box:
    """A filled rectangle with its corner at the left and top."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True)
class Disc:
    """A filled circle around a point."""

    x: float
    y: float
    radius: float
    colour: str


@dataclass(frozen=True)
class Label:
    """A line of text; ``x`` and ``y`` are its left, or right, end and its middle."""

    x: float
    y: float
    text: str
    size: float
    colour: str = INK
    right: bool = False


Shape = Box | Disc | Label


@cache
def _names() -> tuple[dict[int, str], dict[int, str]]:
    species = {row["num"]: row["name"] for row in tables.records("gen1", "species")}
    moves = {row["num"]: row["id"] for row in tables.records("gen1", "moves")}
    return species, moves


def shapes(state: State) -> Iterator[Shape]:
    """Yield the shapes of one battle, those behind first."""
    yield Box(0, 0, WIDTH, HEIGHT, BACKGROUND)
    winner = int(state.winner)
    ends = {-1: f"turn {int(state.turn)}", 2: "a tie"}
    ended = ends.get(winner) or f"{SIDES[winner]} wins in turn {int(state.turn)}"
    yield Label(WIDTH - 16, HEIGHT / 2, ended, 18, FAINT, right=True)
    yield from _side(state, 1, panel_x=16, panel_y=16, disc=(500, 96))
    yield from _side(state, 0, panel_x=296, panel_y=HEIGHT - 136, disc=(140, 264))


def _side(
    state: State, side: int, panel_x: float, panel_y: float, disc: tuple[float, float]
) -> Iterator[Shape]:
    species_names, move_names = _names()
    member = int(state.order[side][0])
    hp, most = int(state.hp[side][member]), int(state.max_hp[side][member])
    kinds = [int(kind) for kind in state.active_types[side] if kind != Type["NONE"]]
    if hp > 0:
        for radius, kind in zip((58, 30), [kinds[0], kinds[-1]], strict=True):
            yield Disc(*disc, radius, COLOURS[TYPES[kind]])
        if int(state.substitute_hp[side]) > 0:
            yield Label(disc[0] + 62, disc[1] - 40, "substitute", 14, FAINT)
    width, height = 328, 120
    yield Box(panel_x, panel_y, width, height, PANEL)
    name = species_names[int(state.active_species[side])]
    yield Label(panel_x + 12, panel_y + 20, name, 22)
    level = f"{SIDES[side]}   L{int(state.level[side][member])}"
    yield Label(panel_x + width - 12, panel_y + 20, level, 16, FAINT, right=True)
    share = hp / max(most, 1)
    colour = HEALTHY if share > 0.5 else HURT if share > 0.2 else LOW
    yield Box(panel_x + 12, panel_y + 38, width - 24, 12, BACKGROUND)
    yield Box(panel_x + 12, panel_y + 38, (width - 24) * share, 12, colour)
    status = Status(int(state.status[side][member]))
    condition = [] if status is Status.NONE else [status.name]
    condition += ["confused"] if int(state.confusion_time[side]) else []
    yield Label(panel_x + 12, panel_y + 64, f"{hp} / {most} HP", 16)
    yield Label(panel_x + width - 12, panel_y + 64, " ".join(condition), 16, HURT, right=True)
    stages = [
        f"{name} {int(stage):+d}"
        for name, stage in zip(STAGES, state.boosts[side], strict=True)
        if stage
    ]
    used = move_names.get(int(state.last_move[side]), "")
    yield Label(panel_x + 12, panel_y + 84, f"last move: {used}" if used else "", 13, FAINT)
    yield Label(panel_x + width - 12, panel_y + 84, " ".join(stages), 13, FAINT, right=True)
    for place in range(6):
        if int(state.species[side][place]) == 0:
            continue
        fainted = int(state.hp[side][place]) == 0
        hurt = int(state.status[side][place]) != Status.NONE
        ball = BACKGROUND if fainted else HURT if hurt else HEALTHY
        yield Disc(panel_x + 20 + 22 * place, panel_y + 105, 8, ball)


def frame(state: State, scale: float = 1.0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw one battle.

    Args:
        state: of one battle.
        scale: pixels per unit, above 0.

    Returns:
        uint8 [H, W, 3], red, green and blue; at scale 1, H = 360 and W = 640.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (round(WIDTH * scale), round(HEIGHT * scale)))
    draw = ImageDraw.Draw(image)
    for shape in shapes(state):
        x, y = shape.x * scale, shape.y * scale
        match shape:
            case Box(width=width, height=height, colour=colour):
                if width * scale >= 1:
                    end = (x + width * scale - 1, y + height * scale - 1)
                    draw.rectangle([(x, y), end], fill=colour)
            case Disc(radius=radius, colour=colour):
                r = radius * scale
                draw.ellipse([(x - r, y - r), (x + r, y + r)], fill=colour)
            case Label(text=text, size=size, colour=colour, right=right):
                font = ImageFont.load_default(size=max(1, size * scale))
                draw.text((x, y), text, fill=colour, font=font, anchor="rm" if right else "lm")
    return np.asarray(image)


def svg(state: State) -> str:
    """Return the same picture of one battle as an SVG."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif">'
    ]
    for shape in shapes(state):
        match shape:
            case Box(x, y, width, height, colour):
                lines.append(
                    f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
                    f'fill="{colour}"/>'
                )
            case Disc(x, y, radius, colour):
                lines.append(f'<circle cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="{colour}"/>')
            case Label(x, y, text, size, colour, right):
                anchor = ' text-anchor="end"' if right else ""
                lines.append(
                    f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" '
                    f'dominant-baseline="middle"{anchor}>{escape(text)}</text>'
                )
    return "\n".join([*lines, "</svg>"]) + "\n"
