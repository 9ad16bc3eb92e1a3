"""Warp rules under load: threads, interrupts, a broken cache, several devices, too many lanes."""

import os
import signal
import subprocess
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import warp as wp

from envlift import registry
from envlift.targets import warp as target
from envlift.targets import warp_private
from envlift.targets.warp import BatchedRule

from . import rules
from .rules import ADD, WALK


def python(code, **environment):
    # Without programs that workers share: one that another is just writing is a warning, and what
    # these print is compared whole.
    alone = {"JAX_PLATFORMS": "cpu", "JAX_ENABLE_COMPILATION_CACHE": "false"}
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | alone | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


THREADS = """
import sys, threading, traceback
import jax, jax.numpy as jnp
import envlift

start, failed = threading.Barrier(6), []

def work(number):
    try:
        start.wait()
        env = envlift.make("pong", backend="warp")
        keys = jax.random.split(jax.random.key(0), 5 + number // 3)
        _, state = jax.jit(jax.vmap(env.reset))(keys)
        actions = jnp.zeros(len(keys), jnp.int32)
        step = jax.jit(jax.vmap(lambda *given: env.step(*given)[:3]))
        jax.block_until_ready(step(keys, state, actions))
    except BaseException:
        failed.append(traceback.format_exc())

threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
sys.exit(failed[0] if failed else 0)
"""


