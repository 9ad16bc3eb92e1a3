"""MuJoCo's stages beside ours, from thousands of generated states."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.half_cheetah.rules import model
from envlift.reference.types import Array
from envlift.verify.suite import Component, Field

Named = dict[str, Array]
Function = Callable[[Named], Named]
Look = Callable[[Named, Array], Named]

EDGES = Path(__file__).with_name("edge_states.jsonl")
LIMITS, CONTACTS = model.NUM_HINGES, model.NUM_ENDS


def states(rng: np.random.Generator, n: int) -> Named:
    """Draw states of every kind: standing, deep in the floor, in the air, on the back, fast.

    Half of the joints lie within their limits, half beyond either of them.
    """
    m = model.load()
    low, high = np.array(m.range_low), np.array(m.range_high)
    kind = rng.integers(0, 5, size=n)
    qpos = np.zeros((n, 9))
    qpos[:, 0] = rng.uniform(-300, 300, n)
    heights = [(-0.2, 0.1), (-0.7, -0.2), (0.6, 3.0), (-0.6, 0.2), (-0.3, 0.3)]
    qpos[:, 1] = rng.uniform(*np.array([heights[k] for k in kind]).T)
    turned = np.where(kind == 3, np.pi, 0.0) + rng.normal(size=n) * np.where(kind == 0, 0.2, 0.8)
    # Somersaults add up: a cheetah has often turned many times.
    qpos[:, 2] = turned + 2 * np.pi * rng.integers(-5, 6, size=n)
    share = rng.uniform(-0.15, 1.15, size=(n, LIMITS))
    qpos[:, 3:] = low + share * (high - low)
    # Speeds of play are up to 30: every fifth state is as fast as that.
    scale = np.where(kind == 4, 12.0, rng.choice([0.1, 1.0, 5.0], size=n))
    return {
        "qpos": qpos,
        "qvel": rng.normal(size=(n, 9)) * scale[:, None],
        "ctrl": rng.uniform(-1.5, 1.5, size=(n, 6)).astype(np.float32).astype(np.float64),
    }


def edge_states(rng: np.random.Generator, n: int) -> Named:
    """Draw states of every kind, but begin with those where a row is nearly at zero.

    In ``edge_states.jsonl`` stands every state of 4,000,000 drawn by ``states`` (20,000 from each
    seed from 1000 on) in which Newton's steps in float32 ended with other active rows than in
    float64. Chance alone would show such a state once in 35 runs.
    """
    drawn = states(rng, n)
    kept = [json.loads(line) for line in EDGES.read_text(encoding="utf-8").splitlines()][:n]
    for name, values in drawn.items():
        values[: len(kept)] = [state[name] for state in kept]
    return drawn


def lost_states(rng: np.random.Generator, n: int) -> Named:
    """Draw states like these, but two of three with a number that nobody should compute with."""
    drawn = states(rng, n)
    names, wild = ("qpos", "qvel"), (np.nan, np.inf, -np.inf, 1e12, -1e12)
    for row, kind in enumerate(rng.integers(0, 6, size=n)):
        if kind < 3:
            drawn[names[kind % 2]][row, rng.integers(9)] = rng.choice(wild)
        elif kind == 3:
            # Infinite controls are clamped.
            drawn["ctrl"][row, rng.integers(6)] = np.nan
    return drawn


def look(env: Any) -> Look:
    """Return ``(arguments, vector [N, 9]) -> everything the rules compute``, float64 [N, ...]."""
    # Only here: the suite is read without loading Warp.
    from envlift.envs.half_cheetah.intermediates import intermediates

    def evaluate(arguments: Named, vector: Array) -> Named:
        n = len(vector)
        qpos, qvel = (arguments.get(name, np.zeros((n, 9))) for name in ("qpos", "qvel"))
        return intermediates(env.dtype, qpos, qvel, arguments.get("ctrl", np.zeros((n, 6))), vector)

    return evaluate


def slots(limits: Array, normal: Array, tangent: Array, present: Array) -> Array:
    """Lay what rows say into the reference's 70 slots; absent ones hold 0."""
    edges = np.stack([normal + tangent, normal - tangent, normal, normal], axis=2)
    rest = edges.shape[3:]
    rows = np.concatenate([limits, edges.reshape(len(edges), 4 * CONTACTS, *rest)], axis=1)
    return np.where(present.reshape(present.shape + (1,) * len(rest)), rows, 0.0)


def stiffness(seen: Named) -> Array:
    """Return MuJoCo's ``efc_D`` of the 70 rows, 0 where there is none."""
    return np.concatenate([seen["limit_stiff"], np.repeat(seen["stiff"], 4, axis=1)], axis=1)


