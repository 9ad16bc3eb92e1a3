"""A candidate that is an ``envlift.Env``: the rules driven as one side of a comparison.

What is driven are the contract's pure functions, with chance as an argument; that the public
``env.step`` is the same thing is checked apart (``transforms``).

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.candidate.actions import layout_of, native
from envlift.candidate.keys import keys_of
from envlift.candidate.probes import PREFIX, answer
from envlift.candidate.states import AnyEnv, state_from_dict, state_to_dict
from envlift.env import Env, autoreset
from envlift.reference.failure import PairError
from envlift.reference.layout import Layout
from envlift.reference.types import Array, ArraySpec, Record, Side, SideSpec, StateDict


class EnvSide:
    """Drives an ``Env`` in lockstep: batched, jitted, with given or own chance.

    Args:
        env: the environment, made with ``autoreset="disabled"``; ended lanes are reset here.
        num_lanes: ``B``.
    """

    probes = True

    def __init__(self, env: AnyEnv, num_lanes: int) -> None:
        self.env = env
        self.num_lanes = num_lanes
        key = jax.random.key(0)
        draws = jax.eval_shape(env.sample_initial, key)
        self._initial_tree = jax.tree.structure(draws)
        state = jax.eval_shape(env.initial, draws)
        self._discrete = isinstance(env.action_space(), gymnasium.spaces.Discrete)
        # What the contract says of itself, that everything is legal, is no mask of the rules.
        own_masks = type(env).legal_actions is not Env.legal_actions
        self._masks = (self._discrete or env.num_players > 1) and own_masks
        self._acting = layout_of(env.action_space(), action=True)
        self._observing = layout_of(env.observation_space())
        action = _action_spec(env.action_space(), self._acting)
        zeros = np.zeros(action.shape, dtype=action.dtype)
        example = self._native(zeros)
        self._step_tree = jax.tree.structure(jax.eval_shape(env.sample, key, state, example))
        observation = jax.eval_shape(env.observe, state)
        self._state_shape = state
        self.spec = SideSpec(
            name=repr(env),
            observation=_observation_spec(observation, self._observing),
            action=action,
            num_actions=_num_actions(env.action_space()),
            action_low=_bound(env.action_space(), "low"),
            action_high=_bound(env.action_space(), "high"),
            state={
                name: ArraySpec(tuple(leaf.shape), str(leaf.dtype))
                for name, leaf in state_to_dict(state).items()
            },
            legal_actions=self._masks,
            reward=_reward_spec(env.num_players),
            action_space=self._acting.space,
            observation_space=self._observing.space,
        )
        self._state: Any = None
        self._keys = jax.random.split(key, num_lanes)
        self._reset_given = jax.jit(jax.vmap(self._initial_record))
        self._reset_own = jax.jit(jax.vmap(lambda k: self._initial_record(env.sample_initial(k))))
        self._steps_given = jax.jit(self._scan_given)
        self._steps_own = jax.jit(self._scan_own)

    # -- Side -----------------------------------------------------------------------------------

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Start an episode in every lane, from given chance or from the seeds."""
        self._keys = keys_of(seeds)
        if chance is None:
            self._state, shown = self._reset_own(self._keys)
        else:
            self._state, shown = self._reset_given(_draws(self._initial_tree, chance))
        return self._record(shown)

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Play T steps; an ended lane starts anew from the step's chance, or from its seed."""
        given = (actions, chance, reset_seeds)
        shown = [
            self._play(*(None if array is None else array[part] for array in given))
            for part in parts(len(actions), self.num_lanes)
        ]
        whole = shown[0]
        if len(shown) > 1:
            whole = jax.tree.map(lambda *pieces: np.concatenate(pieces), *shown)
        return self._record(whole)

    def _play(
        self, actions: Any, chance: Array | None, reset_seeds: Array | None
    ) -> dict[str, Any]:
        played = self._native(np.asarray(actions, dtype=self.spec.action.dtype))
        if chance is None:
            if reset_seeds is None:
                reset_seeds = np.zeros(actions.shape[:2], dtype=np.int64)
            reset_keys = keys_of(reset_seeds)
            self._state, self._keys, shown = self._steps_own(
                self._state, self._keys, played, reset_keys
            )
        else:
            step_draws = _draws(self._step_tree, chance)
            initial_draws = _draws(self._initial_tree, chance)
            self._state, shown = self._steps_given(self._state, played, step_draws, initial_draws)
        return dict(shown)

    def get_state(self) -> StateDict:
        """Copy the state of every lane out, by field name."""
        return {name: np.asarray(leaf) for name, leaf in state_to_dict(self._state).items()}

    def set_state(self, state: StateDict) -> None:
        """Copy a state into every lane; its fields must be exactly the candidate's."""
        self._state = self.state_of(state)

    def state_of(self, state: StateDict) -> Any:
        """Return the environment's own state, batched, made of fields of shape [B', ...]."""
        known = self.spec.state
        if set(state) != set(known):
            raise PairError(
                f"a state of {self.spec.name} has the fields {sorted(known)}, got "
                f"{sorted(state)}; translate it with the suite's to_candidate"
            )
        return state_from_dict(self._state_shape, state)

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Ask a probe; components of an ``Env`` are named by the suite as functions."""
        if component.startswith(PREFIX):
            return answer(self.env, component.removeprefix(PREFIX), arguments)
        raise NotImplementedError(f"{self.spec.name} has no call({component!r}): see Suite")

    def coverage(self) -> dict[str, int]:
        """An ``Env`` counts nothing itself."""
        return {}

    def close(self) -> None:
        """Nothing to release."""

    # -- traced ---------------------------------------------------------------------------------

    def _shown(self, state: Any) -> dict[str, Any]:
        shown = {"observation": self.env.observe(state), "state": state_to_dict(state)}
        if self._masks:
            # Of several players: their masks in a row, as one of a composite action.
            shown["legal_actions"] = self.env.legal_actions(state).reshape(-1)
        return shown

    def _initial_record(self, draws: Any) -> tuple[Any, dict[str, Any]]:
        state = self.env.initial(draws)
        return state, self._shown(state)

    def _one(self, state: Any, action: Any, draws: Any, fresh: Any) -> tuple[Any, dict[str, Any]]:
        nxt = self.env.transition(state, action, draws)
        ended = jnp.logical_or(nxt.terminated, nxt.truncated)
        after = autoreset(ended, fresh, nxt.state)
        return after, {
            **self._shown(after),
            "reward": nxt.reward,
            "terminated": nxt.terminated,
            "truncated": nxt.truncated,
            "final_observation": self.env.observe(nxt.state),
            "final_state": state_to_dict(nxt.state),
        }

    def _scan_given(self, state: Any, actions: Any, step_draws: Any, initial_draws: Any) -> Any:
        def lane(state: Any, action: Any, draws: Any, fresh_draws: Any) -> Any:
            return self._one(state, action, draws, self.env.initial(fresh_draws))

        def body(state: Any, inputs: Any) -> Any:
            return jax.vmap(lane)(state, *inputs)

        return jax.lax.scan(body, state, (actions, step_draws, initial_draws))

    def _scan_own(self, state: Any, keys: Any, actions: Any, reset_keys: Any) -> Any:
        def lane(carry: Any, action: Any, reset_key: Any) -> Any:
            state, key = carry
            key, step_key = jax.random.split(key)
            draws = self.env.sample(step_key, state, action)
            fresh = self.env.initial(self.env.sample_initial(reset_key))
            after, shown = self._one(state, action, draws, fresh)
            return (after, key), shown

        def body(carry: Any, inputs: Any) -> Any:
            return jax.vmap(lane)(carry, *inputs)

        (state, keys), shown = jax.lax.scan(body, (state, keys), (actions, reset_keys))
        return state, keys, shown

    def _native(self, actions: Array) -> Any:
        """Return actions as the rules take them: from the start on, composite ones as a tree."""
        return native(self.env, actions, self._acting)

    def _record(self, shown: dict[str, Any]) -> Record:
        for name in ("observation", "final_observation"):
            if name in shown and not isinstance(shown[name], (np.ndarray, jax.Array)):
                shown = {**shown, name: self._observing.pack_batch(shown[name], f"the {name}")}
        return Record(**cast(dict[str, Any], jax.tree.map(np.asarray, shown)))


def parts(steps: int, lanes: int) -> list[slice]:
    """Cut T steps into pieces that are played one after the other.

    Every number of steps is compiled for itself. One lane plays what is being minimised, each time
    of another length: in pieces of 1, 2, 4, ... steps that takes a handful of compilations.
    """
    if lanes > 1 or steps == 0:
        return [slice(0, steps)]
    found, start = [], 0
    for bit in reversed(range(steps.bit_length())):
        if steps & (1 << bit):
            found.append(slice(start, start + (1 << bit)))
            start += 1 << bit
    return found


def env_of(side: Side) -> AnyEnv | None:
    """Return the environment that a side drives, None if it drives something else."""
    env = getattr(side, "env", None)
    return env if isinstance(env, Env) else None


def _draws(structure: Any, chance: Array) -> Any:
    """Hand the verifier's chance to the rules: one leaf as it is, else the last axis is split."""
    if structure.num_leaves == 0:
        return jax.tree.unflatten(structure, [])
    if structure.num_leaves == 1:
        return jax.tree.unflatten(structure, [jax.device_put(np.array(chance))])
    if chance.ndim == 0 or chance.shape[-1] != structure.num_leaves:
        raise PairError(
            f"the rules draw {structure.num_leaves} numbers but the suite's chance has shape "
            f"{chance.shape}; its last axis must hold one number for each"
        )
    columns: list[Any] = [np.array(chance[..., i]) for i in range(structure.num_leaves)]
    return jax.device_put(jax.tree.unflatten(structure, columns))


def _action_spec(space: gymnasium.Space[Any], layout: Layout) -> ArraySpec:
    if isinstance(space, gymnasium.spaces.Discrete):
        return ArraySpec((), "int32")
    return layout.spec


def _observation_spec(observation: Any, layout: Layout) -> ArraySpec:
    """What is really observed; a composite observation travels flat."""
    if hasattr(observation, "shape") and hasattr(observation, "dtype"):
        return ArraySpec(tuple(observation.shape), str(observation.dtype))
    return layout.spec


def _reward_spec(players: int) -> ArraySpec:
    """Return the spec of a reward: as of every one-player side, or one number per player."""
    return ArraySpec((), "float64") if players == 1 else ArraySpec((players,), "float32")


def _num_actions(space: gymnasium.Space[Any]) -> int | None:
    return int(space.n) if isinstance(space, gymnasium.spaces.Discrete) else None


def _bound(space: gymnasium.Space[Any], name: str) -> tuple[float, ...] | None:
    if not isinstance(space, gymnasium.spaces.Box):
        return None
    return tuple(float(value) for value in getattr(space, name).ravel())
