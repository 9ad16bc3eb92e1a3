"""Whole runs: what is kept, what stops one, and that going on is the same as not having stopped."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import textwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.adapters.gymnasium import VectorEnv
from envlift.env import Transition
from envlift.train.config import Config, ConfigError
from envlift.train.learning.fused import Fused
from envlift.train.learning.host import Host
from envlift.train.play import load_policy
from envlift.train.saving import checkpoint
from envlift.train.trainer import (
    DivergedError,
    Recent,
    Trained,
    _Loop,
    check_finite,
    train,
)
from tests.contract.toy import State, Toy

B, T = 16, 8


def config(**changes):
    fields = {
        "env": "toy",
        "total_steps": 6 * B * T,
        "num_envs": B,
        "horizon": T,
        "minibatches": 2,
        "epochs": 2,
        "hidden": 8,
        "learning_rate": 1e-2,
        "checkpoint_every": 2,
    }
    return Config(**(fields | changes))


def leaves(policy):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(policy.params)]


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(leaves(one), leaves(other), strict=True))


class StopAfter:
    """A recorder that sends Ctrl-C."""

    def __init__(self, update):
        self.update = update

    def record(self, row):
        if row["update"] == self.update:
            signal.raise_signal(signal.SIGINT)


def test_equal_seeds_give_equal_policies_and_other_seeds_others():
    one, again, other = (train(config(seed=s), env=Toy()).policy for s in (1, 1, 2))
    assert equal(one, again)
    assert not equal(one, other)


@pytest.mark.parametrize("kind", ["mlp", "gru"])
def test_an_interrupted_run_saves_and_goes_on_bit_for_bit(tmp_path, kind):
    whole = train(config(network=kind, minibatches=1), env=Toy())
    stopped = train(
        config(network=kind, minibatches=1),
        env=Toy(),
        out=tmp_path,
        recorder=StopAfter(3),
    )
    assert stopped.interrupted
    assert 3 <= len(stopped.history) < len(whole.history)
    assert not equal(whole.policy, stopped.policy)
    resumed = train(config(network=kind, minibatches=1), env=Toy(), out=tmp_path, resume=True)
    assert equal(whole.policy, resumed.policy)
    assert resumed.history[0]["update"] == stopped.history[-1]["update"] + 1
    both = stopped.history + resumed.history
    for name in ("policy_loss", "return", "score", "length"):
        assert [row[name] for row in both] == [row[name] for row in whole.history]


class Forgetful(VectorEnv):
    """Our vector, if it could not be saved."""

    save = None


def vector(kind=VectorEnv):
    return kind(Toy(autoreset="disabled"), num_envs=B, autoreset_mode="same_step")


def test_a_host_run_goes_on_bit_for_bit_where_the_environments_can_be_saved(tmp_path):
    hosted = config(collector="host")
    whole = train(hosted, vector_env=vector())
    train(hosted, vector_env=vector(), out=tmp_path, recorder=StopAfter(3))
    resumed = train(hosted, vector_env=vector(), out=tmp_path, resume=True)
    assert equal(whole.policy, resumed.policy)


@pytest.mark.parametrize("where", ["fused", "same_step", "next_step", "disabled"])
def test_an_episode_that_ends_in_its_last_step_is_worth_what_it_gave(where):
    """Ten steps of reward 1, discounted by 0.99: 9.56, and nothing after them."""
    settings = config(
        collector="fused" if where == "fused" else "host",
        total_steps=60 * 160, horizon=10, epochs=8, gae_lambda=1.0,
        learning_rate=2e-2, anneal=True, hidden=16, gamma=0.99, normalize_advantages=False,
    )  # fmt: skip
    if where == "fused":
        given = {"env": Straight()}
    else:
        straight = Straight(autoreset="disabled")
        given = {"vector_env": VectorEnv(straight, num_envs=B, autoreset_mode=where)}
    trained = train(settings, **given)
    policy = trained.policy
    assert {row["length"] for row in trained.history} <= {None, 10.0}
    assert {row["return"] for row in trained.history} <= {None, 10.0}
    seen = np.zeros((1, 1, 2), np.float32)
    _, outputs = policy.network.apply({"params": policy.params}, (), seen, np.ones((1, 1), bool))
    assert float(outputs.value[0, 0]) == pytest.approx(sum(0.99**k for k in range(10)), abs=0.5)


class Straight(Toy):
    """Ten steps; the last one terminates and is truncated."""

    def __init__(self, **options):
        super().__init__(horizon=10, **options)

    def transition(self, state, action, draws, params=None):
        nxt = super().transition(state, action, draws, params)
        over = nxt.state.time >= 10
        state = State(jnp.float32(0.0), nxt.state.time)
        return Transition(state, jnp.float32(1.0), over, over)

    def initial(self, draws, params=None):
        return State(jnp.float32(0.0), jnp.int32(0))


def test_a_resumed_run_counts_no_steps_of_episodes_that_are_gone(tmp_path):
    """Gymnasium's CartPole reported 621 steps in a limit of 500."""

    def straight():
        kind = type("Straightforward", (VectorEnv,), {"save": None})
        return kind(Straight(autoreset="disabled"), num_envs=B, autoreset_mode="same_step")

    hosted = config(collector="host")
    train(hosted, vector_env=straight(), out=tmp_path, recorder=StopAfter(3))
    resumed = train(hosted, vector_env=straight(), out=tmp_path, resume=True)
    assert resumed.history[-1]["episodes"] > 0
    assert {row["length"] for row in resumed.history} == {10.0}
    assert {row["return"] for row in resumed.history} == {10.0}


