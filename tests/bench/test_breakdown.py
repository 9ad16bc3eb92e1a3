"""Dividing the time of training: by scopes, measured, and drawn."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest
from PIL import Image

from envlift import make_vec
from envlift.bench import breakdown, breakdown_plot
from envlift.envs.pong.env import Pong
from envlift.train.config import Config
from envlift.train.learning.fused import ENVIRONMENT, Fused
from envlift.train.learning.host import Host

SMALL = Config(num_envs=8, horizon=4, minibatches=2, epochs=1, hidden=8)


@pytest.mark.parametrize(
    ("scope", "part"),
    [
        ("jit(update)/while/body/environment/vmap(jit(step))/add", "environment"),
        ("jit(update)/while/body/policy/Network/policy/dot_general", "forward"),
        ("jit(update)/while/body/jvp(Network)/value/dot_general", "forward"),
        ("jit(update)/while/body/transpose(jvp(Network))/value/dot_general", "backward"),
        ("jit(update)/while/body/sqrt", "other"),
        ("", "other"),
    ],
)
def test_a_scope_belongs_to_a_part(scope, part):
    assert breakdown.part_of(scope) == part


def test_time_goes_where_the_work_was_traced():
    """A program with one heavy part: the profiler must find it there, whichever part it is."""

    def program(heavy_inside, x):
        def heavy(x):
            for _ in range(8):
                x = jnp.tanh(x @ x)
            return x

        with jax.named_scope(ENVIRONMENT):
            inside = heavy(x) if heavy_inside else x * 2.0
        return inside + (x * 2.0 if heavy_inside else heavy(x))

    x = jnp.eye(400) * 0.5
    for heavy_inside, part in ((True, "environment"), (False, "other")):
        compiled = jax.jit(program, static_argnums=0).lower(heavy_inside, x).compile()
        seconds = breakdown.profiled(lambda run=compiled: run(x), compiled.as_text())
        assert seconds[part] > 0.8 * sum(seconds.values())


def test_a_loop_is_not_counted_beside_what_it_holds():
    def program(x):
        def body(x, _):
            with jax.named_scope(ENVIRONMENT):
                return jnp.tanh(x @ x), None

        return jax.lax.scan(body, x, length=20)[0]

    x = jnp.eye(300) * 0.5
    compiled = jax.jit(program).lower(x).compile()
    seconds = breakdown.profiled(lambda: compiled(x), compiled.as_text())
    assert seconds["environment"] > 0.7 * sum(seconds.values())


def test_operations_of_other_programs_are_not_counted():
    compiled = jax.jit(lambda x: x + 1.0).lower(jnp.ones(3)).compile()
    other = jax.jit(lambda x: jnp.tanh(x @ x))
    with pytest.raises(RuntimeError, match="no operation of the program"):
        breakdown.profiled(lambda: other(jnp.eye(64)), compiled.as_text().replace("jit", "other"))


def test_both_trainers_are_divided_and_go_on(tmp_path):
    fused = Fused(SMALL, Pong(backend="jax"))
    state, seconds = breakdown.of_fused(fused, fused.start(), 2)
    assert int(state.update) == 3
    assert seconds["transfer"] == 0.0
    assert all(seconds[part] > 0.0 for part in ("environment", "forward", "backward", "other"))

    vector = make_vec("pong", num_envs=8, autoreset_mode="same_step", backend="jax")
    host = breakdown.TimedHost(SMALL.replace(collector="host"), vector)
    state, parts = breakdown.of_host(host, host.start(), 2)
    assert int(state.update) == 4
    assert all(parts[part] > 0.0 for part in breakdown.PARTS)
    assert sum(parts.values()) < sum(host.seconds.values())

    whole = sum(parts.values())
    result = {
        "environment": "pong",
        "device": "cpu",
        "cpu": "a machine",
        "measurements": {"host": {"shares": {part: parts[part] / whole for part in parts}}},
    }
    path = tmp_path / "parts.png"
    breakdown_plot.draw(result, path)
    with Image.open(path) as picture:
        assert picture.size[0] == 1200
        assert len(picture.convert("RGB").getcolors(1 << 20)) > len(breakdown.PARTS)


class Clockwork:
    """A host trainer every update of which takes 2 s, divided as a clock would find it."""

    def __init__(self):
        self.seconds = dict.fromkeys(("act", "transfer", "environment", "learn"), 100.0)
        self.program = self

    def as_text(self):
        return "HloModule learn"

    def compile(self, state):
        def step(state):
            for part, spent in (("act", 0.3), ("transfer", 0.2), ("environment", 0.5)):
                self.seconds[part] += spent
            self.seconds["learn"] += 1.0
            return state + 1, {}

        return step


def test_the_hosts_learning_is_divided_as_its_program_is(monkeypatch):
    def profiled(run, program):
        run()
        return {"environment": 0, "transfer": 0, "forward": 1.0, "backward": 2.5, "other": 0.5}

    monkeypatch.setattr(breakdown, "profiled", profiled)
    state, seconds = breakdown.of_host(Clockwork(), 0, 2)
    assert state == 4
    expected = {"environment": 1.0, "transfer": 0.4, "forward": 0.6 + 0.5}
    expected |= {"backward": 1.25, "other": 0.25}
    assert seconds == pytest.approx(expected)


def test_a_timed_host_learns_what_a_plain_one_learns():
    found = []
    for kind in (Host, breakdown.TimedHost):
        vector = make_vec("pong", num_envs=8, autoreset_mode="same_step", backend="jax")
        host = kind(SMALL.replace(collector="host"), vector)
        state = host.start()
        step = host.compile(state)
        for _ in range(2):
            state, metrics = step(state)
        found.append((metrics, state.learner.params))
    for one, other in zip(*map(jax.tree.leaves, found), strict=True):
        assert float(jnp.abs(one - other).max()) == 0.0
