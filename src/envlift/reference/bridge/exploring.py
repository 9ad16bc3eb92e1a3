"""A short episode of a Gymnasium environment, played to see what it shows; runs in the child."""

from __future__ import annotations

import contextlib
import copy
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from envlift.reference.bridge.infos import Infos, flat_info

STEPS = 256
"""Steps of the longest episode that is played to see what an info holds."""

SECONDS = 1.0
"""Seconds after which it is left; what was not seen by then is listed as not compared."""

PATIENCE = 10.0
"""Seconds after which a step that does not return is given up, and the environment with it."""

Shown = Callable[[Any, Any], Any]


class DoesNotReturn(BaseException):
    """Raised in the middle of a step; no ``except Exception`` of an environment stops it."""


@contextlib.contextmanager
def given_up(seconds: float = PATIENCE) -> Iterator[None]:
    """Raise ``DoesNotReturn`` in what runs for longer, where the system can do that.

    Starting may take minutes, a step may not: one that hangs is to be found where steps are played,
    within their limit.
    """
    here = threading.current_thread() is threading.main_thread()
    if not here or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(signum: int, frame: Any) -> None:
        raise DoesNotReturn

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Actions:
    """Actions of a space, always the same; the space's own generator stays untouched."""

    def __init__(self, space: Any) -> None:
        self._space = space
        try:
            self._space = copy.deepcopy(space)
            self._space.seed(0)
        except Exception:  # a space of one's own need not be seeded
            self._space = space

    def draw(self, mask: Any) -> Any:
        """Draw one, within a mask over the choices of all parts of an action in a row."""
        if mask is None or not mask.any():
            return self._space.sample()
        flags = mask.astype(np.int8)
        if hasattr(self._space, "n"):
            return self._space.sample(mask=flags)
        ends = np.cumsum(np.asarray(self._space.nvec).reshape(-1))
        parts = iter(np.split(flags, ends[:-1]))
        return self._space.sample(mask=_nested(parts, self._space.nvec.shape))


def _nested(parts: Iterator[Any], shape: tuple[int, ...]) -> Any:
    """Put a mask for each part of an action into tuples as its space has them."""
    if not shape:
        return next(parts)
    return tuple(_nested(parts, shape[1:]) for _ in range(shape[0]))


def step(env: Any, actions: Actions, mask: Any) -> Any:
    """Play one step; None where that is not possible."""
    try:
        answer = env.step(actions.draw(mask))
        return answer if isinstance(answer, tuple) and len(answer) == 5 else None
    except Exception:  # what is wrong with it will be said where it is played
        return None


def look(
    env: Any, actions: Actions, first: Any, second: Any, mask_of: Shown
) -> tuple[Infos, list[str]]:
    """Play on to the end of the episode; return the fields of its infos.

    Names that come after the first step are looked at twice, since what is given at an end may tell
    of the clock.

    Args:
        env: one step after a reset by the seed 0.
        actions: what draws the next ones.
        first, second: what the reset and that step returned; None for a step that was impossible.
        mask_of: the mask in an info and an observation.

    Returns:
        The fields, and the names that the environment itself does not repeat.
    """
    shown = [first[1]]
    end = time.monotonic() + SECONDS
    now = second
    while now is not None:
        shown.append(now[4])
        if now[2] or now[3] or len(shown) > STEPS or time.monotonic() > end:
            break
        now = step(env, actions, mask_of(now[4], now[0]))
    infos = Infos(shown)
    early = {name for info in shown[:2] for name, _ in flat_info(info)}
    late = [name for name in infos.fields if name not in early]
    if not late or second is None:
        return infos, []
    again = _again(env, Actions(env.action_space), len(shown), mask_of)
    unrepeated = []
    for name in late:
        one, other = ([_value(infos, info, name) for info in infos_] for infos_ in (shown, again))
        if one != other:
            unrepeated.append(name)
            infos.leave_out(name)
    return infos, unrepeated


def _again(env: Any, actions: Actions, count: int, mask_of: Shown) -> list[Any]:
    """Play the same episode once more."""
    try:
        observation, info = env.reset(seed=0)
    except Exception:
        return []
    shown = [info]
    while len(shown) < count:
        now = step(env, actions, mask_of(info, observation))
        if now is None:
            break
        observation, info = now[0], now[4]
        shown.append(info)
    return shown


def _value(infos: Infos, info: Any, name: str) -> Any:
    values, _ = infos.read(info)
    return np.asarray(values[name]).tobytes(), bool(values[f"{name}?"])
