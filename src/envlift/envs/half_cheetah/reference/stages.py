"""MuJoCo's stages one by one, evaluated by MuJoCo itself from a given state.

Each component sets ``qpos`` [N, 9], ``qvel`` [N, 9] and ``ctrl`` [N, 6] (float64; what is left out
is 0) in data that is otherwise new, with no warm start, runs ``mj_forward`` and reads back what the
stage of its name left behind. Shapes: ``N`` rows.

Constraint rows have fixed places, ``SLOTS`` of them, because MuJoCo's own list only holds the
active ones: slot ``j`` is the limit of joint ``3 + j`` (bthigh to ffoot, whichever side), slot
``6 + 4 * contact + edge`` an edge of the friction pyramid of a contact. Contact ``2 * capsule`` is
the end of a capsule (torso, head, bthigh, bshin, bfoot, fthigh, fshin, ffoot) at its centre plus
the half length along the geom's z axis, ``2 * capsule + 1`` the other end. Edges 0 and 1 are the
normal plus and minus mu times the x axis, 2 and 3 the pair along y. MuJoCo turns its tangent with
the capsule, so in its own list edges 0 and 1 (and 2 and 3) change places where the capsule's axis
points to -x. Slots without a row hold 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import mujoco
import numpy as np

from envlift.envs.half_cheetah.reference.model import compiled
from envlift.reference.lanes import component
from envlift.reference.types import Array

LIMITS, CONTACTS, EDGES = 6, 16, 4
SLOTS = LIMITS + EDGES * CONTACTS
_FIRST_LIMITED = 3  # the root's three joints have no limits
_WARNINGS = {
    "bad_qpos": mujoco.mjtWarning.mjWARN_BADQPOS,
    "bad_qvel": mujoco.mjtWarning.mjWARN_BADQVEL,
    "bad_qacc": mujoco.mjtWarning.mjWARN_BADQACC,
    "bad_ctrl": mujoco.mjtWarning.mjWARN_BADCTRL,
}


class Stages:
    """The components; they have data of their own and leave every lane alone.

    All but ``info`` are computed with a solver tolerance of 0.

    Args:
        env: Gymnasium's environment without its wrappers; it belongs to the stages from now on.
    """

    def __init__(self, env: Any) -> None:
        self._env = env
        self._model = env.model
        self._data = env.data
        # What a stage computes is compared to the last digits; at its default tolerance MuJoCo's
        # solver sometimes stops before it is there, in one of 230,000 states by more than 1e-7.
        self._step_tolerance = self._model.opt.tolerance
        self._model.opt.tolerance = 0.0

    @component
    def model(self) -> dict[str, Array]:
        """Return the compiled model's numbers, each [1, ...]; see ``model.compiled``."""
        return {name: value[None] for name, value in compiled(self._model).items()}

    @component
    def mj_crb(self, **state: Array) -> dict[str, Array]:
        """Return the joint-space inertia, dense and with armature: ``qM`` [N, 9, 9]."""
        matrices = [np.zeros((self._model.nv, self._model.nv)) for _ in _given(state)]
        for row, data in self._forward(state):
            mujoco.mj_fullM(self._model, data, matrices[row])
        return {"qM": np.array(matrices)}

    @component
    def mj_rne(self, **state: Array) -> dict[str, Array]:
        """Return Coriolis, centrifugal and gravitational forces: ``qfrc_bias`` [N, 9]."""
        return self._read(state, "qfrc_bias")

    @component
    def mj_passive(self, **state: Array) -> dict[str, Array]:
        """Return springs and dampers: ``qfrc_passive`` [N, 9]."""
        return self._read(state, "qfrc_passive")

    @component
    def mj_fwdActuation(self, **state: Array) -> dict[str, Array]:
        """Return the motors' torques: ``qfrc_actuator`` [N, 9]."""
        return self._read(state, "qfrc_actuator")

    @component
    def mj_fwdAcceleration(self, **state: Array) -> dict[str, Array]:
        """Return ``qfrc_smooth`` and ``qacc_smooth`` [N, 9]: all but the constraints."""
        return self._read(state, "qfrc_smooth", "qacc_smooth")

    @component
    def mj_collision(self, **state: Array) -> dict[str, Array]:
        """Return ``present`` bool [N, 16], ``dist`` [N, 16], ``pos`` [N, 16, 2] (x and z)."""
        rows = len(_given(state))
        present = np.zeros((rows, CONTACTS), np.bool_)
        dist, pos = np.zeros((rows, CONTACTS)), np.zeros((rows, CONTACTS, 2))
        for row, data in self._forward(state):
            for at, slot in enumerate(self._contacts(data)):
                present[row, slot] = True
                dist[row, slot] = data.contact.dist[at]
                pos[row, slot] = data.contact.pos[at, [0, 2]]
        return {"present": present, "dist": dist, "pos": pos}

    @component
    def mj_makeConstraint(self, **state: Array) -> dict[str, Array]:
        """Return ``present`` bool, ``efc_pos`` [N, 70], and ``efc_J`` [N, 70, 9]."""
        return self._rows(state, "efc_J", "efc_pos")

    @component
    def mj_referenceConstraint(self, **state: Array) -> dict[str, Array]:
        """Return ``present`` bool, ``efc_aref``, ``efc_R``, ``efc_D``, ``efc_diagA``, each [N, 70].

        ``efc_R`` and ``efc_D`` are made by ``mj_makeImpedance``.
        """
        return self._rows(state, "efc_aref", "efc_R", "efc_D", "efc_diagA")

    @component
    def mj_fwdConstraint(self, **state: Array) -> dict[str, Array]:
        """Return what the solver found.

        ``present`` bool [N, 70], ``efc_force`` [N, 70], ``qfrc_constraint`` and ``qacc`` [N, 9],
        ``solver_niter`` int32 [N] (0 without constraints).
        """
        found = self._rows(state, "efc_force")
        found |= self._read(state, "qfrc_constraint", "qacc")
        iterations = [data.solver_niter[0] if data.nefc else 0 for _, data in self._forward(state)]
        return {**found, "solver_niter": np.array(iterations, np.int32)}

    @component
    def mj_solNewton(self, **state: Array) -> dict[str, Array]:
        """Return where the solver's steps ended: ``qacc`` [N, 9]."""
        return self._read(state, "qacc")

    @component
    def mj_Euler(self, **state: Array) -> dict[str, Array]:
        """Return ``qpos`` and ``qvel`` [N, 9] after one ``mj_step``, a single substep.

        NaN, infinity and numbers beyond 1e10 are allowed here: ``bad_qpos``, ``bad_qvel``,
        ``bad_qacc`` and ``bad_ctrl`` (bool [N]) say what MuJoCo complained of. For the first three
        it sets the state to ``qpos0`` at rest and ``ctrl`` to 0 and goes on from there; for the
        last it takes all of ``ctrl`` as 0. ``unstable`` bool [N]: any of them.
        """
        after: dict[str, list[Any]] = {name: [] for name in ("qpos", "qvel", *_WARNINGS)}
        for _, data in self._set(state):
            mujoco.mj_step(self._model, data)
            after["qpos"].append(data.qpos.copy())
            after["qvel"].append(data.qvel.copy())
            for name, warning in _WARNINGS.items():
                after[name].append(data.warning[int(warning)].number > 0)
        found = {name: np.array(values) for name, values in after.items()}
        return {**found, "unstable": np.any([found[name] for name in _WARNINGS], axis=0)}

    @component
    def energy(self, **state: Array) -> dict[str, Array]:
        """Return ``potential`` (gravity and springs) and ``kinetic`` energy [N], joules."""
        energies = []
        for _, data in self._forward(state):
            mujoco.mj_energyPos(self._model, data)
            mujoco.mj_energyVel(self._model, data)
            energies.append(data.energy.copy())
        both = np.array(energies)
        return {"potential": both[:, 0], "kinetic": both[:, 1]}

    @component
    def info(self, qpos: Array, qvel: Array, action: Array) -> dict[str, Array]:
        """Return the terms of one step of Gymnasium's environment, float64 [N], and the reward.

        The action [N, 6] is handed over in the dtype it comes in. Gymnasium sums the control cost
        in that dtype, and its action space says float32.
        """
        names = ("x_position", "x_velocity", "reward_forward", "reward_ctrl")
        found: dict[str, list[float]] = {name: [] for name in (*names, "reward")}
        _check_finite({"qpos": qpos, "qvel": qvel, "action": action})
        self._model.opt.tolerance = self._step_tolerance
        for row, _ in self._set({"qpos": qpos, "qvel": qvel}):
            _, reward, _, _, terms = self._env.step(action[row])
            found["reward"].append(float(reward))
            for name in names:
                found[name].append(float(terms[name]))
        self._model.opt.tolerance = 0.0
        return {name: np.array(values) for name, values in found.items()}

    def close(self) -> None:
        """Release the environment."""
        self._env.close()

    def _set(self, state: Mapping[str, Array]) -> Iterator[tuple[int, Any]]:
        sizes = {"qpos": self._model.nq, "qvel": self._model.nv, "ctrl": self._model.nu}
        rows = _given(state)
        for name, value in state.items():
            if name not in sizes:
                raise ValueError(f"there is no argument {name!r}; known: {', '.join(sizes)}")
            if value.shape != (len(rows), sizes[name]):
                raise ValueError(
                    f"{name} must have the shape {(len(rows), sizes[name])}, it has {value.shape}"
                )
        for row in rows:
            mujoco.mj_resetData(self._model, self._data)
            for name, value in state.items():
                getattr(self._data, name)[:] = value[row]
            yield row, self._data

    def _forward(self, state: Mapping[str, Array]) -> Iterator[tuple[int, Any]]:
        _check_finite(state)
        for row, data in self._set(state):
            mujoco.mj_forward(self._model, data)
            yield row, data

    def _read(self, state: Mapping[str, Array], *names: str) -> dict[str, Array]:
        read: dict[str, list[Array]] = {name: [] for name in names}
        for _, data in self._forward(state):
            for name in names:
                read[name].append(getattr(data, name).copy())
        return {name: np.array(values) for name, values in read.items()}

    def _rows(self, state: Mapping[str, Array], *names: str) -> dict[str, Array]:
        """Read fields that have one entry for each active row, and lay them into their slots."""
        axes = (len(_given(state)), SLOTS)
        present = np.zeros(axes, np.bool_)
        found = {
            name: np.zeros((*axes, self._model.nv) if name == "efc_J" else axes) for name in names
        }
        for row, data in self._forward(state):
            slots = self._slots(data)
            present[row, slots] = True
            for name in names:
                # The Jacobian is one flat array, dense in a model this small.
                found[name][row, slots] = getattr(data, name).reshape(found[name][row, slots].shape)
        return {"present": present, **found}

    def _slots(self, data: Any) -> list[int]:
        """Return the slot of each active row, in MuJoCo's order."""
        contacts = self._contacts(data)
        slots: list[int] = []
        edges: dict[int, int] = {}
        for kind, number in zip(data.efc_type.tolist(), data.efc_id.tolist(), strict=True):
            if kind == mujoco.mjtConstraint.mjCNSTR_LIMIT_JOINT:
                slots.append(number - _FIRST_LIMITED)
                continue
            if kind != mujoco.mjtConstraint.mjCNSTR_CONTACT_PYRAMIDAL:
                raise RuntimeError(f"MuJoCo made a constraint of the unexpected type {kind}")
            edge = edges.get(number, 0)
            edges[number] = edge + 1
            turned = data.contact.frame[number, 3] < 0
            slots.append(LIMITS + EDGES * contacts[number] + (edge ^ 1 if turned else edge))
        return slots

    def _contacts(self, data: Any) -> list[int]:
        """Return the number of the capsule's end for each contact, in MuJoCo's order."""
        slots: list[int] = []
        for at in range(data.ncon):
            floor, geom = data.contact.geom[at].tolist()
            if floor != 0:
                raise RuntimeError(f"geoms {floor} and {geom} touch, and neither is the floor")
            half = self._model.geom_size[geom, 1] * data.geom_xmat[geom].reshape(3, 3)[:, 2]
            # MuJoCo writes the end at plus first; alone, it is the end whose height fits.
            heights = data.geom_xpos[geom, 2] + np.array([half[2], -half[2]])
            wrong = np.abs(heights - self._model.geom_size[geom, 0] - data.contact.dist[at])
            slot = 2 * (geom - 1) + int(wrong[1] < wrong[0])
            if slots and slots[-1] // 2 == geom - 1:
                slots[-1], slot = 2 * (geom - 1), 2 * (geom - 1) + 1
            slots.append(slot)
        return slots


def _given(state: Mapping[str, Array]) -> range:
    if not state:
        raise ValueError("no argument was given; known: qpos, qvel, ctrl")
    return range(len(next(iter(state.values()))))


def _check_finite(state: Mapping[str, Array]) -> None:
    for name, value in state.items():
        wrong = np.argwhere(~np.isfinite(value))
        if len(wrong):
            at = ", ".join(str(index) for index in wrong[0])
            raise ValueError(
                f"{name}[{at}] is {value[tuple(wrong[0])]}; only the component mj_Euler has an "
                "answer to numbers that are not finite"
            )
