"""A reference as a Gymnasium ``VectorEnv``, so that policies can be trained in it.

Shape letters: ``B`` environments, ``P`` players of a game.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from envlift.reference.types import Array, ArraySpec, Record, Side, SideSpec

DrawChance = Callable[[np.random.Generator, tuple[int, ...]], Array]

RETURNS = ("legal_actions", "final_observation")
"""What ``open_reference(returns=...)`` should ask for: no state, which would cost time."""

MAX_SEED = 2**31
"""Seeds are below this, so that every reference takes them as they are."""


class ReferenceVectorEnv(gymnasium.vector.VectorEnv[Any, Any, Array]):
    """``B`` lanes of a reference, or of any other ``Side``, in autoreset mode ``SAME_STEP``.

    One step is one message to the reference. Observations are of the side's dtype, rewards [B]
    too, end flags bool [B]. Infos:

    - ``final_obs`` (object array [B] of single observations) and ``_final_obs`` (bool [B]) where
      an episode ended. A side that resets itself (``spec.self_reset``)
      does not show the end: then both are missing. That loses nothing where an episode is
      terminated, since no value follows it; a truncated one cannot be bootstrapped.
    - ``action_mask`` (int8 [B, actions]) and ``_action_mask`` where the side has legal actions.

    All chance comes from one generator of NumPy, in this order: at a reset the seeds of the lanes
    and then their chance; at a step the chance and then, unless the side resets itself, the seeds
    of the episodes that may follow.

    Args:
        side: with B lanes; closed by ``close``. Open a reference with ``returns=RETURNS``.
        draw_chance: ``draw_chance(rng, shape) -> [*shape, *chance.shape]``, the suite's; needed
            where the side is given its chance.
        seed: of the generator until ``reset`` names one; None takes a fresh one.

    Raises:
        ValueError: if ``draw_chance`` is missing, or for a game of several players.
    """

    _several = False

    def __init__(
        self, side: Side, draw_chance: DrawChance | None = None, *, seed: int | None = None
    ) -> None:
        # So that an environment that was refused is not closed when it is collected.
        self.closed = True
        spec = side.spec
        if spec.chance is not None and draw_chance is None:
            raise ValueError(
                f"{spec.name} is given its chance: pass draw_chance, as its suite has it"
            )
        if spec.reward.shape and not self._several:
            raise ValueError(
                f"{spec.name} gives rewards of shape {spec.reward.shape}; a VectorEnv has one "
                "player, whose reward is one number; SeatsVectorEnv shows every seat"
            )
        self.side = side
        self._lanes = self.num_envs = side.num_lanes
        self.metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.SAME_STEP}
        self.single_observation_space = _observation_space(spec.observation)
        self.single_action_space = _action_space(spec)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._draw_chance = draw_chance if spec.chance is not None else None
        self._rng = np.random.default_rng(seed)
        self.closed = False
        self._observation: Array | None = None
        self._mask: Array | None = None

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start an episode in every lane.

        Args:
            seed: of the generator, int >= 0; None lets it go on where it was.
            options: none are known.

        Returns:
            ``observations [B, ...], infos``.

        Raises:
            TypeError: for a seed that is not a whole number.
            ValueError: for options.
        """
        if seed is not None and not isinstance(seed, int | np.integer):
            raise TypeError(f"seed={seed!r} must be one whole number or None")
        if options:
            raise ValueError(f"no reset option is known, there is {next(iter(options))!r}")
        if seed is not None:
            self._rng = np.random.default_rng(int(seed))
        seeds = self._rng.integers(0, MAX_SEED, self._lanes)
        chance = self._draw((self._lanes,))
        record = self.side.reset(seeds, chance)
        return self._seen(record.observation, record.legal_actions)

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Play one step in every lane. actions: [B, *action].

        Returns:
            ``observations, rewards, terminations, truncations, infos``.

        Raises:
            ResetNeeded: before the first ``reset``.
            ValueError: for actions of another shape.
        """
        if self._observation is None:
            raise gymnasium.error.ResetNeeded(
                "call reset() first: there is no episode to play a step of"
            )
        spec = self.side.spec
        action = np.asarray(actions)
        shape = (self._lanes, *spec.action.shape)
        if action.shape != shape:
            raise ValueError(f"actions must have the shape {shape}, they have {action.shape}")
        axes = (1, self._lanes)
        chance = self._draw(axes)
        seeds = None if spec.self_reset else self._rng.integers(0, MAX_SEED, axes)
        record = self.side.step(action.astype(spec.action.dtype)[None], chance, seeds)
        reward, terminated, truncated = _first(record)
        mask = None if record.legal_actions is None else record.legal_actions[0]
        observation, infos = self._seen(record.observation[0], mask)
        ended = terminated | truncated
        if record.final_observation is not None and not spec.self_reset and ended.any():
            final = np.full(self._lanes, None, dtype=object)
            rows = record.final_observation[0, ended]
            final[ended] = np.fromiter(rows, dtype=object, count=len(rows))
            infos |= {"final_obs": final, "_final_obs": ended}
        return observation, reward, terminated, truncated, infos

    def close_extras(self, **kwargs: Any) -> None:
        """Close the side; a child process is gone afterwards."""
        self.side.close()

    def save(self) -> dict[str, Any]:
        """Return where everything stands: the side's state, the generator, what was last seen.

        Every leaf is a NumPy array, so that any checkpoint can hold it. An equal environment that
        is given it by ``restore`` goes on in exactly the same way, as far as the side's state is
        all there is to it (``gymnasium:`` says what is not).

        Raises:
            ValueError: if the side's state cannot be read.
            ResetNeeded: before the first ``reset``.
        """
        if not self.side.spec.state:
            raise ValueError(f"{self.side.spec.name} shows no state, so it cannot be saved")
        if self._observation is None:
            raise gymnasium.error.ResetNeeded("call reset() first: there is nothing to save yet")
        generator = json.dumps(self._rng.bit_generator.state).encode()
        saved: dict[str, Any] = {
            "state": self.side.get_state(),
            "generator": np.frombuffer(generator, np.uint8).copy(),
            "observation": self._observation.copy(),
        }
        return saved if self._mask is None else {**saved, "mask": self._mask.copy()}

    def restore(self, saved: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
        """Go on from what ``save`` returned.

        Returns:
            ``observations, infos`` as the step or reset before ``save`` returned them.
        """
        if self._observation is None:
            # Some references have no state to write into before their first episode.
            self.reset()
        self.side.set_state({name: np.asarray(value) for name, value in saved["state"].items()})
        words = bytes(np.asarray(saved["generator"], np.uint8))
        self._rng = np.random.default_rng()
        self._rng.bit_generator.state = json.loads(words)
        mask = saved.get("mask")
        return self._seen(np.array(saved["observation"]), None if mask is None else np.array(mask))

    def _draw(self, axes: tuple[int, ...]) -> Array | None:
        return None if self._draw_chance is None else self._draw_chance(self._rng, axes)

    def _seen(self, observation: Array, mask: Array | None) -> tuple[Array, dict[str, Any]]:
        self._observation, self._mask = observation, mask
        if mask is None:
            return observation, {}
        present = np.ones(self._lanes, dtype=np.bool_)
        return observation, {"action_mask": mask.astype(np.int8), "_action_mask": present}


class SeatsVectorEnv(ReferenceVectorEnv):
    """Every seat of a reference's games as an environment: ``B * P`` in all, game by game.

    All seats of a game end in the same step, each sees what its player sees and earns what that
    player earns. One policy that plays all of them learns by self-play. Arguments and infos are
    those of ``ReferenceVectorEnv``.

    Raises:
        ValueError: if ``draw_chance`` is missing, for a side of one player, or for one whose
            players have other than equally many choices.
    """

    _several = True

    def __init__(
        self, side: Side, draw_chance: DrawChance | None = None, *, seed: int | None = None
    ) -> None:
        super().__init__(side, draw_chance, seed=seed)
        spec, shape = side.spec, side.spec.reward.shape
        if not shape:
            self.closed = True
            raise ValueError(f"{spec.name} has one player; use ReferenceVectorEnv")
        (self.num_players,) = shape
        choices = spec.choices or ()
        if len(choices) != self.num_players or len(set(choices)) != 1:
            self.closed = True
            raise ValueError(
                f"{spec.name} has {self.num_players} players with {choices or 'no'} choices; every "
                "player needs one choice, among equally many"
            )
        self.num_envs = self._lanes * self.num_players
        seen = spec.observation
        self.single_observation_space = _observation_space(ArraySpec(seen.shape[1:], seen.dtype))
        self.single_action_space = spaces.Discrete(choices[0])
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start all games; see ``ReferenceVectorEnv.reset``."""
        return self._shown(*super().reset(seed=seed, options=options))

    def step(self, actions: Any) -> tuple[Array, Array, Array, Array, dict[str, Any]]:
        """Play one step in every game. actions: [B * P]."""
        joint = np.asarray(actions).reshape(self._lanes, self.num_players)
        observation, reward, terminated, truncated, infos = super().step(joint)
        observation, infos = self._shown(observation, infos)
        terminated, truncated = (
            np.repeat(each, self.num_players) for each in (terminated, truncated)
        )
        return observation, reward.reshape(-1), terminated, truncated, infos

    def restore(self, saved: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
        """Go on from what ``save`` returned."""
        return self._shown(*super().restore(saved))

    def _shown(self, observation: Array, infos: dict[str, Any]) -> tuple[Array, dict[str, Any]]:
        """Return the seats of all games in a row."""
        players, shown = self.num_players, {}
        for name, values in infos.items():
            if name == "action_mask":
                shown[name] = values.reshape(self.num_envs, -1)
            elif name == "final_obs":
                final = np.full(self.num_envs, None, dtype=object)
                for game in np.flatnonzero(infos["_final_obs"]):
                    for seat in range(players):
                        final[game * players + seat] = values[game][seat]
                shown[name] = final
            else:
                shown[name] = np.repeat(values, players)
        return observation.reshape(self.num_envs, *observation.shape[2:]), shown


def _first(record: Record) -> tuple[Array, Array, Array]:
    assert record.reward is not None
    assert record.terminated is not None
    assert record.truncated is not None
    return record.reward[0], record.terminated[0], record.truncated[0]


def _observation_space(spec: ArraySpec) -> spaces.Space[Any]:
    """A side tells no bounds of its observations: the widest box of its dtype."""
    low, high = _widest(spec.dtype)
    return spaces.Box(low, high, spec.shape, np.dtype(spec.dtype).type)


def _action_space(spec: SideSpec) -> spaces.Space[Any]:
    if spec.num_actions is not None:
        return spaces.Discrete(spec.num_actions)
    dtype = np.dtype(spec.action.dtype)
    low, high = (
        np.full(spec.action.shape, widest, dtype)
        if bound is None
        else np.reshape(np.asarray(bound, dtype), spec.action.shape)
        for widest, bound in zip(
            _widest(spec.action.dtype), (spec.action_low, spec.action_high), strict=True
        )
    )
    return spaces.Box(low, high, dtype=dtype.type)


def _widest(dtype: str) -> tuple[Any, Any]:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return -np.inf, np.inf
    if kind.kind == "b":
        return 0, 1
    return np.iinfo(kind).min, np.iinfo(kind).max