def test_both_collectors_learn_to_stay_on_the_line():
    """Random walks end early; a policy that turns back in time lives until the time limit."""
    for collector in ("fused", "host"):
        settings = config(
            collector=collector,
            total_steps=40 * 32 * 16,
            num_envs=32,
            horizon=16,
            hidden=32,
            epochs=4,
            learning_rate=5e-3,
        )
        env = (
            {"env": Toy(horizon=20)}
            if collector == "fused"
            else {
                "vector_env": VectorEnv(
                    Toy(horizon=20, autoreset="disabled"), num_envs=32, autoreset_mode="same_step"
                )
            }
        )
        history = train(settings, **env).history
        assert history[-1]["length"] > history[3]["length"] + 3


class Broken(Toy):
    """Its reward or observation becomes NaN late in an episode."""

    def __init__(self, what):
        super().__init__(horizon=20)
        self.what = what

    def transition(self, state, action, draws, params=None):
        nxt = super().transition(state, action, draws, params)
        reward = jnp.where((self.what == "reward") & (nxt.state.time > 9), jnp.nan, nxt.reward)
        return Transition(nxt.state, reward, nxt.terminated, nxt.truncated)

    def observe(self, state, params=None):
        seen = super().observe(state, params)
        return jnp.where((self.what == "observation") & (state.time > 9), jnp.nan, seen)


@pytest.mark.parametrize("what", ["reward", "observation"])
def test_nan_stops_the_run_and_names_the_environment(tmp_path, what):
    with pytest.raises(DivergedError, match=rf"an? {what} of the environment was nan in update 2"):
        train(config(checkpoint_every=1), env=Broken(what), out=tmp_path)
    # What was kept is from before.
    assert checkpoint.latest(tmp_path) == 1


def test_nan_without_a_checkpoint_names_none():
    with pytest.raises(DivergedError, match=r"There is no checkpoint from before it$"):
        train(config(), env=Broken("reward"))


def test_nan_tells_how_far_the_policy_had_moved(tmp_path):
    loop = _Loop(config(), Trained(None), Recent(), None, None, 0.0)
    counts = {"episodes": 0, "return_sum": 0.0, "score_sum": 0.0, "length_sum": 0}
    fine = counts | {"observation": 0.0, "reward": 0.0, "value_loss": 1.0, "gradient_norm": 1.0}
    for update, kl in enumerate((0.01, 3e21, 0.02), start=1):
        loop.note(update, fine | {"approx_kl": kl})
    moved = r"In update 2 the policy had moved by a KL of 3e\+21, where 0.05 is much$"
    with pytest.raises(DivergedError, match=rf"the gradient was nan in update 4.*{moved}"):
        loop.note(4, fine | {"approx_kl": 0.0, "gradient_norm": math.nan})