def stage(compute: Callable[[Named, Named], Named]) -> Callable[[Any], Function]:
    """Make a component of what ``compute(seen, arguments)`` picks from one look at a state."""

    def candidate(env: Any) -> Function:
        evaluate = look(env)

        def run(arguments: Named) -> Named:
            seen = evaluate(arguments, np.zeros((len(arguments["qpos"]), 9)))
            return compute(seen, arguments)

        return run

    return candidate


def columns(evaluate: Look, arguments: Named) -> list[Named]:
    """Look at a state nine times, each with another unit vector."""
    n = len(arguments["qpos"])
    return [evaluate(arguments, np.tile(np.eye(9)[j], (n, 1))) for j in range(9)]


def mj_crb(env: Any) -> Function:
    """M, which the rules never form: they divide by it, column by column."""
    evaluate = look(env)

    def run(arguments: Named) -> Named:
        divided = np.stack([seen["divided"] for seen in columns(evaluate, arguments)], axis=2)
        return {"qM": np.linalg.inv(divided)}

    return run


def mj_make_constraint(env: Any) -> Function:
    """J, column by column, and how far beyond its limit each row is."""

    evaluate = look(env)

    def run(arguments: Named) -> Named:
        looks = columns(evaluate, arguments)
        present = stiffness(looks[0]) > 0
        stacked = {
            name: np.stack([seen[name] for seen in looks], axis=2)
            for name in ("limit_of", "normal_of", "tangent_of")
        }
        rows = slots(stacked["limit_of"], stacked["normal_of"], stacked["tangent_of"], present)
        zeros = np.zeros_like(looks[0]["end_dist"])
        pos = slots(looks[0]["limit_dist"], looks[0]["end_dist"], zeros, present)
        return {"present": present, "efc_J": rows, "efc_pos": pos}

    return run


def collision(seen: Named, arguments: Named) -> Named:
    """Contact points in the world, from what lies between the origins of the bodies."""
    x, z = np.zeros((2, len(arguments["qpos"]), model.NUM_BODIES))
    x[:, 0] = arguments["qpos"][:, 0]
    z[:, 0] = arguments["qpos"][:, 1] + model.load().body_pos[0][1]
    for body in range(1, model.NUM_BODIES):
        parent = model.PARENT[body]
        x[:, body] = x[:, parent] + seen["frames_x"][:, body]
        z[:, body] = z[:, parent] + seen["frames_z"][:, body]
    bodies = list(model.load().end_body)
    places = np.stack([x[:, bodies] + seen["end_x"], z[:, bodies] + seen["end_z"]], axis=-1)
    present = seen["stiff"] > 0
    return {
        "present": present,
        "dist": np.where(present, seen["end_dist"], 0.0),
        "pos": np.where(present[..., None], places, 0.0),
    }


def reference_constraint(seen: Named, _: Named) -> Named:
    """What the rows want, and how soft they are."""
    stiff = stiffness(seen)
    present = stiff > 0
    wanted = slots(seen["limit"], seen["normal"], seen["tangent"], present)
    soft = np.divide(1.0, stiff, out=np.zeros_like(stiff), where=present)
    return {"present": present, "efc_aref": -wanted, "efc_R": soft}


def forward_constraint(seen: Named, _: Named) -> Named:
    """What the solver found."""
    stiff = stiffness(seen)
    present = stiff > 0
    said = slots(seen["limit_at"], seen["normal_at"], seen["tangent_at"], present)
    return {
        "present": present,
        "efc_force": -stiff * np.minimum(said, 0.0),
        "qacc": seen["qacc"],
    }


def euler(seen: Named, _: Named) -> Named:
    """The state after a substep, and whether something in it was not to be trusted."""
    after = {name: seen[f"{name}_after"] for name in ("qpos", "qvel")}
    return {**after, "unstable": seen["unstable"][:, 0] == 1}


