"""A candidate that is a Gymnasium ``VectorEnv``, such as a compiled emulator.

Its autoreset mode must be ``SAME_STEP`` or ``DISABLED``: with ``NEXT_STEP`` the reset takes a step
of its own and the lanes of the two sides would drift apart. With ``SAME_STEP`` the lanes have begun
their next episode by themselves when a step returns: those of Gymnasium's own ``SyncVectorEnv`` and
``AsyncVectorEnv`` are then reset once more, by the seed that the reference is given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

from envlift.reference.bridge.returned import DTYPE, FLAG, REWARD_INT, Watch
from envlift.reference.failure import PairError
from envlift.reference.spaces import describe
from envlift.reference.types import Array, ArraySpec, Record, SideSpec, StateDict


class VectorSide:
    """Drives a ``VectorEnv`` in lockstep.

    Args:
        env: with ``num_envs`` lanes.
        state_attributes: names of array attributes [B, ...] of ``env.unwrapped`` that hold its
            state; empty if the state cannot be read.

    Raises:
        ValueError: for an autoreset mode or a space that cannot be driven.
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], state_attributes: tuple[str, ...]) -> None:
        self.env = env
        self.num_lanes = env.num_envs
        self._attributes = state_attributes
        self._mode = env.metadata.get("autoreset_mode")
        if self._mode not in (AutoresetMode.SAME_STEP, AutoresetMode.DISABLED):
            raise PairError(
                f"{env!r} has autoreset mode {self._mode}; make it with SAME_STEP or DISABLED, so "
                "that one step of it is one step of the reference"
            )
        action, observation = env.single_action_space, env.single_observation_space
        own = isinstance(env.unwrapped, (SyncVectorEnv, AsyncVectorEnv))
        self._again = self._mode is AutoresetMode.SAME_STEP and own
        self._watch = Watch(_returned(env, self.env.reset(seed=0)[0]))
        self.spec = SideSpec(
            name=repr(env),
            observation=_spec(observation),
            action=_spec(action),
            action_space=describe(action),
            observation_space=describe(observation),
            num_actions=int(action.n) if isinstance(action, spaces.Discrete) else None,
            reseeds=self._mode is AutoresetMode.DISABLED or own,
            state={
                name: ArraySpec(tuple(value.shape[1:]), str(value.dtype))
                for name, value in self.get_state().items()
            },
        )
        self._start = int(action.start) if isinstance(action, spaces.Discrete) else 0

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Start an episode in every lane; a ``VectorEnv`` draws its own chance."""
        observation = self._reset([int(s) for s in seeds], None)
        return Record(observation=np.array(observation), state=self.get_state())

    def notes(self) -> dict[str, tuple[int, str]]:
        """Return what was noticed about what the environment returned, all lanes at once."""
        return self._watch.notes.found

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Play T steps; an ended lane is reset inside the step."""
        records = [
            self._one(row, None if reset_seeds is None else reset_seeds[t])
            for t, row in enumerate(actions)
        ]
        return _stacked(records)

    def _one(self, actions: Array, seeds: Array | None) -> Record:
        given = np.asarray(actions) + self._start
        kept = self._watch.before(given)
        shown = self.env.step(given)
        self._watch.after(given, kept)
        observation, reward, terminated, truncated, info = shown
        self._look(observation, reward, terminated, truncated)
        ended = np.asarray(terminated) | np.asarray(truncated)
        final = observation = np.array(observation)
        if ended.any() and self._mode is AutoresetMode.DISABLED:
            seed = None if seeds is None else [int(s) for s in seeds]
            observation = np.array(self._reset(seed, {"reset_mask": ended}))
        elif ended.any() and "final_obs" in info:
            final = observation.copy()
            for lane in np.flatnonzero(ended):
                last = np.asarray(info["final_obs"][lane])
                signed = last.dtype.kind == final.dtype.kind == "i"
                same = signed and np.array_equal(last, last.astype(final.dtype))
                if last.dtype != final.dtype and not same:
                    told = f"final_obs is {last.dtype}, observations are {final.dtype}"
                    self._watch.notes.add(DTYPE, told)
                final[lane] = last
            if self._again and seeds is not None:
                again = {"reset_mask": ended}
                observation = np.array(self._reset([int(s) for s in seeds], again))
        return Record(
            observation=observation,
            state=self.get_state(),
            reward=np.array(reward),
            terminated=np.array(terminated),
            truncated=np.array(truncated),
            final_observation=final,
        )

    def _look(self, observation: Any, reward: Any, *flags: Any) -> None:
        """Note what is returned in another way than a ``VectorEnv`` returns it."""
        notes = self._watch.notes
        self._watch.observation(observation)
        if np.asarray(reward).dtype.kind in "biu":
            notes.add(REWARD_INT, f"rewards of the dtype {np.asarray(reward).dtype}")
        for name, flag in zip(("terminated", "truncated"), flags, strict=True):
            if not isinstance(flag, np.ndarray) or flag.dtype != np.bool_:
                notes.add(FLAG, f"{name} is a {type(flag).__name__}, not an array of bool")

    def _reset(self, seed: Any, options: dict[str, Any] | None) -> Any:
        """Gymnasium types one seed only, but its vector environments take one for each lane."""
        observation, _ = self.env.reset(seed=seed, options=options)
        self._watch.unchanged("a reset")
        self._watch.observation(observation)
        return observation

    def get_state(self) -> StateDict:
        """Copy the named attributes out."""
        state = {}
        for name in self._attributes:
            if not hasattr(self.env.unwrapped, name):
                raise PairError(
                    f"{self.env!r} has no attribute {name!r}; correct state_attributes in the suite"
                )
            state[name] = np.array(getattr(self.env.unwrapped, name))
        return state

    def set_state(self, state: StateDict) -> None:
        """Copy the named attributes in."""
        for name, value in state.items():
            old = getattr(self.env.unwrapped, name)
            setattr(self.env.unwrapped, name, np.asarray(value).astype(np.asarray(old).dtype))

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Components are methods of the environment that take and give named arrays."""
        function = getattr(self.env.unwrapped, component, None)
        if function is None:
            raise PairError(f"{self.env!r} has no component {component!r}")
        return dict(function(**arguments))

    def coverage(self) -> dict[str, int]:
        """Nothing is counted."""
        return {}

    def close(self) -> None:
        """Close the environment."""
        self.env.close()


def _returned(env: VectorEnv[Any, Any, Any], first: Any) -> Any:
    """Return the space of what is returned: whole numbers may be of any integer dtype."""
    one, dtype = env.single_observation_space, getattr(first, "dtype", None)
    if isinstance(one, spaces.Discrete) and dtype is not None and dtype.kind in "iu":
        count = env.num_envs
        return spaces.MultiDiscrete([int(one.n)] * count, dtype, start=[int(one.start)] * count)
    return env.observation_space


def _spec(space: Any) -> ArraySpec:
    if isinstance(space, spaces.Discrete):
        return ArraySpec((), "int32")
    if space.shape is None or space.dtype is None:
        raise PairError(f"the space {space} has no shape; only Box and Discrete can be compared")
    return ArraySpec(tuple(space.shape), str(space.dtype))


def _stacked(records: list[Record]) -> Record:
    def stack(name: str) -> Array:
        return np.stack([getattr(record, name) for record in records])

    return Record(
        observation=stack("observation"),
        state={n: np.stack([r.state[n] for r in records]) for n in records[0].state},
        reward=stack("reward"),
        terminated=stack("terminated"),
        truncated=stack("truncated"),
        final_observation=stack("final_observation"),
    )
