"""``envlift export``: a trained policy as arrays for NumPy, or as an ONNX model.

What is written needs neither envlift nor JAX; docs/train.md has a loader of ten lines. Before a
file is written, what it computes is compared with the policy on random observations.

Shape letters: ``B`` environments, ``F`` numbers of one observation, ``H`` hidden units, ``A``
actions or dimensions of an action.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from envlift.extras import install
from envlift.train.config import ConfigError

if TYPE_CHECKING:
    from envlift.train.policy import Policy

Array = np.ndarray[Any, np.dtype[Any]]
Weights = tuple[Array, Array]
"""Kernel and bias."""
Answer = tuple[Array, Array]
"""What a policy says, and its memory afterwards."""

FORMAT = 1
OPSET = 17
IR_VERSION = 8
"""The oldest that goes with the operators, so that older runtimes read the file."""
CLOSE = 1e-3
"""How far an export may be from the policy, of what its answers differ by: float32 sums in another
order."""
_STEPS, _LANES = 4, 3


@dataclass(frozen=True)
class Actor:
    """What chooses actions, as plain arrays; the value is left out.

    Attributes:
        shift, scale, limit: ``clip((observation - shift) * scale, -limit, limit)`` comes first;
            float32 of an observation's shape, and a number that may be infinite.
        convolutions: kernels [3, 3, in, out], stride 2, padded to half the size, rounded up.
        encoder: dense layers.
        gru: kernel and bias for inputs [F, 3H], kernel for the memory [H, 3H] and its bias [H], in
            the order reset, keep, new; None without memory.
        policy: the last layer.
        activation: ``relu`` or ``tanh``, of convolutions and encoder.
        about: plain data: format, environment, shapes, what the outputs mean.
    """

    shift: Array
    scale: Array
    limit: float
    convolutions: list[Weights]
    encoder: list[Weights]
    gru: tuple[Array, Array, Array, Array] | None
    policy: Weights
    activation: str
    about: dict[str, Any]


def actor_of(policy: Policy) -> Actor:
    """Return the part of a policy that chooses actions.

    Raises:
        ConfigError: if its network has none of the parts that an export knows, or for observations
            that name one of several things.
    """
    from envlift.train.normalizer import LIMIT, NAME, SMALLEST

    choices = policy.about().get("observation_choices")
    if choices:
        raise ConfigError(
            f"observations are one of {choices} choices, and an export reads numbers only: train "
            "on them one-hot (gymnasium.wrappers.FlattenObservation)"
        )
    if policy.head.choices or policy.head.first or policy.head.shape is not None:
        raise ConfigError(
            f"actions are {policy.head}, and an export knows one choice from 0, or a row of numbers"
        )
    if policy.config.network == "lstm":
        raise ConfigError("network = 'lstm' cannot be exported: train a gru")
    params = _arrays(policy.params)
    shape = policy.observation_shape
    pictures = policy.config.network == "cnn" and policy.observation_dtype == "uint8"
    shift, scale, limit = np.zeros(shape), np.ones(shape), float("inf")
    if NAME in params:
        shift, limit = params[NAME]["mean"], LIMIT
        scale = 1.0 / np.sqrt(params[NAME]["variance"].astype(np.float64) + SMALLEST)
    elif pictures:
        scale = scale / 255.0
    gru = None
    try:
        if policy.network.recurrent:
            parts = params["gru"]
            inputs = parts["inputs"]
            gru = (inputs["kernel"], inputs["bias"], parts["memory"], parts["memory_bias"])
        last = _weights(params["policy"])
    except KeyError as error:
        raise ConfigError(
            f"the network has no {error.args[0]!r} among {sorted(params)}: only networks of "
            "envlift can be exported"
        ) from None
    head, config = policy.head, policy.config
    about = {
        "format": FORMAT,
        "env": config.env,
        "env_options": config.env_options,
        "network": config.network,
        "hidden": policy.network.hidden,
        "observation_shape": list(shape),
        "observation_dtype": policy.observation_dtype,
        "discrete": head.discrete,
        "low": list(head.low),
        "high": list(head.high),
        "log_std": [] if head.discrete else params["log_std"].tolist(),
    }
    return Actor(
        shift.astype(np.float32),
        scale.astype(np.float32),
        limit,
        _layers(params, "conv"),
        _layers(params, "encoder"),
        gru,
        last,
        config.activation,
        about,
    )


def _arrays(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _arrays(part) for name, part in tree.items()}
    return np.asarray(tree)


def _weights(layer: Any) -> Weights:
    return layer["kernel"], layer["bias"]


def _layers(params: Mapping[str, Any], name: str) -> list[Weights]:
    count = sum(key.startswith(f"{name}_") for key in params)
    return [_weights(params[f"{name}_{index}"]) for index in range(count)]


# -- NumPy --------------------------------------------------------------------------------------


def to_numpy(policy: Policy, path: Path) -> None:
    """Write a policy as arrays, ``numpy.load`` reads them.

    ``shift``, ``scale``, ``limit``; ``weight_0``, ``bias_0``, ... of the ``layers`` hidden ones;
    ``weight``, ``bias`` of the last; ``activation``; for continuous actions ``low``, ``high`` and
    ``log_std``; with a memory ``gru_inputs``, ``gru_bias``, ``gru_memory``, ``gru_memory_bias``;
    ``about``, JSON.

    Raises:
        ConfigError: for a CNN, or a policy that cannot be exported.
        OSError: if the file cannot be written.
    """
    actor = actor_of(policy)
    if actor.convolutions:
        raise ConfigError("a CNN is not exported to NumPy, which has no convolution: use FILE.onnx")
    _require_equal(policy, lambda *seen: _numpy_step(actor, *seen), path)
    kept: dict[str, Any] = {
        "shift": actor.shift.reshape(-1),
        "scale": actor.scale.reshape(-1),
        "limit": np.float32(actor.limit),
        "layers": len(actor.encoder),
        "activation": actor.activation,
        "weight": actor.policy[0],
        "bias": actor.policy[1],
        "about": json.dumps(actor.about),
    }
    for index, (weight, bias) in enumerate(actor.encoder):
        kept |= {f"weight_{index}": weight, f"bias_{index}": bias}
    if not actor.about["discrete"]:
        for name in ("low", "high", "log_std"):
            kept[name] = np.array(actor.about[name], np.float32)
    if actor.gru is not None:
        names = ("gru_inputs", "gru_bias", "gru_memory", "gru_memory_bias")
        kept |= dict(zip(names, actor.gru, strict=True))
    _write(path, lambda file: np.savez(file, **kept))


def _numpy_step(actor: Actor, observation: Array, memory: Array, starts: Array) -> Answer:
    act = np.tanh if actor.activation == "tanh" else lambda x: np.maximum(x, 0)
    x = np.clip((observation - actor.shift) * actor.scale, -actor.limit, actor.limit)
    x = x.reshape(len(x), -1)
    for weight, bias in actor.encoder:
        x = act(x @ weight + bias)
    if actor.gru is not None:
        inputs, bias, kernel, memory_bias = actor.gru
        memory = np.where(starts[:, None], 0, memory)
        given, kept = x @ inputs + bias, memory @ kernel
        width = memory.shape[1]
        gates = 1 / (1 + np.exp(-(given + kept)[:, : 2 * width]))
        reset, keep = gates[:, :width], gates[:, width:]
        new = np.tanh(given[:, 2 * width :] + reset * (kept[:, 2 * width :] + memory_bias))
        x = memory = new + keep * (memory - new)
    return x @ actor.policy[0] + actor.policy[1], memory


# -- ONNX ---------------------------------------------------------------------------------------


def to_onnx(policy: Policy, path: Path) -> None:
    """Write a policy as an ONNX model.

    Inputs: ``observation`` [B, ...] in its own dtype; with a memory also ``memory`` float32 [B, H],
    zeros at first, and ``starts`` bool [B], whether the observation begins an episode. Outputs:
    ``logits`` [B, A] (or ``mean``, of continuous actions), ``action``, the most probable ones,
    int64 [B] or float32 [B, A] within bounds; ``next_memory`` [B, H]. The metadata has ``about``.

    Raises:
        ModuleNotFoundError: if ``onnx`` is not installed; says how to install it.
        ConfigError: for a policy that cannot be exported.
        OSError: if the file cannot be written.
    """
    try:
        from onnx.reference import ReferenceEvaluator

        from envlift.train.onnx_graph import model_of
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"ONNX cannot be imported ({error}): {install('onnx')}") from None
    actor = actor_of(policy)
    model = model_of(actor, opset=OPSET, ir_version=IR_VERSION)
    runtime = ReferenceEvaluator(model)
    said = [output.name for output in model.graph.output]

    def step(observation: Array, memory: Array, starts: Array) -> Answer:
        given = {"observation": observation}
        if actor.gru is not None:
            given |= {"memory": memory, "starts": starts}
        found = dict(zip(said, runtime.run(None, given), strict=True))
        return found[said[0]], found.get("next_memory", memory)

    _require_equal(policy, step, path)
    _write(path, lambda file: file.write(model.SerializeToString()))


# -- both ---------------------------------------------------------------------------------------


def _require_equal(policy: Policy, step: Callable[..., Answer], path: Path) -> None:
    """Compare an export with the policy, over steps of which some begin an episode.

    Raises:
        ConfigError: if they differ: the file is not written.
    """
    import jax

    from envlift.train.policy import apply_once

    @jax.jit
    def apply(params: Any, memory: Any, seen: Any, now: Any) -> Any:
        return apply_once(policy.network, params, memory, seen, now, None)[:2]

    rng = np.random.default_rng(0)
    dtype = np.dtype(policy.observation_dtype)
    whole = np.issubdtype(dtype, np.integer)
    starts = np.zeros((_STEPS, _LANES), np.bool_)
    starts[0], starts[2, 0] = True, True
    theirs: Any = policy.start(_LANES)
    mine = np.zeros((_LANES, policy.network.hidden), np.float32)
    for now in starts:
        size = (_LANES, *policy.observation_shape)
        seen = (rng.integers(0, 100, size) if whole else rng.normal(size=size)).astype(dtype)
        theirs, said = apply(policy.params, theirs, seen, now)
        found, mine = step(seen, mine, now)
        if policy.head.discrete:
            expected: Any = said.log_probs
            high = found.max(axis=-1, keepdims=True)
            found = found - high - np.log(np.exp(found - high).sum(axis=-1, keepdims=True))
        else:
            expected = said.mean
        expected = np.asarray(expected)
        room = CLOSE * np.abs(expected - expected.mean()).max() + 1e-6
        if not np.allclose(found, expected, rtol=0.0, atol=room):
            raise ConfigError(
                f"{path} was not written: it would give {found[0]} where the policy gives "
                f"{expected[0]}; a network of your own cannot be exported"
            )


def _write(path: Path, write: Callable[[Any], Any]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            write(file)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


# -- the command --------------------------------------------------------------------------------

_FORMS: dict[str, Callable[[Any, Path], None]] = {".npz": to_numpy, ".onnx": to_onnx}


def add_export(commands: Any) -> None:
    """Add ``export`` to the commands of a parser."""
    export = commands.add_parser("export", help="a trained policy for NumPy or ONNX")
    export.add_argument("run_folder", type=Path, metavar="RUN", help="folder of a training run")
    export.add_argument("file", type=Path, metavar="FILE", help="ends in .npz or .onnx")
    export.add_argument(
        "--step", type=int, metavar="N", help="environment steps of the checkpoint; default: newest"
    )
    export.set_defaults(run=_export)


def _export(options: argparse.Namespace) -> int:
    write = _FORMS.get(options.file.suffix)
    if write is None:
        raise ConfigError(f"{options.file} must end in {' or '.join(_FORMS)}")
    from envlift.train.extra import require_extra

    require_extra("export")
    from envlift.train.play import load_policy

    policy = load_policy(options.run_folder, options.step)
    write(policy, options.file)
    size = options.file.stat().st_size / 1024
    print(f"{options.file}: {policy.config.env}, {policy.config.network}, {size:,.0f} KiB")
    return 0
