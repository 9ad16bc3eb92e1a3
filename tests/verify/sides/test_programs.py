"""How many programs a candidate is compiled into while it is probed: most of the time goes there.

What is sent comes in many shapes, and is not compiled for.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np
import pytest

from envlift.candidate.actions import native
from envlift.candidate.keys import keys_of
from envlift.candidate.probes import answer
from envlift.candidate.states import state_from_dict, state_shape
from tests.contract.toy import Toy

COMPILED = "/jax/core/compile/backend_compile_duration"


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """The programs that are compiled during a test."""
    found: list[str] = []

    def note(event: str, seconds: float, **about: object) -> None:
        found.extend([event] * (event == COMPILED))

    jax.monitoring.register_event_duration_secs_listener(note)
    yield found
    jax.monitoring.unregister_event_duration_listener(note)


@pytest.mark.parametrize("rows", [3, 1_009])
def test_nothing_is_compiled_to_receive_what_is_sent(rows: int, compiled: list[str]) -> None:
    env = Toy()
    shape = state_shape(env)
    compiled.clear()
    state = state_from_dict(
        shape, {"position": np.zeros((rows, 7)), "time": np.arange(7 * rows).reshape(rows, 7)}
    )
    actions = native(env, np.ones((rows, 5), np.int32))
    keys = keys_of(np.arange(rows))
    assert compiled == []
    assert state.time[rows - 1, 6] == 7 * rows - 1
    assert state.position.dtype == np.float32
    assert actions.shape == (rows, 5)
    assert (jax.random.key_data(keys)[:, 1] == np.arange(rows)).all()
    assert compiled, "what is asked of JAX here is seen"


@pytest.mark.parametrize("name", ["vmapped", "singles", "interpreted"])
def test_a_way_is_few_programs_however_many_steps_it_plays(name: str, compiled: list[str]) -> None:
    """Keys and actions of a step are picked without JAX."""
    given = {"seeds": np.arange(3), "actions": np.ones((5, 3), np.int32)}
    answer(Toy(), f"ways.{name}", given)
    counts = []
    for steps in (2, 4):
        jax.clear_caches()
        compiled.clear()
        answer(Toy(), f"ways.{name}", {**given, "steps": np.asarray(steps)})
        counts.append(len(compiled))
    assert counts[0] == counts[1]
    assert counts[0] <= {"vmapped": 4, "singles": 4, "interpreted": 60}[name]


def test_a_batch_is_one_program(compiled: list[str]) -> None:
    fields = {"state.position": np.zeros(4, np.float32), "state.time": np.zeros(4, np.int32)}
    given = {"seeds": np.arange(4), "actions": np.ones(4, np.int32), **fields}
    answer(Toy(), "batch.step", {**given, "lanes": np.asarray(4)})
    compiled.clear()
    answer(Toy(), "batch.step", {**given, "lanes": np.asarray(9)})
    assert len(compiled) == 1