def test_threads_that_compile_at_once_with_an_empty_cache(tmp_path):
    done = python(THREADS, WARP_CACHE_PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert any(tmp_path.rglob("*.o")), "nothing was compiled: the test saw no compiler"


def test_what_is_made_once_is_made_by_one_thread_while_the_others_wait():
    start, made = threading.Barrier(4), []

    @warp_private.made_once
    def make(name, *, size=1):
        made.append(name)
        time.sleep(0.05)
        return object()

    results = []

    def work():
        start.wait()
        results.append(make("rule", size=2))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["rule"]
    assert len(results) == 4
    assert all(result is results[0] for result in results)
    assert make("rule", size=3) is not results[0]


def test_threads_that_ask_the_registry_first_see_all_environments(monkeypatch):
    known = registry.list_envs()
    monkeypatch.setattr(registry, "_registrations", {})
    monkeypatch.setattr(registry, "_vectors", {})
    monkeypatch.setattr(registry, "_scanned", set())
    monkeypatch.setattr(registry, "_complete", False)
    real = registry.importlib.import_module
    monkeypatch.setattr(
        registry.importlib, "import_module", lambda name: (time.sleep(0.05), real(name))[1]
    )
    start, seen = threading.Barrier(4), []

    def work():
        start.wait()
        seen.append(registry.list_envs())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [known] * 4
    assert "pong" in known


def test_an_environment_that_cannot_be_imported_is_not_forgotten(monkeypatch):
    registry.list_envs()
    monkeypatch.setattr(registry, "_registrations", {})
    monkeypatch.setattr(registry, "_vectors", {})
    monkeypatch.setattr(registry, "_scanned", set())
    monkeypatch.setattr(registry, "_complete", False)
    real = registry.importlib.import_module

    def broken(name):
        if name.endswith("pong"):
            raise ImportError("broken on purpose")
        return real(name)

    monkeypatch.setattr(registry.importlib, "import_module", broken)
    for _ in range(2):
        with pytest.raises(ImportError, match="broken on purpose"):
            registry.list_envs()
    monkeypatch.setattr(registry.importlib, "import_module", real)
    assert "pong" in registry.list_envs()


INTERRUPT = """
import signal, time
import jax, jax.numpy as jnp
jax.config.update("jax_cpu_enable_async_dispatch", False)
from envlift.targets import warp_cpu
from tests.targets.rules import ADD

arrays = [jnp.arange(5, dtype=jnp.int32)] * 3 + [jnp.ones(5)]
play = jax.jit(jax.vmap(ADD))
first = [r.tolist() for r in play(*arrays)]
run = warp_cpu.Callback.run

def interrupted(self, *rest):
    signal.raise_signal(signal.SIGINT)
    run(self, *rest)

warp_cpu.Callback.run = interrupted
said = []
try:
    try:
        jax.block_until_ready(play(*arrays))
    except ValueError as error:
        said.append(str(error))
    time.sleep(60)
except KeyboardInterrupt:
    said.append("interrupted")
warp_cpu.Callback.run = run
assert said[-1] == "interrupted", said
assert len(said) == 1 or "KeyboardInterrupt" in said[0], said
assert [r.tolist() for r in play(*arrays)] == first
"""


def test_ctrl_c_in_a_launch_is_told_after_xla_was_left_and_work_goes_on():
    done = python(INTERRUPT)
    assert (done.returncode, done.stderr) == (0, "")


def test_ctrl_c_elsewhere_is_as_always():
    jax.block_until_ready(ADD(*[jnp.int32(1)] * 3, jnp.float32(1)))
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("cut", ["nothing", "half", "junk"])
def test_a_broken_file_in_the_cache_is_compiled_anew(tmp_path, monkeypatch, cut):
    monkeypatch.setattr(wp.config, "kernel_cache_dir", str(tmp_path))
    rule = BatchedRule(rules.add, rules.Count, {}, name=f"tests.broken.{cut}")
    arrays = [np.arange(3, dtype=np.int32)] * 3 + [np.ones(3, np.float32)]
    kernel = rule.launch(target._layout(rule, arrays, None, (), ()), 1, 3, False).kernel
    warp_private.load(kernel, wp.get_device("cpu"), 1)
    (file,) = tmp_path.rglob("*.o")
    good = file.read_bytes()
    broken = {"nothing": b"", "half": good[: len(good) // 2], "junk": b"x" * 999}[cut]
    file.write_bytes(broken)
    kernel.module.unload()
    with pytest.raises(Exception, match="Failed to load CPU module"):
        warp_private._hooks(kernel, wp.get_device("cpu"), 1)
    assert file.read_bytes() == broken
    assert warp_private.load(kernel, wp.get_device("cpu"), 1).forward
    assert file.read_bytes() == good
    np.testing.assert_array_equal(jax.vmap(rule)(*arrays)[0], [1, 4, 7])


def test_a_kernel_that_never_loads_names_the_folder_to_delete(monkeypatch, tmp_path):
    def fail(*given):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(warp_private, "_hooks", fail)
    monkeypatch.setattr(warp_private, "_folder", lambda *given: tmp_path / "kernel")
    with pytest.raises(RuntimeError, match=r"broken on purpose.*delete the folder .*kernel"):
        jax.vmap(ADD)(*[jnp.arange(11, dtype=jnp.int32)] * 3, jnp.ones(11))


def test_a_cache_folder_that_cannot_be_made_is_told_in_a_sentence():
    code = "import envlift; envlift.make('pong', backend='warp')"
    done = python(code, WARP_CACHE_PATH="/dev/null/cache")
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ValueError: Warp's kernel cache cannot be used")
    assert "WARP_CACHE_PATH" in last


DEVICES = """
import re
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import envlift

env = envlift.make("pong", backend="warp")
keys = jax.random.split(jax.random.key(0), 64)
_, state = jax.vmap(env.reset)(keys)
actions = jnp.arange(64) % 3

def play(keys, state, actions):
    def body(state, _):
        seen, state, reward, ended, _, info = jax.vmap(env.step)(keys, state, actions)
        return state, (seen, reward, ended, info["final_observation"])
    rolled = env.random_rollout(jax.random.key(1), state, 4, keep_observations=True)
    return jax.lax.scan(body, state, length=5), rolled

wanted = jax.jit(play)(keys, state, actions)
lanes = NamedSharding(Mesh(np.array(jax.devices()), ("lanes",)), PartitionSpec("lanes"))
given = jax.device_put((keys, state, actions), lanes)
compiled = jax.jit(play).lower(*given).compile()
text = compiled.as_text()
assert "all-gather" not in text, text.count("all-gather")
batches = [int(n) for n in re.findall('custom_call_target="envlift[^"]*_([0-9]+)_[0-9]+"', text)]
assert batches and set(batches) == {16}, batches
for want, got in zip(jax.tree.leaves(wanted), jax.tree.leaves(compiled(*given)), strict=True):
    np.testing.assert_array_equal(got, want)
    assert len(got.sharding.device_set) == 4
"""


def test_each_of_several_devices_plays_its_own_lanes():
    done = python(DEVICES, XLA_FLAGS="--xla_force_host_platform_device_count=4")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("lanes", [2**31 - 1, 2**30 + 2**29])
def test_more_lanes_than_a_kernel_can_index_are_refused_by_name(lanes):
    kinds = [(np.float32, (2,)), (np.int32, ()), (np.uint32, ())]
    kinds += [(np.uint32, ())] * 2 + [(np.float32, ()), (np.bool_, ())]
    shapes = [jax.ShapeDtypeStruct((lanes, *shape), dtype) for dtype, shape in kinds]
    with pytest.raises(ValueError, match=r"place of shape \(.*play fewer environments per call"):
        jax.eval_shape(jax.vmap(WALK), *shapes)


def test_an_input_too_large_to_index_is_refused(monkeypatch):
    monkeypatch.setattr(target, "MAX_ELEMENTS", 7)
    arrays = [jnp.zeros(8, jnp.int32)] * 3 + [jnp.zeros(8)]
    with pytest.raises(ValueError, match=r"total of shape \(8,\) has more than 7 numbers"):
        jax.vmap(ADD)(*arrays)


def test_a_rule_for_observations_is_made_once(monkeypatch):
    import envlift
    from envlift.envs.pong.rules import warp_batched

    env = envlift.make("pong", backend="warp")
    state = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 3))[1]
    first = jax.vmap(env.compute_observations)(state)
    made = []
    monkeypatch.setattr(
        warp_batched, "BatchedRule", lambda *a, **k: made.append(a) or BatchedRule(*a, **k)
    )
    np.testing.assert_array_equal(jax.vmap(env.compute_observations)(state), first)
    assert made == []
