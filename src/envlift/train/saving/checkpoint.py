"""Checkpoints: a tree of arrays (by Orbax) and a JSON file about them, in one folder per step.

::

    RUN/checkpoints/000000100000/arrays/       what Orbax writes
                                 tree.json     path, shape and dtype of every array
                                 about.json    what the caller says: settings, versions, statistics

A step is written under another name and renamed when it is complete, so a killed process never
leaves a checkpoint that can be read in part. Of several processes all call ``save``: what is spread
over them is gathered, and the first one writes.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils

from envlift.train.saving.leaves import Leaf, differences, is_number, leaf_of, suspects

Tree = TypeVar("Tree")

FOLDER = "checkpoints"
LOCK = ".lock"
SPARE = 2**20
"""Bytes of a checkpoint besides its arrays, at most."""
_DIGITS = 12


class CheckpointError(ValueError):
    """A checkpoint that is not there, is damaged, or does not fit."""


def save(folder: Path, step: int, tree: Any, about: Mapping[str, Any], *, keep: int = 3) -> Path:
    """Write one checkpoint and remove the oldest ones.

    Args:
        folder: of the run; made if it is not there.
        step: at least 0; an existing checkpoint of this step is replaced.
        tree: any pytree of JAX and NumPy arrays, typed PRNG keys and Python numbers.
        about: JSON data, returned by ``restore`` and by ``read_about``.
        keep: how many of the newest checkpoints stay, at least 1.

    Returns:
        The checkpoint's folder.

    Raises:
        TypeError: for a leaf that is neither, or for ``about`` that is no JSON.
        ValueError: for a step or ``keep`` out of range.
        CheckpointError: if it cannot be written, as on a full disk; the ones before stay whole.
    """
    if step < 0 or keep < 1:
        raise ValueError(f"step = {step}, keep = {keep}: give a step from 0 and a number from 1")
    text = json.dumps(about, indent=2)
    leaves, arrays = _flatten(tree)
    parent = Path(folder).resolve() / FOLDER
    final = parent / f"{step:0{_DIGITS}d}"
    if jax.process_index() == 0:
        try:
            _write_step(final, leaves, arrays, text, keep)
        except (OSError, ValueError) as error:  # Orbax tells a full disk by a ValueError
            shutil.rmtree(final.with_name(f".{final.name}.new"), ignore_errors=True)
            kept = latest(folder)
            raise CheckpointError(
                f"{final} could not be written: {str(error).splitlines()[0][:300]}. "
                + ("There is none before it" if kept is None else f"That of update {kept} is whole")
                + "; make room, and go on from there"
            ) from None
    if jax.process_count() > 1:
        # Nobody goes on, and perhaps reads, before it is there.
        multihost_utils.sync_global_devices(f"checkpoint {step}")
    return final


def _write_step(
    final: Path, leaves: list[Leaf], arrays: list[np.ndarray[Any, Any]], text: str, keep: int
) -> None:
    parent = final.parent
    parent.mkdir(parents=True, exist_ok=True)
    needed, free = sum(array.nbytes for array in arrays) + SPARE, shutil.disk_usage(parent).free
    if free < needed:  # looked at first: what Orbax began it does not end without noise
        raise OSError(f"no space left on device: {needed:,} bytes are needed, {free:,} are free")
    for stale in parent.glob(".*"):  # left behind by a killed process
        shutil.rmtree(stale)
    fresh = parent / f".{final.name}.new"
    fresh.mkdir()
    _write_arrays(fresh / "arrays", arrays)
    _write(fresh / "tree.json", json.dumps([asdict(leaf) for leaf in leaves], indent=1))
    _write(fresh / "about.json", text + "\n")
    replaced = parent / f".{final.name}.old"
    if final.exists():
        final.rename(replaced)
    fresh.rename(final)
    shutil.rmtree(replaced, ignore_errors=True)
    for old in steps(parent.parent)[:-keep]:
        shutil.rmtree(parent / f"{old:0{_DIGITS}d}")


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Keep other runs out of a run's folder; it is made if it is not there.

    A killed process leaves no claim. Of several processes of one run the first one holds it.

    Raises:
        CheckpointError: if another run is at work in it.
    """
    if jax.process_index() != 0:
        yield
        return
    made = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino != path.stat().st_ino:  # removed by who just ended
                raise BlockingIOError
        except OSError:
            raise CheckpointError(
                f"another run is at work in {folder}: wait until it has ended, or choose another "
                "folder"
            ) from None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            if made and not any(folder.iterdir()):  # a run that could not begin leaves nothing
                folder.rmdir()


def steps(folder: Path) -> list[int]:
    """Return the steps of the checkpoints of a run, in ascending order."""
    parent = Path(folder) / FOLDER
    if not parent.is_dir():
        return []
    return sorted(int(found.name) for found in parent.iterdir() if found.name.isdecimal())


def latest(folder: Path) -> int | None:
    """Return the newest checkpoint's step, or None if a run has none."""
    return max(steps(folder), default=None)


def read_about(folder: Path, step: int | None = None) -> dict[str, Any]:
    """Return what the caller of ``save`` said, without reading any array.

    Args:
        folder: of the run.
        step: of the checkpoint; None takes the newest.

    Raises:
        CheckpointError: if there is no such checkpoint, or its file is damaged.
    """
    return dict(_read(_find(folder, step) / "about.json"))


