"""What both sides of a comparison speak in: NumPy arrays with a lane axis ``B``, steps ``T``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
StateDict = dict[str, Array]


@dataclass(frozen=True)
class ArraySpec:
    """Shape and dtype of one array without its ``T`` and ``B`` axes."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class SideSpec:
    """What one side of a comparison is.

    Attributes:
        name: for people, for example ``PufferLib 3.0 pong.h``.
        observation: one observation.
        action: one action.
        num_actions: size of a discrete action space, None for a continuous one.
        action_low, action_high: bounds of a continuous action, flat, else None.
        state: name of each state field -> its spec; empty if state cannot be read.
        chance: spec of the chance of one step, None if the side draws its own.
        legal_actions: whether records hold a mask.
        self_reset: the side resets an ended lane by itself inside the step and cannot show the
            end (``final_observation`` and ``final_state`` are missing).
        reseeds: the episode that follows an end begins by the seed that the step was given; a batch
            that resets its lanes by itself may have no way to.
        pins: what exactly is running: package versions, hashes.
        reward: the reward of one step; its shape is not () with several players.
        action_space, observation_space: the true spaces as ``spaces.describe`` has them, None
            where the side does not tell. A discrete action counts from 0 whatever the start of its
            space; a composite space travels as ``layout.Layout`` says.
        info: name of each number of a step's info -> its spec; ``NAME?`` says whether it was there.
        masked_by_info: the legal actions are what ``action_mask`` of the info says; they are
            compared where the other side declares some too.
        advisory_mask: actions outside of the mask can be played as well.
        clips_actions: a continuous action outside of its bounds is played as the bound.
        unseeded: a seed of -1 resets without a seed.
        time_limit: steps after which a wrapper truncates an episode, None where there is none.
    """

    name: str
    observation: ArraySpec
    action: ArraySpec
    num_actions: int | None = None
    action_low: tuple[float, ...] | None = None
    action_high: tuple[float, ...] | None = None
    state: dict[str, ArraySpec] = field(default_factory=dict)
    chance: ArraySpec | None = None
    legal_actions: bool = False
    self_reset: bool = False
    reseeds: bool = True
    pins: dict[str, str] = field(default_factory=dict)
    reward: ArraySpec = field(default=ArraySpec((), "float64"))
    action_space: dict[str, Any] | None = None
    observation_space: dict[str, Any] | None = None
    clips_actions: bool = False
    info: dict[str, ArraySpec] = field(default_factory=dict)
    masked_by_info: bool = False
    advisory_mask: bool = False
    unseeded: bool = False
    time_limit: int | None = None

    @property
    def choices(self) -> tuple[int, ...] | None:
        """How many choices each part of an action has; a mask has an entry for each, in a row.

        None where an action is not made of choices: no mask fits it.
        """
        if self.num_actions is not None:
            return (self.num_actions,)
        space = self.action_space or {}
        if space.get("kind") != "MultiDiscrete":
            return None
        counts, size = space["nvec"], int(np.prod(space["shape"], dtype=np.int64))
        return tuple(counts) if isinstance(counts, list) else (int(counts),) * size

    @property
    def mask_length(self) -> int | None:
        """A: the entries of a mask, those of all parts of an action in a row; None without."""
        return None if self.choices is None else sum(self.choices)


@dataclass(frozen=True)
class Record:
    """What a side shows of ``T`` steps of ``B`` lanes (a reset has no ``T`` axis).

    Ended lanes are reset inside the step (Gymnasium's ``SAME_STEP``): ``observation``, ``state``
    and ``legal_actions`` are those after that reset, ``final_observation`` and ``final_state``
    those before it (equal to the former where no episode ended), and ``info`` is that of the step.
    """

    observation: Array
    state: StateDict
    reward: Array | None = None
    terminated: Array | None = None
    truncated: Array | None = None
    legal_actions: Array | None = None
    final_observation: Array | None = None
    final_state: StateDict | None = None
    info: StateDict = field(default_factory=dict)


class Side(Protocol):
    """One side of a comparison: a reference in its process, or a candidate."""

    spec: SideSpec
    num_lanes: int

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Start an episode in every lane. seeds: int64 [B]; chance: [B, *chance.shape]."""

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Play T steps. actions: [T, B, *action.shape]; chance: [T, B, *chance.shape];
        reset_seeds: int64 [T, B], the seed of the episode that follows if one ends there.
        """

    def get_state(self) -> StateDict:
        """Copy the state of every lane out, each field [B, *shape]."""

    def set_state(self, state: StateDict) -> None:
        """Copy a state into every lane."""

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Evaluate one component on a batch: every array [B', ...]."""

    def coverage(self) -> dict[str, int]:
        """Return how often each place of the side's own code was reached, where it counts that."""

    def close(self) -> None:
        """Release everything; a child process is gone afterwards."""
