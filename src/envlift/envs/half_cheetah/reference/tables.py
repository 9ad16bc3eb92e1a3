"""Write ``tables/`` from the compiled model; ``--check`` compares instead.

Runs in the reference's own interpreter (``reference/requirements.txt``), never at run time::

    python src/envlift/envs/half_cheetah/reference/tables.py [--check]
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

TABLES = Path(__file__).resolve().parents[1] / "tables"


def compiled() -> tuple[Any, Path]:
    """Return MuJoCo's compiled model and the path of its XML."""
    import gymnasium
    import mujoco

    # As ``model.quiet_mujoco``: where this runs, envlift is not installed.
    log = mujoco.MjLogConfig.get()
    log.logto_file = log.logto_console = False
    log.set()
    xml = Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets" / "half_cheetah.xml"
    return mujoco.MjModel.from_xml_path(str(xml)), xml


def rotated(quat: Any, vector: Any) -> Any:
    """Return a vector [3] turned by a quaternion [4]."""
    import mujoco
    import numpy as np

    result = np.zeros(3)
    mujoco.mju_rotVecQuat(result, np.asarray(vector, float), np.asarray(quat, float))
    return result


def planar_inertia(model: Any, body: int) -> float:
    """Return the inertia about the y axis through the centre of mass, kg m^2."""
    import numpy as np

    axes = np.stack([rotated(model.body_iquat[body], unit) for unit in np.eye(3)], axis=1)
    return float(axes[1] ** 2 @ model.body_inertia[body])


def records(model: Any) -> dict[str, list[dict[str, Any]]]:
    """Return the tables: name -> records. Numbers are SI, vectors are (x, z)."""
    import mujoco
    import numpy as np

    def name(kind: Any, number: int) -> str:
        return str(mujoco.mj_id2name(model, kind, number))

    body_kind, joint_kind = mujoco.mjtObj.mjOBJ_BODY, mujoco.mjtObj.mjOBJ_JOINT
    bodies = [
        {
            "name": name(body_kind, i),
            "parent": int(model.body_parentid[i]) - 1,
            "body_pos": model.body_pos[i][[0, 2]].tolist(),
            "body_mass": float(model.body_mass[i]),
            "body_ipos": model.body_ipos[i][[0, 2]].tolist(),
            "inertia_y": planar_inertia(model, i),
            "body_invweight0": float(model.body_invweight0[i][0]),
        }
        for i in range(1, model.nbody)
    ]
    gear = {
        int(j[0]): float(g[0])
        for j, g in zip(model.actuator_trnid, model.actuator_gear, strict=True)
    }
    joints = [
        {
            "name": name(joint_kind, j),
            "jnt_range": model.jnt_range[j].tolist() if model.jnt_limited[j] else None,
            "jnt_stiffness": float(model.jnt_stiffness[j].reshape(-1)[0]),
            "dof_damping": float(model.dof_damping[j].reshape(-1)[0]),
            "dof_armature": float(model.dof_armature[j]),
            "dof_invweight0": float(model.dof_invweight0[j]),
            "qpos0": float(model.qpos0[j]),
            "qpos_spring": float(model.qpos_spring[j]),
            "actuator_gear": gear.get(j),
        }
        for j in range(model.njnt)
    ]
    capsules = []
    for g in range(model.ngeom):
        if model.geom_type[g] == mujoco.mjtGeom.mjGEOM_CAPSULE:
            half = rotated(model.geom_quat[g], [0.0, 0.0, model.geom_size[g][1]])
            ends = [model.geom_pos[g] + half, model.geom_pos[g] - half]
            capsules.append(
                {
                    "name": name(mujoco.mjtObj.mjOBJ_GEOM, g),
                    "body": int(model.geom_bodyid[g]) - 1,
                    "radius": float(model.geom_size[g][0]),
                    "ends": [end[[0, 2]].tolist() for end in ends],
                }
            )
    hinge = int(np.flatnonzero(model.jnt_limited)[0])
    capsule = int(np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_CAPSULE)[0])
    options = [
        {
            "timestep": float(model.opt.timestep),
            "gravity": model.opt.gravity[[0, 2]].tolist(),
            "friction": float(model.geom_friction[capsule][0]),
            "contact_solref": model.geom_solref[capsule].tolist(),
            "contact_solimp": model.geom_solimp[capsule].tolist(),
            "limit_solref": model.jnt_solref[hinge].tolist(),
            "limit_solimp": model.jnt_solimp[hinge].tolist(),
            "ctrlrange": model.actuator_ctrlrange[0].tolist(),
        }
    ]
    return {"bodies": bodies, "joints": joints, "capsules": capsules, "options": options}


