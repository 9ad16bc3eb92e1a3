"""Checkpoints come back bit for bit, are whole or not there, and say what does not fit."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from envlift.train.saving import checkpoint
from envlift.train.saving.checkpoint import CheckpointError


class Learner(NamedTuple):
    """What a trainer may hold, in small."""

    params: dict[str, Any]
    optimiser: tuple[Any, ...]
    key: jax.Array
    nothing: None = None


def learner(hidden: int = 3, lanes: int = 4) -> Learner:
    weights = {"kernel": jnp.arange(2.0 * hidden).reshape(2, hidden), "bias": jnp.zeros(hidden)}
    return Learner(
        {"torso": weights}, (jnp.int32(7), ()), jax.random.split(jax.random.key(5), lanes)
    )


SPECIAL = np.array([0.0, -0.0, np.inf, np.nan, 1e-45], np.float32)
# A NaN of one's own: equal only if bits, not values, are kept.
SPECIAL.view(np.uint32)[3] |= 0x1234
DTYPES = [
    *("bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"),
    *("float16", "float32", "float64", "complex64", "bfloat16", "float8_e4m3fn", "int4"),
]


def bits(value: Any) -> tuple[str, tuple[int, ...], bytes]:
    if isinstance(value, jax.Array) and jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        return (str(value.dtype), value.shape, np.asarray(jax.random.key_data(value)).tobytes())
    return (str(value.dtype), value.shape, np.asarray(value).tobytes())


def there_and_back(folder: Path, tree: Any, like: Any = None) -> Any:
    checkpoint.save(folder, 1, tree, {})
    found, _ = checkpoint.restore(folder, tree if like is None else like)
    assert jax.tree.structure(found) == jax.tree.structure(tree)
    for old, new in zip(jax.tree.leaves(tree), jax.tree.leaves(found), strict=True):
        assert bits(old) == bits(new)
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_comes_back_bit_for_bit(tmp_path: Path, dtype: str) -> None:
    dtype = np.dtype(getattr(ml_dtypes, dtype, dtype))
    values = np.arange(6).astype(dtype).reshape(2, 3)
    tree = {"matrix": values, "scalar": values[1, 2].reshape(()), "empty": values[:0]}
    assert all(type(v) is np.ndarray for v in there_and_back(tmp_path, tree).values())


def test_every_bit_of_a_float_counts(tmp_path: Path) -> None:
    there_and_back(tmp_path, {"numpy": SPECIAL, "jax": jnp.asarray(SPECIAL)})


def test_a_learner_comes_back_as_jax_arrays(tmp_path: Path) -> None:
    found = there_and_back(tmp_path, learner())
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(found))
    # The keys are keys again, and go on as before.
    assert jnp.array_equal(jax.random.bits(found.key[2]), jax.random.bits(learner().key[2]))


@pytest.mark.parametrize("generator", ["threefry2x32", "rbg", "unsafe_rbg"])
def test_keys_of_every_generator(tmp_path: Path, generator: str) -> None:
    key = jax.random.key(3, impl=generator)
    found = there_and_back(tmp_path, {"one": key, "none": jax.random.split(key, 2)[:0]})
    assert jax.random.key_impl(found["one"]) == generator
    assert jax.random.key_impl(found["none"]) == generator


def test_keys_of_another_generator_do_not_fit(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, jax.random.key(0, impl="rbg"), {})
    with pytest.raises(CheckpointError, match=r"key<rbg>\[\], expected key<fry>\[\]"):
        checkpoint.restore(tmp_path, jax.random.key(0))


@pytest.mark.parametrize("tree", [{}, (), None, {"a": (), "b": None}, np.zeros((0, 3))], ids=repr)
def test_trees_with_nothing_in_them(tmp_path: Path, tree: Any) -> None:
    there_and_back(tmp_path, tree)


def test_a_model_need_not_exist(tmp_path: Path) -> None:
    like = jax.eval_shape(learner)
    found = there_and_back(tmp_path, learner(), like)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(found))


def test_python_numbers_stay_python_numbers(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 1, [True, 7, 0.1, np.float64(0.1)], {})
    found, _ = checkpoint.restore(tmp_path, [False, 0, 0.0, np.float64(0)])
    assert list(map(repr, found[:3])) == ["True", "7", "0.1"]
    assert [type(leaf) for leaf in found] == [bool, int, float, np.ndarray]


def test_a_part_of_a_tree(tmp_path: Path) -> None:
    saved = learner()
    checkpoint.save(tmp_path, 1, saved, {"a": 1})
    found, about = checkpoint.restore(tmp_path, saved.params["torso"], part=".params['torso']")
    assert {name: bits(leaf) for name, leaf in found.items()} == {
        name: bits(leaf) for name, leaf in saved.params["torso"].items()
    }
    assert about == {"a": 1}
    like = {"kernel": saved.params["torso"]["kernel"]}
    with pytest.raises(CheckpointError, match=r"\.params\['torso'\]\['bias'\] is .*, not expected"):
        checkpoint.restore(tmp_path, like, part=".params['torso']")


def test_about_is_plain_json_beside_the_arrays(tmp_path: Path) -> None:
    about = {"config": {"env": "pong"}, "steps": 12}
    folder = checkpoint.save(tmp_path, 12, learner(), about)
    assert json.loads((folder / "about.json").read_text()) == about
    assert checkpoint.read_about(tmp_path) == about
    assert checkpoint.restore(tmp_path, learner())[1] == about


def test_the_newest_are_kept(tmp_path: Path) -> None:
    # 9 and 10: the order is that of numbers, not of text.
    for step in (9, 1000000000000, 10, 20):
        checkpoint.save(tmp_path, step, np.int64(step), {"step": step})
    assert checkpoint.steps(tmp_path) == [10, 20, 1000000000000]
    assert checkpoint.latest(tmp_path) == 1000000000000
    found, about = checkpoint.restore(tmp_path, np.int64(0), 10)
    assert (int(found), about) == (10, {"step": 10})
    checkpoint.save(tmp_path, 1000000000001, np.int32(0), {}, keep=1)
    assert checkpoint.steps(tmp_path) == [1000000000001]


def test_a_step_is_replaced(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, 5, np.int32(1), {"try": 1})
    checkpoint.save(tmp_path, 5, np.int32(2), {"try": 2})
    found, about = checkpoint.restore(tmp_path, np.int32(0))
    assert (int(found), about) == (2, {"try": 2})
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["000000000005"]


@pytest.mark.parametrize("when", ["_write_arrays", "_write", "Path.rename"])
def test_an_interrupted_save_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    checkpoint.save(tmp_path, 1, np.int32(1), {})
    real = checkpoint._write_arrays

    def interrupted(*arguments: Any) -> None:
        if when == "_write_arrays":
            real(*arguments)  # the arrays are there; what follows is not
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"envlift.train.saving.checkpoint.{when}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            checkpoint.save(tmp_path, 2, np.int32(2), {})
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    assert checkpoint.latest(tmp_path) == 1
    assert int(checkpoint.restore(tmp_path, np.int32(0))[0]) == 1
    checkpoint.save(tmp_path, 3, np.int32(3), {})
    assert sorted(p.name[-1] for p in (tmp_path / "checkpoints").iterdir()) == ["1", "3"]


KILLED = """
import os, signal, sys
import numpy as np
from pathlib import Path
from envlift.train.saving import checkpoint
folder = Path(sys.argv[1])
checkpoint.save(folder, 1, np.arange(5), {})
Path.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
checkpoint.save(folder, 2, np.arange(6), {})
"""


def test_a_killed_process_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert checkpoint.latest(tmp_path) == 1
    found, _ = checkpoint.restore(tmp_path, np.zeros(5, np.int64))
    np.testing.assert_array_equal(found, np.arange(5))


class TestWhatDoesNotFit:
    def test_the_path_and_both_shapes_are_named(self, tmp_path: Path) -> None:
        checkpoint.save(tmp_path, 1, learner(hidden=3), {})
        message = r"\.params\['torso'\]\['kernel'\] is float32\[2, 3\], expected float32\[2, 5\]"
        with pytest.raises(CheckpointError, match=message):
            checkpoint.restore(tmp_path, learner(hidden=5))

    def test_a_dtype_counts(self, tmp_path: Path) -> None:
        checkpoint.save(tmp_path, 1, np.zeros(3, np.float32), {})
        with pytest.raises(CheckpointError, match=r"float32\[3\], expected float16\[3\]"):
            checkpoint.restore(tmp_path, np.zeros(3, np.float16))

    def test_missing_and_surplus_arrays(self, tmp_path: Path) -> None:
        checkpoint.save(tmp_path, 1, {"a": np.zeros(3), "old": np.zeros(2)}, {})
        with pytest.raises(
            CheckpointError, match=r"\['b'\] is missing.*\['old'\] is float64\[2\], n"
        ):
            checkpoint.restore(tmp_path, {"a": np.zeros(3), "b": np.zeros(1)})

    def test_many_differences_are_counted(self, tmp_path: Path) -> None:
        checkpoint.save(tmp_path, 1, [np.zeros(1)] * 9, {})
        with pytest.raises(CheckpointError, match="and 6 more"):
            checkpoint.restore(tmp_path, [np.zeros(2)] * 9)

    def test_the_setting_that_differs_is_named(self, tmp_path: Path) -> None:
        saved = {"hidden": 3, "num_envs": 4, "epochs": 4}
        checkpoint.save(tmp_path, 1, learner(hidden=3), {"config": saved})
        with pytest.raises(CheckpointError, match=r"saved with hidden = 3, not 5\.$"):
            checkpoint.restore(
                tmp_path, learner(5), config={"hidden": 5, "num_envs": 4, "epochs": 9}
            )
        with pytest.raises(
            CheckpointError, match=r"hidden = 3, num_envs = 4: one of these probably"
        ):
            checkpoint.restore(tmp_path, learner(5))
        with pytest.raises(CheckpointError, match=r"settings are the same: .* another version"):
            checkpoint.restore(tmp_path, learner(5), config=saved)

    def test_a_leaf_that_is_no_array(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match=r"\['n'\] is a str, neither array nor number"):
            checkpoint.save(tmp_path, 1, {"n": "x"}, {})

    def test_a_number_is_no_array(self, tmp_path: Path) -> None:
        checkpoint.save(tmp_path, 1, 3, {})
        with pytest.raises(CheckpointError, match=r"int\[\], expected int64\[\]"):
            checkpoint.restore(tmp_path, np.int64(3))

    def test_about_that_is_no_json(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match="not JSON serializable"):
            checkpoint.save(tmp_path, 1, {}, {"x": np.zeros(3)})
        assert checkpoint.latest(tmp_path) is None

    @pytest.mark.parametrize(("step", "keep"), [(-1, 3), (1, 0)])
    def test_numbers_out_of_range(self, tmp_path: Path, step: int, keep: int) -> None:
        with pytest.raises(ValueError, match=f"step = {step}, keep = {keep}"):
            checkpoint.save(tmp_path, step, {}, {}, keep=keep)


class TestWhatIsNotThere:
    def test_no_folder_and_no_checkpoint(self, tmp_path: Path) -> None:
        for folder in (tmp_path, tmp_path / "nowhere"):
            assert checkpoint.latest(folder) is None
            with pytest.raises(CheckpointError, match=f"no checkpoint in {folder}"):
                checkpoint.restore(folder, {})

    def test_no_such_step(self, tmp_path: Path) -> None:
        checkpoint.save(tmp_path, 4, {}, {})
        with pytest.raises(CheckpointError, match=r"no checkpoint of step 5 .* there are \[4\]"):
            checkpoint.restore(tmp_path, {}, 5)

    @pytest.mark.parametrize("name", ["about.json", "tree.json", "arrays/manifest.ocdbt"])
    def test_a_damaged_file(self, tmp_path: Path, name: str) -> None:
        # One array: Orbax gives up at the first one that fails and leaves others to be read into a
        # closed event loop, which would show as a warning.
        folder = checkpoint.save(tmp_path, 1, np.zeros(3), {})
        (folder / name).write_text("{")
        with pytest.raises(CheckpointError, match=f"{name.split('/')[0]} is damaged"):
            checkpoint.restore(tmp_path, np.zeros(3))


@pytest.mark.parametrize("way", ["disk", "orbax"])
def test_a_full_disk_is_told_and_leaves_the_checkpoint_before(tmp_path, monkeypatch, way):
    tree = {"w": np.arange(5.0)}
    checkpoint.save(tmp_path, 1, tree, {})
    if way == "disk":
        usage = shutil.disk_usage(tmp_path)._replace(free=1000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        reason = r"no space left on device: [\d,]+ bytes are needed, 1,000 are free"
    else:

        def fail(folder, arrays):
            folder.mkdir()
            raise ValueError("OUT_OF_RANGE: Error writing x: No space left\nmany\nmore\nlines")

        monkeypatch.setattr(checkpoint, "_write_arrays", fail)
        reason = r"OUT_OF_RANGE: Error writing x: No space left"
    with pytest.raises(
        checkpoint.CheckpointError,
        match=rf"0002 could not be written: {reason}\. That of update 1 is whole; make room",
    ):
        checkpoint.save(tmp_path, 2, tree, {})
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["000000000001"]
    restored, _ = checkpoint.restore(tmp_path, tree)
    np.testing.assert_array_equal(restored["w"], tree["w"])
