import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.bench.benchmark import benchmark_of
from envlift.bench.programs import Program, api_rollout, checksum, random_action
from envlift.envs.pong.env import Pong
from envlift.targets import chance

BATCH, STEPS = 96, 200


def run(backend: str, kind: str, seed: int = 3) -> dict[str, int]:
    env = Pong(backend=backend)  # type: ignore[arg-type]
    program = Program(env, kind, benchmark_of("pong").rollout, BATCH, STEPS)
    return checksum(program.run(seed))


@pytest.mark.parametrize("kind", ["environment", "api"])
def test_both_targets_do_equal_work(kind: str) -> None:
    assert run("jax", kind) == run("warp", kind)


def test_other_seeds_give_other_work() -> None:
    assert run("jax", "api", 3) != run("jax", "api", 4)


def test_a_repetition_begins_where_the_first_began() -> None:
    program = Program(Pong(backend="jax"), "api", None, BATCH, STEPS)
    assert checksum(program.run(3)) == checksum(program.run(3))


def test_the_default_rollout_plays_the_same_games() -> None:
    env = Pong(backend="jax")
    own = Program(env, "environment", benchmark_of("pong").rollout, BATCH, STEPS).run(3)
    default = Program(env, "environment", None, BATCH, STEPS).run(3)
    for ours, theirs in zip(own, default, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_every_observation_is_an_output() -> None:
    env = Pong(backend="jax")
    state = jax.vmap(lambda key: env.reset(key)[1])(chance.lane_keys(jax.random.key(0), 4))
    _, (obs, reward, ended) = api_rollout(env, jax.random.key(1), state, 50)
    assert obs.shape == (50, 4, 8)
    assert reward.shape == ended.shape == (50, 4)
    # The ball moves in every step but the stale one after a point: no observation was dropped.
    assert np.mean(np.any(np.diff(obs, axis=0), axis=-1)) > 0.9


def test_a_checksum_sees_one_number() -> None:
    zeros = (jnp.zeros((5, 8)), jnp.zeros(5, jnp.int32))
    assert checksum(zeros) == {"sum": 0, "numbers": 45}
    assert checksum((zeros[0].at[3, 2].set(0.25), zeros[1])) != checksum(zeros)
    assert checksum((zeros[0], zeros[1].at[2].set(1))) != checksum(zeros)


def test_a_checksum_forgives_the_last_bit() -> None:
    numbers = jnp.arange(500, dtype=jnp.float32) / 500
    for other in (2.0, -2.0):
        assert checksum(jnp.nextafter(numbers, jnp.float32(other))) == checksum(numbers)


def test_random_actions_fill_the_space() -> None:
    keys = chance.lane_keys(jax.random.key(0), 3000)
    discrete = np.asarray(
        jax.vmap(random_action(Pong(backend="jax")), in_axes=(0, None))(keys, None)
    )
    assert sorted(set(discrete.tolist())) == [0, 1, 2]
    assert np.bincount(discrete).min() > 900
    box = np.asarray(
        jax.vmap(random_action(Pong(backend="jax", continuous=True)), in_axes=(0, None))(keys, None)
    )
    assert box.shape == (3000, 1)
    assert -1 <= box.min() < -0.95
    assert 0.95 < box.max() <= 1