def energy(env: Any) -> Function:
    """Kinetic energy by how the bodies move, potential energy by where they are."""
    evaluate = look(env)
    m = model.load()

    def run(arguments: Named) -> Named:
        seen = evaluate(arguments, arguments["qvel"])
        height = np.zeros((len(arguments["qpos"]), model.NUM_BODIES))
        height[:, 0] = arguments["qpos"][:, 1] + m.body_pos[0][1]
        for body in range(1, model.NUM_BODIES):
            height[:, body] = height[:, model.PARENT[body]] + seen["frames_z"][:, body]
        weights = -m.options["gravity"][1] * (height * m.body_mass + seen["mass_z"]).sum(axis=1)
        springs = 0.5 * (np.array(m.stiffness) * arguments["qpos"][:, 3:] ** 2).sum(axis=1)
        rate, x, z = seen["moved_rate"], seen["moved_x"], seen["moved_z"]
        about = np.array(m.inertia_y) + m.body_mass * (np.array(m.body_ipos) ** 2).sum(axis=1)
        kinetic = 0.5 * (about * rate**2 + np.array(m.body_mass) * (x**2 + z**2)).sum(axis=1)
        kinetic += (rate * (seen["mass_z"] * x - seen["mass_x"] * z)).sum(axis=1)
        kinetic += 0.5 * (np.array(m.armature) * arguments["qvel"][:, 3:] ** 2).sum(axis=1)
        return {"potential": weights + springs, "kinetic": kinetic}

    return run


def compiled_model(_: Any) -> Function:
    """The tables, in MuJoCo's shapes."""
    m = model.load()
    ends = np.array(m.end_pos).reshape(-1, 2, 2)
    table = {
        "body_mass": [0.0, *m.body_mass],
        "body_inertia_y": [0.0, *m.inertia_y],
        "dof_damping": [0.0, 0.0, 0.0, *m.damping],
        "dof_armature": [0.0, 0.0, 0.0, *m.armature],
        "geom_ends": np.concatenate([np.zeros((1, 2, 2)), ends]),
        "opt_timestep": m.options["timestep"],
        "opt_gravity": [0.0, *m.options["gravity"]],
    }
    named = {name: np.asarray(value, np.float64)[None] for name, value in table.items()}
    return lambda _: named


def acted_states(rng: np.random.Generator, n: int) -> Named:
    """Draw states of every kind and what an agent asks of the motors there, sometimes too much."""
    drawn = states(rng, n)
    return {"qpos": drawn["qpos"], "qvel": drawn["qvel"], "action": drawn["ctrl"]}


def step_info(env: Any) -> Function:
    """What ``env.step`` tells besides: the terms of its reward."""
    # Only here: the suite is read without loading JAX.
    import jax
    import jax.numpy as jnp

    from envlift.envs.half_cheetah.state import State

    def split(values: Array) -> tuple[Any, Any]:
        near = values.astype(np.float32)
        rest = (values - near).astype(env.dtype)
        return jnp.asarray(near.astype(env.dtype)), jnp.asarray(rest)

    step = jax.jit(jax.vmap(env.step, in_axes=(None, 0, 0)))

    def run(arguments: Named) -> Named:
        count = jnp.zeros(len(arguments["action"]), jnp.int32)
        state = State(*split(arguments["qpos"]), *split(arguments["qvel"]), count)
        _, _, reward, _, _, info = step(jax.random.key(0), state, arguments["action"])
        names = ("x_position", "x_velocity", "reward_forward", "reward_ctrl")
        told = {name: np.asarray(info[name], np.float64) for name in names}
        return {**told, "reward": np.asarray(reward, np.float64)}

    return run


ROUNDING = "sums in another order: rounding of float64"
SHOWN = "shown in float32, and after several substeps"
FORCE = "the solver's last step, in float64, between forces of up to 10,000 N"


def fields(reason: str, **tolerances: tuple[float, float]) -> tuple[Field, ...]:
    """Return fields from ``name=(atol, rtol)``."""
    return tuple(
        Field(name, atol=atol, rtol=rtol, reason=reason)
        for name, (atol, rtol) in tolerances.items()
    )


PRESENT = Field("present")
DTYPES = {"qpos": "float64", "qvel": "float64", "ctrl": "float64"}
IN_FLOAT64, IN_FLOAT32 = ("float64", "float64-substep"), ("float32", "substep")
EVERY_PRECISION = (*IN_FLOAT32, *IN_FLOAT64)
PAIRS = "the state is two float32 numbers, 48 bits: after five turns 1e-13 rad are lost"


def component(
    name: str, candidate: Any, *found: Field, configs: tuple[str, ...] = EVERY_PRECISION
) -> Component:
    """Return a component compared from generated states; all of them are computed in float64."""
    return Component(name, found, candidate, dtypes=DTYPES, rows=states, configs=configs)


def rounded(name: str, atol: float, rtol: float, reason: str = ROUNDING) -> Field:
    """Return a field that may differ by rounding."""
    return fields(reason, **{name: (atol, rtol)})[0]


