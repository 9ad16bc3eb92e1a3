"""Params other than the default ones reach every function of a candidate that is judged."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from envlift.candidate.params import OPTION, WithParams
from envlift.env import Env
from envlift.envs.pong.env import Params, Pong
from envlift.verify.sides.candidates import open_candidate


def test_a_game_to_one_point_ends_with_it():
    env = WithParams(Pong(backend="jax"), {"max_score": 1})
    assert env.default_params == Params(1)
    assert "max_score" in repr(env)
    states = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 4))[1]
    _, whole = env.random_rollout(jax.random.key(1), states, 200)
    _, usual = Pong(backend="jax").random_rollout(jax.random.key(1), states, 200)
    assert np.asarray(whole.episodes).all()
    assert not np.asarray(usual.episodes).any()


def test_every_function_of_the_contract_is_given_them():
    own = {name for name, value in vars(Env).items() if callable(value) and name[0] != "_"}
    assert own <= set(vars(WithParams)), own - set(vars(WithParams))


def test_an_unknown_param_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="pong has no param 'gravity'; it has max_score"):
        WithParams(Pong(backend="jax"), {"gravity": 3})


def test_a_configuration_gives_params_as_an_option():
    side = open_candidate(lambda **o: Pong(backend="jax", **o), {OPTION: {"max_score": 1}}, 2)
    try:
        side.reset(np.arange(2), np.zeros(2, np.int32))
        played = side.step(np.ones((80, 2), np.int32), np.zeros((80, 2), np.int32))
        assert played.terminated.any(axis=0).all()
    finally:
        side.close()


def test_the_number_of_threads_is_set_where_the_targets_read_it():
    from envlift.candidate.probes import batches
    from envlift.targets import warp_init

    with batches.threads(3):
        assert warp_init.cpu_threads() == 3
    assert batches.THREADS_VARIABLE == warp_init.THREADS_VARIABLE
