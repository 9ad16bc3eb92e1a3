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
from envlift.train.fused import ENVIRONMENT, Fused
from envlift.train.host import Host

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
    host = Host(SMALL.replace(collector="host"), vector)
    state, parts = breakdown.of_host(host, host.start(), 2)
    assert int(state.update) == 4
    assert all(parts[part] > 0.0 for part in breakdown.PARTS)

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