class Terminate(StopAfter):
    def record(self, row):
        if row["update"] == self.update:
            signal.raise_signal(signal.SIGTERM)


def test_sigterm_saves_as_ctrl_c_does(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    stopped = train(config(checkpoint_every=0), env=Toy(), out=tmp_path, recorder=Terminate(3))
    assert stopped.interrupted
    assert checkpoint.latest(tmp_path) == stopped.history[-1]["update"] < 6
    assert signal.getsignal(signal.SIGTERM) is before


class Intruder:
    """A recorder that begins another run in the same folder."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = []

    def record(self, row):
        try:
            train(config(), env=Toy(), out=self.folder)
        except checkpoint.CheckpointError as error:
            self.seen.append(str(error))


def test_two_runs_do_not_share_a_folder(tmp_path):
    intruder = Intruder(tmp_path)
    train(config(total_steps=2 * B * T), env=Toy(), out=tmp_path, recorder=intruder)
    assert len(intruder.seen) == 2
    assert all(f"another run is at work in {tmp_path}: wait" in told for told in intruder.seen)
    # Afterwards nobody is in the way.
    train(config(), env=Toy(), out=tmp_path, resume=True)


@pytest.mark.parametrize(
    ("env", "options", "message"),
    [
        ("gymnasium:CartPol-v1", {}, r"env = 'gymnasium:CartPol-v1' cannot be made: .*CartPole"),
        ("gymnasium:CartPole-v99", {}, r"cannot be made: .*v99"),
        ("gymnasium:Nobody/CartPole-v1", {}, "cannot be made: .*Nobody"),
        ("gymnasium:CartPole-v1", {"horizn": 3}, r"env_options = .*horizn.* not allowed for CartP"),
    ],
)
def test_gymnasium_ids_that_cannot_be_made_are_told(env, options, message):
    with pytest.raises(ConfigError, match=message):
        train(config(env=env, env_options=options, collector="host"))


def test_what_cannot_be_compiled_is_told():
    with pytest.raises(ConfigError, match=r"is no envlift.Env.*collector = 'host'"):
        train(config(), env=object())


def test_nan_in_the_learner_is_told_from_nan_in_the_environment():
    broken = Fused(config(), Toy())
    state = broken.start()
    params = jax.tree.map(lambda leaf: leaf * jnp.inf, state.learner.params)
    state = state._replace(learner=state.learner._replace(params=params))
    _, metrics = broken.compile(state)(state)
    values = {name: value.item() for name, value in jax.device_get(metrics).items()}
    with pytest.raises(DivergedError, match=r"the value loss was nan in update 1.*learning_rate"):
        check_finite(values, 1, B * T)


def test_a_run_stops_at_its_target():
    endless = config(total_steps=1000 * B * T, target_score=-100.0)
    history = train(endless, env=Toy()).history
    assert len(history) < 40
    assert history[-1]["score"] >= -100.0


def test_nothing_to_resume_is_said(tmp_path):
    with pytest.raises(checkpoint.CheckpointError, match="no checkpoint"):
        train(config(), env=Toy(), out=tmp_path, resume=True)
    with pytest.raises(ValueError, match="resume needs out"):
        train(config(), env=Toy(), resume=True)


def test_a_policy_is_made_again_from_what_it_says_about_itself():
    policy = train(config(), env=Toy()).policy
    again = type(policy).of(policy.about(), policy.params)
    rng = np.random.default_rng(0)
    observation = rng.normal(size=(5, 2)).astype(np.float32)
    noise = rng.random((5, policy.noise_size), dtype=np.float32)
    starts = np.ones(5, bool)
    _, one = policy.act(policy.start(5), observation, starts, noise)
    _, other = again.act(again.start(5), observation, starts, noise)
    np.testing.assert_array_equal(one, other)
    mask = np.zeros((5, 3), bool)
    mask[:, 2] = True
    assert (policy.act(policy.start(5), observation, starts, noise, mask)[1] == 2).all()


def test_states_that_are_names_are_learnt_apart(tmp_path):
    """FrozenLake's 16 places as one number between 0 and 15 cannot be told apart by a small net."""
    lake = config(
        env="gymnasium:FrozenLake-v1", env_options={"is_slippery": False}, collector="host",
        total_steps=16_000, num_envs=16, horizon=32, epochs=4, hidden=32, learning_rate=2e-2,
    )  # fmt: skip
    trained = train(lake, out=tmp_path)
    assert trained.policy.params["encoder_0"]["kernel"].shape == (16, 32)
    assert trained.history[-1]["return"] > 0.8
    again = load_policy(tmp_path)
    assert again.reading == trained.policy.reading
    assert equal(trained.policy, again)


# -- more than one device -----------------------------------------------------------------------

SCRIPT = """
import sys
import jax
processes, number, devices, port = map(int, sys.argv[1:5])
if processes > 1:
    # XLA orders the collectives of a program from its cache differently in each process.
    jax.config.update("jax_enable_compilation_cache", False)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", processes, number)
else:
    jax.config.update("jax_num_cpu_devices", devices)
import numpy as np
from envlift.train.config import Config, ConfigError
from envlift.train.trainer import train
from pathlib import Path
from tests.contract.toy import Toy
settings = Config(**eval(sys.argv[5]) | {"devices": devices})
out = Path(sys.argv[7]) if len(sys.argv) > 7 else None
if out is not None:
    half = settings.replace(total_steps=settings.total_steps // 2, anneal=False)
    train(half, env=Toy(), out=out)
    settings = settings.replace(anneal=False)
trained = train(settings, env=Toy(), out=out, resume=out is not None)
if number == 0:
    leaves = [np.asarray(leaf).ravel() for leaf in jax.tree.leaves(trained.policy.params)]
    losses = [row["value_loss"] for row in trained.history]
    episodes = [row["episodes"] for row in trained.history]
    np.savez(sys.argv[6], params=np.concatenate(leaves), losses=losses, episodes=episodes)
"""


def spread(tmp_path, processes, devices, run=None, **changes):
    """Train in processes of their own; return parameters, losses and episode counts.

    With a folder ``run`` it is done in two halves, the second one resumed.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = tmp_path / "train.py"
    script.write_text(textwrap.dedent(SCRIPT))
    out = tmp_path / f"{processes}-{devices}.npz"
    fields = repr(config(**changes).to_dict())
    children = [
        subprocess.Popen(
            [sys.executable, script, *map(str, (processes, n, devices, port)), fields, out]
            + ([] if run is None else [str(run)]),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for n in range(processes)
    ]
    for child in children:
        _, errors = child.communicate(timeout=300)
        assert child.returncode == 0, errors
    return np.load(out)


@pytest.mark.parametrize("kind", ["mlp", "gru"])
def test_two_devices_learn_what_one_learns(tmp_path, kind):
    alone = spread(tmp_path, 1, 1, network=kind)
    shared = spread(tmp_path, 1, 2, network=kind)
    np.testing.assert_array_equal(alone["episodes"], shared["episodes"])
    # Sums of floats in another order: a few units in the last place, carried along.
    np.testing.assert_allclose(alone["losses"], shared["losses"], rtol=1e-4)
    np.testing.assert_allclose(alone["params"], shared["params"], rtol=1e-3, atol=1e-5)


def test_two_processes_learn_what_one_learns(tmp_path):
    alone = spread(tmp_path, 1, 1)
    shared = spread(tmp_path, 2, 2)
    np.testing.assert_array_equal(alone["episodes"], shared["episodes"])
    np.testing.assert_allclose(alone["losses"], shared["losses"], rtol=1e-4)
    np.testing.assert_allclose(alone["params"], shared["params"], rtol=1e-3, atol=1e-5)


def test_two_processes_save_and_go_on_together(tmp_path):
    """What is spread over processes is gathered; one of them writes, all of them read."""
    run = tmp_path / "run"
    shared = spread(tmp_path, 2, 2, run=run)
    assert checkpoint.steps(run) == [3, 4, 6]
    whole = spread(tmp_path, 1, 1, anneal=False)
    np.testing.assert_array_equal(shared["episodes"], whole["episodes"][3:])
    np.testing.assert_allclose(shared["params"], whole["params"], rtol=1e-3, atol=1e-5)


def test_saving_needs_nothing_the_environments_cannot_give():
    host = Host(config(collector="host"), vector(Forgetful))
    state = host.start()
    assert host.snapshot(state) is state
