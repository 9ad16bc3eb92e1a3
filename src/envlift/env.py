"""The contract of a fast environment.

Chance is an argument. The rules of an environment are a pure function of the state, the action
and the chance that was drawn, so a single transition can be compared with any reference without
sharing its random generator::

    draws = env.sample_initial(key)                      # chance of a new episode
    state = env.initial(draws)
    draws = env.sample(key, state, action)               # chance of one step
    nxt = env.transition(state, action, draws)           # no random numbers inside
    obs = env.observe(nxt.state)
    mask = env.legal_actions(nxt.state)

On top of it stands the functional API that gymnax users know (gymnax >= 1.0)::

    obs, state = env.reset(key, params)
    obs, state, reward, terminated, truncated, info = env.step(key, state, action, params)

All functions work on ONE environment; ``jax.vmap`` makes the batch. They can be used inside
``jax.jit`` and ``jax.lax.scan`` whichever target (Warp or pure JAX) an environment is written in.

``Game`` is the same for more than one player: a leading axis ``P`` of players on actions,
observations, masks and rewards.
"""

from __future__ import annotations

import abc
import inspect
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, Self, TypeVar, cast, get_args

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector.utils import batch_space

State = TypeVar("State")
Params = TypeVar("Params")
Draws = TypeVar("Draws")

Autoreset = Literal["same_step", "disabled"]
"""What ``step`` does when an episode ends.

``same_step``: the returned state and observation are those of the next episode.
``disabled``: they are those of the end; the caller resets.
Either way ``info["final_observation"]`` is the observation at the end of the step, before a reset.
"""


def autoreset(ended: jax.Array, fresh: Any, last: Any) -> Any:
    """Go on with the next episode where one ended: THE autoreset, wherever one is written in JAX.

    A kernel that resets inside itself is the same, fused; ``envlift verify`` compares the two.

    Args:
        ended: bool scalar, of one environment.
        fresh: a tree of what a reset gives.
        last: the same of the step that was played.

    Returns:
        ``fresh`` where the episode ended, else ``last``.
    """
    return jax.tree.map(lambda new, old: jnp.where(ended, new, old), fresh, last)


class Transition(NamedTuple):
    """What one application of the rules gives.

    Attributes:
        state: the state after the step. At the end of an episode it is the final state of that
            episode: the rules never reset.
        reward: float32 scalar, or one per player.
        terminated: bool scalar; the rules ended the episode.
        truncated: bool scalar; a time limit ended the episode.
    """

    state: Any
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array


@dataclass(frozen=True)
class EnvInfo:
    """What an environment is, for people and for reports.

    Attributes:
        name: the registered name, for example ``pong``.
        version: raised when the behaviour changes.
        backend: the target the rules run in, ``jax`` or ``warp``.
        options: the static options of the constructor.
    """

    name: str
    version: int
    backend: str
    options: Mapping[str, Any]


class MissingMethodError(TypeError):
    """A class derived from ``Env`` leaves out methods; the message shows the lines to write."""


def _lines_to_write(env: type[Any]) -> str:
    """Return the head of every method that a class still has to implement, in their order."""
    order = [name for base in reversed(env.__mro__) for name in vars(base)]
    shown = []
    for name in sorted(env.__abstractmethods__, key=order.index):
        member = inspect.getattr_static(env, name)
        function: Any = member.fget if isinstance(member, property) else member
        taken = inspect.signature(function).parameters.values()
        names = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in taken]
        head = "    @property\n" if isinstance(member, property) else ""
        says = (inspect.getdoc(function) or "").partition("\n")[0]
        shown.append(
            f'{head}    def {name}({", ".join(names)}):\n        """{says}"""\n        ...'
        )
    return "\n\n".join(shown)


