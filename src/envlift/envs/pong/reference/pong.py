"""PufferLib 3.0's Pong as a batched reference for the Python host.

``python:envlift.envs.pong.reference.pong:PongReference``. Shapes: ``T`` steps, ``B`` lanes, ``N``
rows of a component call.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envlift.envs.pong.reference import build, source
from envlift.reference.lanes import component
from envlift.reference.types import Array, ArraySpec, SideSpec

_FLOATS = ("paddle_yl", "paddle_yr", "ball_x", "ball_y", "ball_vx", "ball_vy")
_INTEGERS = ("score_l", "score_r", "tick", "n_bounces", "win")
STATE = {
    **{name: ArraySpec((), "float32") for name in _FLOATS},
    **{name: ArraySpec((), "int32") for name in _INTEGERS},
    "observations": ArraySpec((8,), "float32"),
}
_NUMBERS = (
    *("width", "height", "paddle_width", "paddle_height", "ball_width", "ball_height"),
    *("paddle_speed", "ball_initial_speed_x", "ball_initial_speed_y"),
    *("ball_speed_y_increment", "ball_max_speed_y"),
)
_COUNTS = ("max_score", "frameskip", "continuous")
# pufferlib/ocean/pong/pong.py, class Pong, of the pinned archive.
DEFAULTS: dict[str, float] = {
    "width": 500,
    "height": 640,
    "paddle_width": 20,
    "paddle_height": 70,
    "ball_width": 32,
    "ball_height": 32,
    "paddle_speed": 8,
    "ball_initial_speed_x": 10,
    "ball_initial_speed_y": 1,
    "ball_speed_y_increment": 3,
    "ball_max_speed_y": 13,
    "max_score": 21,
    "frameskip": 1,
    "continuous": False,
}


class _Config(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_float) for name in _NUMBERS),
        *((name, ctypes.c_int32) for name in _COUNTS),
    ]


class _Fields(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in STATE]


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _new_state(*axes: int) -> dict[str, Array]:
    return {name: np.zeros((*axes, *spec.shape), spec.dtype) for name, spec in STATE.items()}


def _fields(state: Mapping[str, Array]) -> _Fields:
    return _Fields(**{name: array.ctypes.data for name, array in state.items()})


class PongReference:
    """B games of PufferLib's C.

    The chance of a step or a reset is the int32 that ``rand()`` gives if it is asked; each step
    asks at most once. A lane that ends resets itself inside its step; its end is read just before.

    Args:
        num_lanes: B.
        coverage: count how often each line of ``pong.h`` ran; slower, needs gcc and gcov.
        config: the options of PufferLib's ``Pong``, see ``DEFAULTS``.

    Raises:
        TypeError: for an unknown option.
        ReferenceUnavailable: if it cannot be fetched or compiled.
    """

    batched = True

    def __init__(self, num_lanes: int, *, coverage: bool = False, **config: Any) -> None:
        unknown = sorted(set(config) - set(DEFAULTS))
        if unknown:
            raise TypeError(
                f"PufferLib's Pong has no option {unknown[0]!r}; known: {', '.join(DEFAULTS)}"
            )
        self._options = {**DEFAULTS, **config}
        counts = {name: int(self._options[name]) for name in _COUNTS}
        if counts["frameskip"] < 1:
            raise ValueError(f"frameskip must be at least 1, it is {counts['frameskip']}")
        if counts["max_score"] < 1:
            raise ValueError(f"max_score must be at least 1, it is {counts['max_score']}")
        numbers = {name: float(self._options[name]) for name in _NUMBERS}
        self._config = _Config(**numbers, **counts)
        self._continuous = bool(self._options["continuous"])
        self._num_lanes = num_lanes
        self._coverage = None
        flags: tuple[str, ...] = build.RULES
        if coverage:
            from envlift.envs.pong.reference.coverage import LineCounts

            self._coverage = LineCounts()
            flags = build.COVERAGE
        path = build.library(flags)
        self._c = ctypes.CDLL(str(path))
        self._c.pong_open.restype = ctypes.c_void_p
        if self._coverage is not None:
            self._coverage.attach(self._c, path)
        self._lanes = self._open(num_lanes)

    def _open(self, lanes: int) -> ctypes.c_void_p:
        address = self._c.pong_open(ctypes.c_int64(lanes), ctypes.byref(self._config))
        if not address:
            raise MemoryError(f"no memory for {lanes} games")
        return ctypes.c_void_p(address)

    def spec(self) -> SideSpec:
        """Describe the game."""
        flat = 1 if self._continuous else 0
        return SideSpec(
            name=f"PufferLib {source.VERSION} pong.h",
            observation=ArraySpec((8,), "float32"),
            action=ArraySpec((1,), "float32") if self._continuous else ArraySpec((), "int32"),
            num_actions=None if self._continuous else 3,
            action_low=(-1.0,) if flat else None,
            action_high=(1.0,) if flat else None,
            state=STATE,
            chance=ArraySpec((), "int32"),
            reward=ArraySpec((), "float32"),
            pins={
                source.PACKAGE: source.VERSION,
                f"{source.PACKAGE}-{source.VERSION}.tar.gz sha256": source.SHA256,
                "pong.h sha256": source.FILES["pong.h"][1],
                "compiler": build.version(build.compiler()),
                "flags": " ".join(build.COVERAGE if self._coverage else build.RULES),
            },
        )

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Make B new games; the seeds change nothing, all chance is in ``chance`` [B]."""
        assert chance is not None
        self._c.pong_reset(self._lanes, ctypes.c_int64(self._num_lanes), _pointer(chance))
        state = self.get_state()
        record: dict[str, Any] = {"observation": state["observations"].copy()}
        return {**record, "state": state} if "state" in returns else record

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Play T steps: actions int32 [T, B] or float32 [T, B, 1], chance int32 [T, B]."""
        assert chance is not None
        axes = actions.shape[:2]
        states = {name: _new_state(*axes) for name in ("state", "final_state") if name in returns}
        return {**self._play(self._lanes, actions, chance, states), **states}

    def _play(
        self,
        lanes: ctypes.c_void_p,
        actions: Array,
        chance: Array,
        states: Mapping[str, Mapping[str, Array]],
    ) -> dict[str, Any]:
        steps, count = actions.shape[:2]
        if not self._continuous and not ((actions >= 0) & (actions < 3)).all():
            raise ValueError(f"an action is outside of 0, 1, 2: {np.unique(actions).tolist()}")
        observation, final_observation = np.zeros((2, steps, count, 8), np.float32)
        reward = np.zeros((steps, count), np.float32)
        terminated = np.zeros((steps, count), np.bool_)
        actions, chance = np.ascontiguousarray(actions), np.ascontiguousarray(chance)
        given = _pointer(actions)
        self._c.pong_step(
            lanes,
            ctypes.c_int64(count),
            ctypes.c_int64(steps),
            None if self._continuous else given,
            given if self._continuous else None,
            _pointer(chance),
            _pointer(observation),
            _pointer(final_observation),
            _pointer(reward),
            _pointer(terminated),
            *(
                ctypes.byref(_fields(states[name])) if name in states else None
                for name in ("state", "final_state")
            ),
        )
        return {
            "observation": observation,
            "final_observation": final_observation,
            "reward": reward,
            "terminated": terminated,
            "truncated": np.zeros((steps, count), np.bool_),
        }

    def get_state(self) -> dict[str, Array]:
        """Copy the state of every lane out."""
        return self._read(self._lanes, self._num_lanes)

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Copy a state into every lane."""
        self._write(self._lanes, self._num_lanes, state)

    def _read(self, lanes: ctypes.c_void_p, count: int) -> dict[str, Array]:
        state = _new_state(count)
        self._c.pong_get_state(lanes, ctypes.c_int64(count), ctypes.byref(_fields(state)))
        return state

    def _write(self, lanes: ctypes.c_void_p, count: int, state: Mapping[str, Array]) -> None:
        held = {name: np.ascontiguousarray(state[name], spec.dtype) for name, spec in STATE.items()}
        self._c.pong_set_state(lanes, ctypes.c_int64(count), ctypes.byref(_fields(held)))

    # -- components: the functions of pong.h ------------------------------------------------------

    @component
    def compute_observations(self, **state: Array) -> dict[str, Array]:
        """``compute_observations`` on N states; fields that are left out are 0."""
        read = self._apply("pong_compute_observations", _rows(state), state)
        return {"observations": read["observations"]}

    @component
    def reset_round(self, serve: Array, **state: Array) -> dict[str, Array]:
        """``reset_round`` with N values of ``rand()``; all fields but the observations."""
        serve = np.ascontiguousarray(serve, np.int32)
        read = self._apply("pong_reset_round", len(serve), state, _pointer(serve))
        return {name: value for name, value in read.items() if name != "observations"}

    @component
    def c_reset(self, serve: Array) -> dict[str, Array]:
        """``init`` and ``c_reset`` with N values of ``rand()``; all fields."""
        serve = np.ascontiguousarray(serve, np.int32)
        return self._apply("pong_reset", len(serve), {}, _pointer(serve))

    @component
    def c_step(self, action: Array, serve: Array, **state: Array) -> dict[str, Array]:
        """``c_step`` on N states: all fields after it, ``reward`` and ``terminated``."""
        lanes = self._open(len(serve))
        try:
            self._write(lanes, len(serve), self._completed(state, len(serve)))
            kind = np.float32 if self._continuous else np.int32
            shape = (1, len(serve), *([1] if self._continuous else []))
            actions = np.asarray(action, kind).reshape(shape)
            played = self._play(lanes, actions, np.asarray(serve, np.int32)[None], {})
            ended = {"reward": played["reward"][0], "terminated": played["terminated"][0]}
            return {**self._read(lanes, len(serve)), **ended}
        finally:
            self._c.pong_close(lanes)

    @component
    def constants(self) -> dict[str, Array]:
        """What ``init`` and the configuration made of every constant, each [1]."""
        numbers = np.zeros(len(_NUMBERS) + 2, np.float32)
        counts = np.zeros(len(_COUNTS), np.int32)
        self._c.pong_constants(self._lanes, _pointer(numbers), _pointer(counts))
        names = (*_NUMBERS, "min_paddle_y", "max_paddle_y")
        table = {name: numbers[i : i + 1] for i, name in enumerate(names)}
        return {**table, **{name: counts[i : i + 1] for i, name in enumerate(_COUNTS)}}

    @component
    def bench(
        self, envs: Array, steps: Array, seed: Array | None = None, variant: Array | None = None
    ) -> dict[str, Any]:
        """Play ``steps`` steps of ``envs`` games in a tight loop in C, on one thread.

        The layout is PufferLib's own (one struct for each game, one buffer of observations), the
        actions come from xorshift32 in C and ``rand()`` is a cheap linear congruential generator:
        fair to the C, whose libc generator takes a lock. An observation is written every step.

        Args:
            envs: int [1], games.
            steps: int [1], steps of each game.
            seed: int [1], of the actions; 1 if left out.
            variant: int [1], which of ``build.BENCHES``; if left out, a short trial chooses among
                those that compute the same to the last bit.

        Returns:
            Each [1]: ``seconds`` of the loop by the monotonic clock, ``steps`` played (games times
            steps), ``terminals`` (games that ended), ``checksum`` (float64, the sum of the last
            observations), and the ``variant``.
        """
        count, length = int(_first(envs)), int(_first(steps))
        start = 1 if seed is None else int(_first(seed))
        if count < 1 or length < 1:
            raise ValueError(f"envs and steps must be at least 1, they are {count} and {length}")
        if variant is None:
            trial = max(1, min(length, 1_000_000 // count))
            trials = [
                min(self._bench(which, count, trial, start)["seconds"] for _ in range(3))
                for which in range(build.EXACT_BENCHES)
            ]
            chosen = int(np.argmin(trials))
        else:
            chosen = int(_first(variant))
            if not 0 <= chosen < len(build.BENCHES):
                raise ValueError(f"variant must be below {len(build.BENCHES)}, it is {chosen}")
        measured = self._bench(chosen, count, length, start)
        measured |= {"steps": count * length, "variant": chosen}
        return {name: np.array([value]) for name, value in measured.items()}

    def _bench(self, variant: int, envs: int, steps: int, seed: int) -> dict[str, Any]:
        library = ctypes.CDLL(str(build.library(build.BENCHES[variant])))
        seconds, checksum, terminals = ctypes.c_double(), ctypes.c_double(), ctypes.c_int64()
        failed = library.pong_bench(
            ctypes.c_int64(envs),
            ctypes.c_int64(steps),
            ctypes.c_uint32(seed & 0xFFFFFFFF),
            ctypes.byref(self._config),
            ctypes.byref(seconds),
            ctypes.byref(checksum),
            ctypes.byref(terminals),
        )
        if failed:
            raise MemoryError(f"no memory for {envs} games")
        return {
            "seconds": seconds.value,
            "checksum": checksum.value,
            "terminals": terminals.value,
        }

    def _completed(self, state: Mapping[str, Array], count: int) -> dict[str, Array]:
        unknown = sorted(set(state) - set(STATE))
        if unknown:
            raise ValueError(f"the state has no field {unknown[0]!r}; known: {', '.join(STATE)}")
        whole = _new_state(count)
        for name, value in state.items():
            whole[name][...] = np.asarray(value)
        return whole

    def _apply(
        self, function: str, count: int, state: Mapping[str, Array], *arguments: Any
    ) -> dict[str, Array]:
        """Call one function on ``count`` games of their own that begin in ``state``."""
        lanes = self._open(count)
        try:
            self._write(lanes, count, self._completed(state, count))
            getattr(self._c, function)(lanes, ctypes.c_int64(count), *arguments)
            return self._read(lanes, count)
        finally:
            self._c.pong_close(lanes)

    def coverage(self) -> dict[str, int]:
        """Return how often each line of ``pong.h`` ran, ``pong.h:123 c_step`` -> count."""
        return {} if self._coverage is None else self._coverage.counts()

    def close(self) -> None:
        """Free the games."""
        self._c.pong_close(self._lanes)


def _first(value: Array) -> Any:
    return np.asarray(value).reshape(-1)[0]


def _rows(state: Mapping[str, Array]) -> int:
    if not state:
        raise ValueError(f"no field of the state was given; known: {', '.join(STATE)}")
    return len(next(iter(state.values())))
