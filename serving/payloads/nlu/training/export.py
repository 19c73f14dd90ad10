"""ONNX export of the trained network: the arithmetic of `network.Pass`, for any number of texts, words and labels."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from serving.payloads.nlu.features import PER_TOKEN
from serving.payloads.nlu.model import LABELS, MARKS, TAGS, TEXT, WHOLE
from serving.payloads.nlu.training.network import DILATIONS, HIDDEN, MEETING, SCALE, WIDTH, Weights

_OPSET = 17
_IR_VERSION = 8


class _Graph:
    """Nodes and constants of the graph under construction; a node's output has the node's name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(cast("Any", numpy_helper).from_array(np.array(value, order="C"), name))
        return name

    def whole_numbers(self, name: str, *values: int) -> str:
        return self.constant(name, np.array(values, np.int64))

    def number(self, name: str, value: float) -> str:
        return self.constant(name, np.array(value, np.float32))

    def add(
        self, kind: str, name: str, *inputs: str, outputs: Sequence[str] = (), **attributes: int | list[int]
    ) -> str:
        made = cast("Any", helper).make_node(kind, list(inputs), list(outputs) or [name], name=name, **attributes)
        self.nodes.append(made)
        return name


def to_onnx(weights: Weights) -> bytes:
    """Return the model file; the same weights give the same bytes."""
    graph = _Graph()
    for name, axis in (("axis0", 0), ("axis1", 1), ("axis2", 2), ("last", -1)):
        graph.whole_numbers(name, axis)
    graph.constant("embedding", weights["embedding"])
    graph.number("one", 1)
    _text(graph, weights)
    _labels(graph, weights)
    _compare(graph)
    return _serialized(graph)


def _text(graph: _Graph, weights: Weights) -> None:
    """Add the text tower: from word features to `words` `[b, t, h]` and `pooled` `[b, 2h]`."""
    add = graph.add
    graph.constant("mark", weights["mark"])
    graph.constant("first", np.array(0, np.int64))
    add("Gather", "column", TEXT, "first", axis=2)
    add("Greater", "is_word", "column", "first")
    add("Cast", "mask2", "is_word", to=TensorProto.FLOAT)
    add("Unsqueeze", "mask", "mask2", "axis1")
    add("Gather", "text_rows", "embedding", TEXT)
    add("ReduceSum", "text_sum", "text_rows", "axis2", keepdims=0)
    add("Gather", "mark_rows", "mark", MARKS)
    add("Add", "embedded", "text_sum", "mark_rows")
    add("Transpose", "embedded_t", "embedded", perm=[0, 2, 1])
    values = add("Mul", "values", "embedded_t", "mask")
    for i, dilation in enumerate(DILATIONS):
        kernel = weights[f"conv{i}"].reshape(WIDTH, -1, HIDDEN).transpose(2, 1, 0)
        graph.constant(f"kernel{i}", kernel)
        graph.constant(f"bias{i}", weights[f"conv{i}_bias"])
        reach = WIDTH // 2 * dilation
        add("Conv", f"conv{i}", values, f"kernel{i}", f"bias{i}", dilations=[dilation], pads=[reach, reach])
        add("Relu", f"relu{i}", f"conv{i}")
        risen = add("Mul", f"risen{i}", f"relu{i}", "mask")
        values = add("Add", f"sum{i}", values, risen) if i else risen
    add("Transpose", "words", values, perm=[0, 2, 1])
    add("ReduceSum", "length", "mask", "axis2", keepdims=0)
    add("ReduceSum", "total", values, "axis2", keepdims=0)
    add("Max", "divisor", "length", "one")  # avoids a division by 0 for a text of padding only
    add("Div", "mean", "total", "divisor")
    add("ReduceMax", "highest", values, axes=[2], keepdims=0)
    add("Concat", "pooled", "mean", "highest", axis=1)
    graph.constant("tag", weights["tag"])
    graph.constant("pool", weights["pool"])
    add("MatMul", "tag_vectors", "words", "tag")
    graph.whole_numbers("halves", MEETING, MEETING)
    add("Split", "tag_parts", "tag_vectors", "halves", outputs=["begin_words", "inside_words"], axis=2)
    add("MatMul", "whole_text", "pooled", "pool")


def _labels(graph: _Graph, weights: Weights) -> None:
    """Add the label tower: from label features to a vector and a bias for each comparison."""
    add = graph.add
    for name in ("label1", "label1_bias", "label2", "label2_bias"):
        graph.constant(name, weights[name])
    add("Gather", "label_rows", "embedding", LABELS)
    add("ReduceSum", "label_words", "label_rows", "axis2", keepdims=0)
    add("ReduceSum", "label_sum", "label_words", "axis1", keepdims=0)
    add("Gather", "label_column", LABELS, "first", axis=2)
    add("Greater", "label_is_word", "label_column", "first")
    add("Cast", "label_mask", "label_is_word", to=TensorProto.FLOAT)
    add("ReduceSum", "label_count", "label_mask", "axis1", keepdims=1)
    add("Max", "label_divisor", "label_count", "one")
    add("Div", "label_mean", "label_sum", "label_divisor")
    add("Gemm", "label_hidden", "label_mean", "label1", "label1_bias")
    add("Relu", "label_risen", "label_hidden")
    add("Gemm", "label_out", "label_risen", "label2", "label2_bias")
    graph.whole_numbers("parts", MEETING, MEETING, MEETING, 1, 1, 1)
    names = ["begin", "inside", "whole"]
    outputs = [*(f"{name}_label" for name in names), *(f"{name}_bias" for name in names)]
    add("Split", "label_parts", "label_out", "parts", outputs=outputs, axis=1)
    for name in outputs:
        add("Transpose", f"{name}_t", name, perm=[1, 0])


def _compare(graph: _Graph) -> None:
    """Add the comparison: words and labels as shares of outside, begin and inside; texts and labels as scores."""
    add = graph.add
    graph.number("scale", float(SCALE))
    for name, vectors, result in (
        ("begin", "begin_words", "begin_score"),
        ("inside", "inside_words", "inside_score"),
        ("whole", "whole_text", WHOLE),
    ):
        add("MatMul", f"{name}_agree", vectors, f"{name}_label_t")
        add("Mul", f"{name}_scaled", f"{name}_agree", "scale")
        add("Add", result, f"{name}_scaled", f"{name}_bias_t")
    add("Sub", "outside_score", "begin_score", "begin_score")
    for name in ("outside", "begin", "inside"):
        add("Unsqueeze", f"{name}_last", f"{name}_score", "last")
    add("Concat", "scores", "outside_last", "begin_last", "inside_last", axis=-1)
    add("Softmax", TAGS, "scores", axis=-1)


def _serialized(graph: _Graph) -> bytes:
    make: Any = helper
    whole, real = TensorProto.INT64, TensorProto.FLOAT
    made = make.make_graph(
        graph.nodes,
        "nlu",
        [
            make.make_tensor_value_info(TEXT, whole, ["texts", "words", PER_TOKEN]),
            make.make_tensor_value_info(MARKS, whole, ["texts", "words"]),
            make.make_tensor_value_info(LABELS, whole, ["labels", "label_words", PER_TOKEN]),
        ],
        [
            make.make_tensor_value_info(TAGS, real, ["texts", "words", "labels", 3]),
            make.make_tensor_value_info(WHOLE, real, ["texts", "labels"]),
        ],
        initializer=graph.constants,
    )
    model = make.make_model(made, opset_imports=[make.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    cast("Any", onnx).checker.check_model(model)
    return cast("bytes", model.SerializeToString())