def restore(
    folder: Path,
    like: Tree,
    step: int | None = None,
    *,
    config: Mapping[str, Any] | None = None,
    part: str = "",
) -> tuple[Tree, dict[str, Any]]:
    """Read a checkpoint into a tree, every array equal bit for bit to the one saved.

    Args:
        folder: of the run.
        like: a tree of the structure, shapes and dtypes that are expected: arrays, or
            ``jax.ShapeDtypeStruct`` for those that need not exist. NumPy arrays are restored as
            such; JAX arrays on the devices of their model.
        step: of the checkpoint; None takes the newest.
        config: the settings ``like`` was made with. If the tree does not fit, they are compared
            with ``about["config"]``, and the error names those that differ.
        part: restore only this part of the saved tree, for example ``.learner.params``.

    Returns:
        The tree, and what the caller of ``save`` said.

    Raises:
        CheckpointError: if there is no such checkpoint, it is damaged, or its tree is another one:
            names the path and both shapes.
    """
    found = _find(folder, step)
    about = dict(_read(found / "about.json"))
    saved = [
        Leaf(entry["path"], tuple(entry["shape"]), entry["dtype"], entry["generator"])
        for entry in _read(found / "tree.json")
    ]
    with_paths, structure = jax.tree.flatten_with_path(like)
    expected = [
        replace(leaf, path=part + leaf.path) for leaf in (leaf_of(*pair) for pair in with_paths)
    ]
    problems = differences(expected, [leaf for leaf in saved if leaf.path.startswith(part)])
    if problems:
        raise CheckpointError(
            f"{found} does not fit: {'; '.join(problems[:3])}"
            + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
            + f". {suspects(about.get('config'), config)}"
        )
    place = {leaf.path: index for index, leaf in enumerate(saved)}
    chosen = {index: saved[index] for index in (place[leaf.path] for leaf in expected)}
    arrays = _read_arrays(found / "arrays", chosen)
    values = [
        _as_like(model, array, leaf.generator)
        for (_, model), array, leaf in zip(with_paths, arrays, chosen.values(), strict=True)
    ]
    return jax.tree.unflatten(structure, values), about


def _flatten(tree: Any) -> tuple[list[Leaf], list[np.ndarray[Any, Any]]]:
    leaves, arrays = [], []
    for path, value in jax.tree.flatten_with_path(tree)[0]:
        leaf = leaf_of(path, value)
        data = jax.random.key_data(value) if leaf.generator else value
        if isinstance(data, jax.Array) and not data.is_fully_addressable:
            data = multihost_utils.process_allgather(data, tiled=True)
        leaves.append(leaf)
        arrays.append(np.asarray(data))
    return leaves, arrays


def _as_like(model: Any, data: np.ndarray[Any, Any], generator: str | None) -> Any:
    if is_number(model):
        return data.item()
    if isinstance(model, (np.ndarray, np.generic)):
        return data
    # What lies on devices of other processes too takes NumPy arrays only.
    value = jax.device_put(data, model.sharding)
    return jax.random.wrap_key_data(value, impl=generator) if generator else value


def _find(folder: Path, step: int | None) -> Path:
    found = steps(folder)
    if not found:
        raise CheckpointError(
            f"no checkpoint in {folder}: there is no {Path(folder) / FOLDER}/STEP"
        )
    if step is not None and step not in found:
        raise CheckpointError(f"no checkpoint of step {step} in {folder}; there are {found}")
    return (Path(folder) / FOLDER / f"{found[-1] if step is None else step:0{_DIGITS}d}").resolve()


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error}") from None


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _write_arrays(folder: Path, arrays: Sequence[np.ndarray[Any, Any]]) -> None:
    # Orbax takes no empty trees and no arrays of size 0; the shapes in tree.json give those back.
    content = {f"{index:06d}": array for index, array in enumerate(arrays) if array.size}
    if content:
        with _checkpointer() as checkpointer:
            checkpointer.save(folder, content)


def _checkpointer() -> Any:
    """Return an Orbax checkpointer of this process alone: it waits for no other one."""
    from orbax.checkpoint import Checkpointer, PyTreeCheckpointHandler
    from orbax.checkpoint.options import MultiprocessingOptions

    own = jax.process_index()
    alone = MultiprocessingOptions(
        primary_host=own, active_processes={own}, barrier_sync_key_prefix=f"envlift{own}"
    )
    handler = PyTreeCheckpointHandler(multiprocessing_options=alone)
    return Checkpointer(handler, multiprocessing_options=alone)


def _read_arrays(folder: Path, leaves: Mapping[int, Leaf]) -> list[np.ndarray[Any, Any]]:
    """Read some arrays, given by their place in the tree."""
    from orbax.checkpoint import RestoreArgs

    kept = {f"{index:06d}": index for index, leaf in leaves.items() if 0 not in leaf.shape}
    content: dict[str, np.ndarray[Any, Any]] = {}
    if kept:
        arguments = {name: RestoreArgs(restore_type=np.ndarray) for name in kept}
        try:
            with _checkpointer() as checkpointer:
                content = checkpointer.restore(
                    folder, item=kept, restore_args=arguments, partial_restore=True
                )
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(f"{folder} is damaged: {error}") from error
    return [
        content[f"{index:06d}"] if 0 not in leaf.shape else _empty(leaf)
        for index, leaf in leaves.items()
    ]


def _empty(leaf: Leaf) -> np.ndarray[Any, Any]:
    if leaf.generator:
        words = jax.random.key_data(jax.random.key(0, impl=leaf.generator))
        return np.zeros((*leaf.shape, *words.shape), words.dtype)
    return np.zeros(leaf.shape, jnp.dtype(leaf.dtype))