def assumptions(model: Any) -> list[tuple[str, bool]]:
    """Return what the planar rules take for granted of the model, and whether it holds."""
    import mujoco
    import numpy as np

    limited, capsules = model.jnt_limited.astype(bool), model.geom_type == 3
    xz = [0, 2]
    return [
        ("every hinge turns about y at its body's origin", not model.jnt_pos.any()),
        ("bodies lie in the plane", not model.body_pos[:, 1].any()),
        ("bodies are not turned", bool((model.body_quat == [1, 0, 0, 0]).all())),
        ("the first three joints are x, z and the turn about y", not limited[:3].any()),
        ("all other joints have limits", bool(limited[3:].all())),
        (
            "one motor for each hinge, in order",
            model.actuator_trnid[:, 0].tolist() == [*range(3, 9)],
        ),
        ("motors have one range", bool((model.actuator_ctrlrange == [-1.0, 1.0]).all())),
        ("contacts alike", len(np.unique(model.geom_solimp[capsules], axis=0)) == 1),
        ("solref alike", len(np.unique(model.geom_solref, axis=0)) == 1),
        ("limits alike", len(np.unique(model.jnt_solimp[limited], axis=0)) == 1),
        ("friction alike", len(np.unique(model.geom_friction, axis=0)) == 1),
        ("no margins", not model.geom_margin.any() and not model.jnt_margin.any()),
        ("capsules touch the floor alone", not model.geom_conaffinity[capsules].any()),
        ("gravity along z", not model.opt.gravity[:2].any()),
        ("no friction losses", not model.dof_frictionloss.any()),
        (
            "pyramids, Newton, Euler",
            (model.opt.cone, model.opt.solver, model.opt.integrator) == (0, 2, 0),
        ),
        ("impratio 1", model.opt.impratio == 1.0),
        (
            "implicit damping is on",
            not model.opt.disableflags & mujoco.mjtDisableBit.mjDSBL_EULERDAMP,
        ),
        (
            "starts at zero",
            not model.qpos0.any() and bool(np.isfinite(model.body_pos[:, xz]).all()),
        ),
    ]


def files() -> dict[str, str]:
    """Return the text of every table by its file name."""
    import gymnasium
    import mujoco

    model, xml = compiled()
    wrong = [text for text, holds in assumptions(model) if not holds]
    if wrong:
        raise ValueError(f"the compiled model is not what the planar rules need: {wrong}")
    texts = {
        f"{name}.jsonl": "".join(json.dumps(row) + "\n" for row in rows)
        for name, rows in records(model).items()
    }
    digest = hashlib.sha256(xml.read_bytes()).hexdigest()
    texts["SOURCE.toml"] = (
        "# Generated by reference/tables.py: do not edit.\n"
        'model = "half_cheetah.xml of Gymnasium, compiled by MuJoCo"\n'
        f'sha256 = "{digest}"\n'
        f'gymnasium = "{gymnasium.__version__}"\n'
        f'mujoco = "{mujoco.__version__}"\n'
        'license = "MIT (Gymnasium), Apache-2.0 (MuJoCo); the tables hold numbers only"\n'
    )
    return texts


def main() -> int:
    """Write the tables, or with ``--check`` say which differ."""
    texts = files()
    if "--check" not in sys.argv[1:]:
        for name, text in texts.items():
            (TABLES / name).write_text(text)
        return 0
    stale = [name for name, text in texts.items() if (TABLES / name).read_text() != text]
    for name in stale:
        print(f"tables/{name} is not what the compiled model says; run reference/tables.py")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
