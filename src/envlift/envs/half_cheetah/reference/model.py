"""The numbers of the compiled model, as MuJoCo holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from envlift.reference.types import Array

# Everything that the physics of this model reads; a row for each body (the world first), joint,
# degree of freedom, geom (the floor first) or actuator.
_FIELDS = (
    *("qpos0", "qpos_spring"),
    *("body_parentid", "body_pos", "body_quat", "body_ipos", "body_iquat"),
    *("body_mass", "body_inertia", "body_invweight0", "body_gravcomp"),
    *("jnt_type", "jnt_bodyid", "jnt_pos", "jnt_axis", "jnt_stiffness", "jnt_limited"),
    *("jnt_range", "jnt_margin", "jnt_solref", "jnt_solimp"),
    *("dof_bodyid", "dof_parentid", "dof_armature", "dof_damping", "dof_frictionloss"),
    *("dof_invweight0", "dof_M0"),
    *("geom_type", "geom_bodyid", "geom_pos", "geom_quat", "geom_size", "geom_friction"),
    *("geom_contype", "geom_conaffinity", "geom_condim", "geom_margin", "geom_gap"),
    *("geom_solref", "geom_solimp"),
    *("actuator_trnid", "actuator_gear", "actuator_ctrllimited", "actuator_ctrlrange"),
)
_OPTIONS = (
    *("timestep", "gravity", "integrator", "cone", "jacobian", "solver", "iterations"),
    *("tolerance", "ls_iterations", "ls_tolerance", "noslip_iterations", "impratio"),
    *("density", "viscosity", "wind", "disableflags", "enableflags"),
)


def quiet_mujoco() -> None:
    """Keep MuJoCo from writing MUJOCO_LOG.TXT into the folder this was started in.

    It would say for every model made that an attribute of its XML is deprecated. MuJoCo's errors
    are exceptions in any case.
    """
    import mujoco

    log = mujoco.MjLogConfig.get()
    log.logto_file = log.logto_console = False
    log.set()


def compiled(model: Any) -> dict[str, Array]:
    """Return the model's arrays under MuJoCo's names, the options as ``opt_<name>``, and two more.

    Those two hold what a planar model needs of it: ``body_inertia_y`` [8], the moment of inertia
    about the y axis through the body's centre of mass, and ``geom_ends`` [9, 2, 2], x and z of a
    capsule's two ends in the frame of its body, the end along the geom's z axis first (0 for the
    floor).

    Raises:
        ValueError: if the model is not planar.
    """
    found = {name: np.array(getattr(model, name)) for name in _FIELDS}
    found |= {f"opt_{name}": np.array(getattr(model.opt, name)) for name in _OPTIONS}
    rotations = np.array([_rotation(quat) for quat in model.body_iquat])
    tensors = np.einsum("bij,bj,bkj->bik", rotations, model.body_inertia, rotations)
    axes = np.array([_rotation(quat)[:, 2] for quat in model.geom_quat])
    half = axes * model.geom_size[:, 1:2]
    ends = model.geom_pos[:, None] + np.stack([half, -half], axis=1)
    ends[0] = 0
    aside = (model.body_pos, model.body_ipos, model.jnt_pos, ends)
    worst = max(np.abs(value[..., 1]).max() for value in aside)
    if worst > 0:
        raise ValueError(f"the model is not planar: something lies {worst} beside the plane y = 0")
    return {**found, "body_inertia_y": tensors[:, 1, 1], "geom_ends": ends[..., [0, 2]]}


def _rotation(quat: Array) -> Array:
    """Return the rotation matrix of a unit quaternion (w, x, y, z)."""
    w, x, y, z = quat
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