class Env(abc.ABC, Generic[State, Params, Draws]):
    """A fast environment: pure functions over one state.

    A class of your own implements ``observation_space``, ``action_space``, ``sample_initial``,
    ``initial``, ``sample``, ``transition`` and ``observe``; ``info`` is made of its name unless it
    is given.

    Static options (frame skip, variants) belong to the constructor; numbers that one may want to
    vary or batch belong to ``params``, a pytree. An instance is hashable by identity and holds no
    mutable state, so that it may be closed over by ``jax.jit``.
    """

    info: EnvInfo
    autoreset: Autoreset = "same_step"
    truncates: bool = True
    """Whether an episode can be truncated; where not, a learner need not value its last state."""
    num_players: int = 1
    """``P``; more than one in a ``Game``."""

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        """Make one, unless methods are missing.

        Raises:
            MissingMethodError: with the lines to write.
        """
        missing = sorted(cls.__abstractmethods__)
        if missing:
            raise MissingMethodError(
                f"{cls.__name__} is no whole environment yet: it has no {', '.join(missing)}. Add "
                f"to the class (docs/own-environment.md shows a whole one):\n\n"
                f"{_lines_to_write(cls)}"
            )
        made = super().__new__(cls)
        if not hasattr(made, "info"):
            made.info = EnvInfo(cls.__name__, 1, "jax", {})
        return made

    def __init__(self, info: EnvInfo | None = None, autoreset: Autoreset = "same_step") -> None:
        if autoreset not in get_args(Autoreset):
            known = ", ".join(get_args(Autoreset))
            raise ValueError(f"autoreset={autoreset!r} is not known; choose one of {known}")
        if info is not None:
            self.info = info
        self.autoreset = autoreset

    # -- what an environment implements ---------------------------------------------------------

    @property
    def default_params(self) -> Params:
        """The parameters of the reference's default configuration; None unless overridden."""
        return cast(Params, None)

    @abc.abstractmethod
    def observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """The space of one observation."""

    @abc.abstractmethod
    def action_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """The space of one action."""

    @abc.abstractmethod
    def sample_initial(self, key: jax.Array, params: Params | None = None) -> Draws:
        """Draw the chance of a new episode."""

    @abc.abstractmethod
    def initial(self, draws: Draws, params: Params | None = None) -> State:
        """Return the first state of an episode, given its chance."""

    @abc.abstractmethod
    def sample(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> Draws:
        """Draw the chance of one step."""

    @abc.abstractmethod
    def transition(
        self, state: State, action: jax.Array, draws: Draws, params: Params | None = None
    ) -> Transition:
        """Apply the rules once. Deterministic: all chance is in ``draws``."""

    @abc.abstractmethod
    def observe(self, state: State, params: Params | None = None) -> jax.Array:
        """Return what the agent sees of ``state``."""

    def legal_actions(self, state: State, params: Params | None = None) -> jax.Array:
        """Return a bool mask over a discrete action space; all true unless overridden.

        Raises:
            TypeError: if the action space is not discrete.
        """
        space = self.action_space(params)
        if not isinstance(space, gymnasium.spaces.Discrete):
            raise TypeError(
                f"{self.info.name} has the action space {space}: only a Discrete space has a mask"
            )
        return jnp.ones(int(space.n), dtype=jnp.bool_)

    def score(self, reward: jax.Array, params: Params | None = None) -> jax.Array:
        """Return what a person would count of a reward, float32 of its shape; by default all of it.

        A learner reports both, and learns from the reward alone.
        """
        return reward

    def split_key(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Split a step's key into one for the step and one for a reset that may follow it."""
        step_key, reset_key = jax.random.split(key)
        return step_key, reset_key

    # -- the functional API ---------------------------------------------------------------------

    def reset(self, key: jax.Array, params: Params | None = None) -> tuple[jax.Array, State]:
        """Start an episode: ``obs, state = env.reset(key)``."""
        state = self.initial(self.sample_initial(key, params), params)
        return self.observe(state, params), state

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> tuple[jax.Array, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step.

        Returns:
            ``obs, state, reward, terminated, truncated, info``. Whether ``obs`` and ``state``
            belong to the next episode after an end is decided by ``autoreset``;
            ``info["final_observation"]`` always belongs to the step just played.
        """
        step_key, reset_key = self.split_key(key)
        nxt = self.transition(state, action, self.sample(step_key, state, action, params), params)
        final_observation = self.observe(nxt.state, params)
        info = {"final_observation": final_observation}
        if self.autoreset == "disabled":
            return final_observation, nxt.state, nxt.reward, nxt.terminated, nxt.truncated, info
        fresh = self.reset(reset_key, params)
        ended = nxt.terminated | nxt.truncated
        obs, state = autoreset(ended, fresh, (final_observation, nxt.state))
        return obs, state, nxt.reward, nxt.terminated, nxt.truncated, info

    def __repr__(self) -> str:
        # Two hundred decks would fill a screen.
        given = self.info.options.items()
        options = ", ".join(f"{key}={reprlib.repr(value)}" for key, value in given)
        return f"<envlift {self.info.name}-v{self.info.version} [{self.info.backend}] {options}>"


class Game(Env[State, Params, Draws]):
    """A fast environment of ``P`` players, ``num_players`` of them.

    An action is int32 [P], a reward float32 [P], ``legal_actions`` bool [P, A], and every leaf of
    an observation begins with an axis [P]; ends are scalars. All players act at every step: who
    has nothing to decide has exactly one legal action. So simultaneous moves and turns are one
    form. What a player may not know must not change what that player observes.

    An action that is not legal is no error: a game says what is played instead, and a step marks
    it in ``info["illegal"]``, bool [P]. A mask is never empty.
    """

    @abc.abstractmethod
    def player_action_space(self, params: Params | None = None) -> gymnasium.spaces.Discrete[Any]:
        """The space of one player's action."""

    @abc.abstractmethod
    def player_observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """The space of one player's observation."""

    @abc.abstractmethod
    def legal_actions(self, state: State, params: Params | None = None) -> jax.Array:
        """Return the masks of all players, bool [P, A]; none is empty."""

    @abc.abstractmethod
    def redraw_hidden(
        self, key: jax.Array, state: State, player: jax.Array, params: Params | None = None
    ) -> State:
        """Return a state with all drawn anew that a player may not know.

        The contract suite demands that the player sees the same observation and mask in it.

        Args:
            key: of the new draw.
            state: it need not have been reached by play.
            player: int32, whose knowledge is kept.
            params: as everywhere.
        """

    def unshaped(self) -> Self:
        """Return the same game paying for its end alone, by which matches are decided.

        A game with an option that shapes rewards overrides it.
        """
        return self

    def action_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """The space of all players' actions."""
        space, players = self.player_action_space(params), self.num_players
        return gymnasium.spaces.MultiDiscrete(
            [int(space.n)] * players, dtype=np.int32, start=[int(space.start)] * players
        )

    def observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """The space of all players' observations."""
        return batch_space(self.player_observation_space(params), self.num_players)

    def bot_observation(self, state: State, params: Params | None = None) -> Any:
        """Return what the game's own ``bots`` see, leaves [P, ...]; by default what players see.

        A game whose observation can be chosen gives its bots the same whatever is chosen.
        """
        return self.observe(state, params)

    def to_act(self, state: State, params: Params | None = None) -> jax.Array:
        """Return who is asked for something, bool [P]; by default who has a choice."""
        return jnp.sum(self.legal_actions(state, params), axis=-1) > 1

    def illegal_actions(
        self, state: State, action: jax.Array, params: Params | None = None
    ) -> jax.Array:
        """Return whose action is not legal, bool [P]; outside of its space counts."""
        space, mask = self.player_action_space(params), self.legal_actions(state, params)
        index = jnp.asarray(action) - int(space.start)
        inside = (index >= 0) & (index < int(space.n))
        chosen = jnp.clip(index, 0, int(space.n) - 1)[..., None]
        return ~(inside & jnp.take_along_axis(mask, chosen, axis=-1)[..., 0])

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> tuple[jax.Array, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step; see ``Env.step``. ``info["illegal"]``: see the class."""
        obs, after, reward, terminated, truncated, info = super().step(key, state, action, params)
        info["illegal"] = self.illegal_actions(state, action, params)
        return obs, after, reward, terminated, truncated, info
