"""The numbers of the compiled model, read from ``tables/``.

SI units; vectors are (x, z). Bodies are numbered torso, bthigh, bshin, bfoot, fthigh, fshin, ffoot;
hinge j turns body j + 1 against its parent. Each capsule has two ends, which alone touch the floor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

NUM_BODIES = 7
NUM_HINGES = 6
NUM_ENDS = 16

PARENT = (-1, 0, 1, 2, 0, 4, 5)


@dataclass(frozen=True)
class Model:
    """See ``envs/half_cheetah/reference/tables.py`` for where each number comes from.

    Attributes:
        body_pos: [7] place of each body's origin, and of its hinge, in its parent.
        body_mass, inertia_y, body_ipos: [7] mass, inertia about the centre of mass, its place.
        range_low, range_high, stiffness, damping, armature, gear: [6] of the hinges.
        hinge_invweight0: [6] scales the softness of a limit.
        end_body, end_pos, end_radius: [16] of the ends of the capsules.
        end_invweight0: [16] scales the softness of a contact.
        options: timestep, gravity, friction, solref and solimp.
    """

    body_pos: tuple[tuple[float, float], ...]
    body_mass: tuple[float, ...]
    inertia_y: tuple[float, ...]
    body_ipos: tuple[tuple[float, float], ...]
    range_low: tuple[float, ...]
    range_high: tuple[float, ...]
    stiffness: tuple[float, ...]
    damping: tuple[float, ...]
    armature: tuple[float, ...]
    gear: tuple[float, ...]
    hinge_invweight0: tuple[float, ...]
    end_body: tuple[int, ...]
    end_pos: tuple[tuple[float, float], ...]
    end_radius: tuple[float, ...]
    end_invweight0: tuple[float, ...]
    options: dict[str, Any]


def _records(table: str) -> list[dict[str, Any]]:
    folder = resources.files("envlift.envs.half_cheetah").joinpath("tables")
    text = folder.joinpath(f"{table}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@cache
def load() -> Model:
    """Read the tables."""
    bodies, joints, capsules = map(_records, ("bodies", "joints", "capsules"))
    hinges = joints[3:]

    def column(rows: list[dict[str, Any]], name: str) -> tuple[Any, ...]:
        return tuple(tuple(row[name]) if isinstance(row[name], list) else row[name] for row in rows)

    ends = [(capsule, end) for capsule in capsules for end in capsule["ends"]]
    ranges = column(hinges, "jnt_range")
    return Model(
        body_pos=column(bodies, "body_pos"),
        body_mass=column(bodies, "body_mass"),
        inertia_y=column(bodies, "inertia_y"),
        body_ipos=column(bodies, "body_ipos"),
        range_low=tuple(low for low, _ in ranges),
        range_high=tuple(high for _, high in ranges),
        stiffness=column(hinges, "jnt_stiffness"),
        damping=column(hinges, "dof_damping"),
        armature=column(hinges, "dof_armature"),
        gear=column(hinges, "actuator_gear"),
        hinge_invweight0=column(hinges, "dof_invweight0"),
        end_body=tuple(capsule["body"] for capsule, _ in ends),
        end_pos=tuple(tuple(end) for _, end in ends),
        end_radius=tuple(capsule["radius"] for capsule, _ in ends),
        end_invweight0=tuple(bodies[capsule["body"]]["body_invweight0"] for capsule, _ in ends),
        options=_records("options")[0],
    )
