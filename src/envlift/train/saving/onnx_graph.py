"""The ONNX model of a policy; ``export`` writes it. Importing this needs ``onnx``.

Shape letters: ``B`` environments, ``F`` numbers, ``H`` hidden units, ``A`` actions.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from envlift.train.saving.export import Actor, Array

BATCH = "B"
_DTYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE, "bool": TensorProto.BOOL}
_DTYPES |= {f"uint{bits}": getattr(TensorProto, f"UINT{bits}") for bits in (8, 16, 32, 64)}
_DTYPES |= {f"int{bits}": getattr(TensorProto, f"INT{bits}") for bits in (8, 16, 32, 64)}


class _Graph:
    """Nodes and constants, collected one by one."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        output = name or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def dense(self, x: str, weight: Array, bias: Array, name: str | None = None) -> str:
        return self.add("Gemm", x, self.constant(weight), self.constant(bias), name=name)


def model_of(actor: Actor, *, opset: int, ir_version: int) -> Any:
    """Return the checked ``onnx.ModelProto``; ``export.to_onnx`` says what goes in and out."""
    graph, about = _Graph(), actor.about
    shape, hidden, outputs = about["observation_shape"], about["hidden"], len(actor.policy[1])
    inputs = [_value("observation", about["observation_dtype"], shape)]
    x = _features(graph, actor, shape)
    told = []
    if actor.gru is not None:
        inputs += [_value("memory", "float32", [hidden]), _value("starts", "bool", [])]
        x = _gru(graph, actor.gru, x, hidden)
        told.append(_value("next_memory", "float32", [hidden]))
    raw = "logits" if about["discrete"] else "mean"
    graph.dense(x, *actor.policy, name=raw)
    if about["discrete"]:
        graph.add("ArgMax", raw, name="action", axis=1, keepdims=0)
        chosen = _value("action", "int64", [])
    else:
        low, high = graph.constant(about["low"]), graph.constant(about["high"])
        graph.add("Min", graph.add("Max", raw, low), high, name="action")
        chosen = _value("action", "float32", [outputs])
    told = [_value(raw, "float32", [outputs]), chosen, *told]
    made = helper.make_model(
        helper.make_graph(graph.nodes, "policy", inputs, told, graph.constants),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=ir_version,
        producer_name="envlift",
    )
    helper.set_model_props(made, {"about": json.dumps(about)})
    checker.check_model(made, full_check=True)
    return made


def _value(name: str, dtype: str, shape: list[int]) -> Any:
    return helper.make_tensor_value_info(name, _DTYPES[dtype], [BATCH, *shape])


def _activate(graph: _Graph, actor: Actor, x: str) -> str:
    return graph.add("Tanh" if actor.activation == "tanh" else "Relu", x)


def _features(graph: _Graph, actor: Actor, shape: list[int]) -> str:
    x = graph.add("Cast", "observation", to=TensorProto.FLOAT)
    x = graph.add("Sub", x, graph.constant(actor.shift))
    x = graph.add("Mul", x, graph.constant(actor.scale))
    if np.isfinite(actor.limit):
        x = graph.add("Clip", x, graph.constant(-actor.limit), graph.constant(actor.limit))
    if actor.convolutions:
        channels = shape[2] if len(shape) == 3 else 1
        sizes = graph.constant([-1, shape[0], shape[1], channels], np.int64)
        x = graph.add("Transpose", graph.add("Reshape", x, sizes), perm=[0, 3, 1, 2])
        for kernel, bias in actor.convolutions:
            weights = graph.constant(kernel.transpose(3, 2, 0, 1)), graph.constant(bias)
            made = graph.add("Conv", x, *weights, strides=[2, 2], auto_pad="SAME_UPPER")
            x = _activate(graph, actor, made)
        x = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    width = (actor.encoder[0] if actor.encoder else actor.policy)[0].shape[0]
    if not actor.encoder and actor.gru is not None:
        width = actor.gru[0].shape[0]
    x = graph.add("Reshape", x, graph.constant([-1, width], np.int64))
    for weight, bias in actor.encoder:
        x = _activate(graph, actor, graph.dense(x, weight, bias))
    return x


def _gru(graph: _Graph, weights: tuple[Array, ...], x: str, hidden: int) -> str:
    inputs, bias, kernel, memory_bias = weights
    starts = graph.add("Unsqueeze", "starts", graph.constant([1], np.int64))
    memory = graph.add("Where", starts, graph.constant(0.0), "memory")
    given = graph.dense(x, inputs, bias)
    kept = graph.add("MatMul", memory, graph.constant(kernel))

    def part(of: str, index: int) -> str:
        ends = [graph.constant([edge * hidden], np.int64) for edge in (index, index + 1)]
        return graph.add("Slice", of, *ends, graph.constant([1], np.int64))

    reset, keep = (
        graph.add("Sigmoid", graph.add("Add", part(given, index), part(kept, index)))
        for index in (0, 1)
    )
    remembered = graph.add("Add", part(kept, 2), graph.constant(memory_bias))
    fresh = graph.add("Add", part(given, 2), graph.add("Mul", reset, remembered))
    new = graph.add("Tanh", fresh)
    difference = graph.add("Mul", keep, graph.add("Sub", memory, new))
    return graph.add("Add", new, difference, name="next_memory")