def depths(configs: tuple[str, ...], factor: float, reason: str) -> tuple[Component, ...]:
    """Return what hangs on how deep an end is, a small difference of large numbers."""
    return (
        component(
            "mj_collision",
            stage(collision),
            PRESENT,
            rounded("dist", factor * 1e-13, 1e-13, reason),
            # x of up to 300 m.
            rounded("pos", factor * 1e-12, 1e-13, reason),
            configs=configs,
        ),
        component(
            "mj_makeConstraint",
            mj_make_constraint,
            PRESENT,
            rounded("efc_J", factor * 1e-12, 1e-13, reason),
            rounded("efc_pos", factor * 1e-13, 1e-13, reason),
            configs=configs,
        ),
        component(
            "mj_referenceConstraint",
            stage(reference_constraint),
            PRESENT,
            rounded("efc_aref", factor * 1e-9, 1e-12, reason),
            rounded("efc_R", factor * 1e-12, factor * 1e-10, reason),
            configs=configs,
        ),
    )


def newton(configs: tuple[str, ...], atol: float, rtol: float, reason: str) -> Component:
    """Return what Newton's steps in ``real`` find alone, before float64 goes on from there."""
    found = stage(lambda seen, _: {"qacc": seen["near_qacc"]})
    return component("mj_solNewton", found, rounded("qacc", atol, rtol, reason), configs=configs)


COMPONENTS: tuple[Component, ...] = (
    Component(
        "model",
        tuple(
            Field(name, atol=1e-15, reason="a rotation of the inertia, in another order")
            if name in ("body_inertia_y", "geom_ends")
            else Field(name)
            for name in (
                *("body_mass", "body_inertia_y", "dof_damping", "dof_armature"),
                *("geom_ends", "opt_timestep", "opt_gravity"),
            )
        ),
        compiled_model,
        configs=EVERY_PRECISION,
    ),
    # Its inverse is compared, inverted: the condition of M is some 1,000.
    component("mj_crb", mj_crb, rounded("qM", 1e-10, 1e-12)),
    component(
        "mj_rne",
        stage(lambda seen, _: {"qfrc_bias": seen["qfrc_bias"]}),
        # Forces of up to 10,000 N are added up, by MuJoCo in coordinates of the world: 2e-11 was
        # found at x = 0, and 2e-10 at 300 m. Of aref, 1e-11 and 4e-10.
        rounded("qfrc_bias", 1e-9, 1e-12),
    ),
    component(
        "mj_passive",
        stage(lambda seen, _: {"qfrc_passive": seen["qfrc_passive"]}),
        rounded("qfrc_passive", 1e-11, 1e-13),
    ),
    component(
        "mj_fwdActuation",
        stage(lambda seen, _: {"qfrc_actuator": seen["qfrc_actuator"]}),
        rounded("qfrc_actuator", 1e-12, 1e-13),
    ),
    component(
        "mj_fwdAcceleration",
        stage(lambda seen, _: {n: seen[n] for n in ("qfrc_smooth", "qacc_smooth")}),
        rounded("qfrc_smooth", 1e-9, 1e-12),
        rounded("qacc_smooth", 1e-8, 1e-11),
    ),
    *depths(IN_FLOAT64, 1.0, ROUNDING),
    *depths(IN_FLOAT32, 10.0, PAIRS),
    newton(IN_FLOAT64, 1e-5, 1e-8, FORCE),
    # Of up to 18,000; half of 40,000 states were within 2e-4, the worst of them 0.2 away.
    newton(IN_FLOAT32, 1.0, 0.0, "Newton's steps in float32, which float64 then polishes"),
    Component(
        "mj_fwdConstraint",
        (PRESENT, *fields(FORCE, efc_force=(1e-6, 1e-8), qacc=(1e-5, 1e-8))),
        stage(forward_constraint),
        rows=edge_states,
        dtypes=DTYPES,
        configs=EVERY_PRECISION,
    ),
    Component(
        "mj_Euler",
        (Field("unstable"), *fields(FORCE, qpos=(1e-9, 0.0), qvel=(1e-7, 0.0))),
        stage(euler),
        rows=lost_states,
        dtypes=DTYPES,
        configs=EVERY_PRECISION,
    ),
    Component(
        "info",
        tuple(
            Field(name, atol=1e-6, rtol=1e-6, reason=SHOWN)
            for name in ("x_position", "x_velocity", "reward_forward", "reward_ctrl", "reward")
        ),
        step_info,
        rows=acted_states,
        dtypes={"qpos": "float64", "qvel": "float64", "action": "float32"},
        configs=("options", "float64"),
    ),
    Component(
        "energy",
        fields(ROUNDING, potential=(1e-11, 1e-13), kinetic=(1e-11, 1e-12)),
        energy,
        rows=states,
        dtypes=DTYPES,
        configs=IN_FLOAT64,
    ),
)
