"""The network as an ONNX graph: the inputs of each pixel, and the stages that decide its label one after another.

A stage is a small perceptron that is applied to every pixel. Its inputs are the mean colors of windows around the
pixel, small ones nearby and wide ones far away, and the difference of each from the pixel's own color: pixels that
belong together have the same color, whatever that color is. Every stage after the first also gets the previous stage's
predictions for the surroundings, and so learns relations such as "below a face". The first stages work at half the
resolution, where wide windows are cheap. The network is made of convolutions, so it is fast and takes any batch size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from serving.payloads.parsing.labels import LABELS
from serving.payloads.parsing.letterbox import CHANNELS, SIDE
from serving.payloads.parsing.model import INPUT, OUTPUT

_OPSET = 17
_IR_VERSION = 9
Weights = NDArray[np.float32]


class Look(NamedTuple):
    """Nine square windows of `window` pixels; the outer eight are `reach` pixels away from the middle one."""

    window: int
    reach: int


COLOUR_LOOKS = (Look(1, 1), Look(3, 2), Look(5, 5), Look(9, 9), Look(17, 17))
OPINION_LOOKS = (Look(1, 2), Look(3, 4), Look(5, 8), Look(9, 14), Look(17, 24))
RESOLUTIONS = (SIDE // 2, SIDE // 2, SIDE)
"""Pixels per side at which each stage works."""


class Layer(NamedTuple):
    """Weights `[inputs, outputs]` and biases of one layer of a perceptron."""

    weights: NDArray[np.floating[Any]]
    biases: NDArray[np.floating[Any]]


@dataclass
class Graph:
    """A graph under construction; tensors are referred to by name."""

    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    weights: list[onnx.TensorProto] = field(default_factory=list[onnx.TensorProto])

    def add(self, operator: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
        """Append an operation whose output has the operation's name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **cast("Any", attributes)))
        return name

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Append a constant tensor."""
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def convolve(self, name: str, source: str, kernel: Weights, biases: Weights | None = None, reach: int = 1) -> str:
        """Append a convolution that keeps the size; the outer taps of a 3 x 3 kernel lie `reach` pixels away."""
        given = [source, self.constant(f"{name}.w", kernel.astype(np.float32))]
        if biases is not None:
            given.append(self.constant(f"{name}.b", biases.astype(np.float32)))
        side = kernel.shape[-1]
        pad = reach * (side // 2)
        return self.add("Conv", given, name, kernel_shape=[side, side], dilations=[reach, reach], pads=[pad] * 4)

    def model(self, outputs: Sequence[str]) -> bytes:
        """Return the graph with these outputs as a file. Unused nodes remain; onnxruntime drops them."""
        kind = onnx.TensorProto.FLOAT
        inputs = [helper.make_tensor_value_info(INPUT, kind, ["n", CHANNELS, SIDE, SIDE])]
        shown = [helper.make_tensor_value_info(name, kind, _shape_of(name)) for name in outputs]
        graph = helper.make_graph(self.nodes, "parsing", inputs, shown, self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        return made.SerializeToString(deterministic=True)


def _shape_of(name: str) -> list[str | int] | None:
    return ["n", len(LABELS), SIDE, SIDE] if name == OUTPUT else None


@dataclass(frozen=True)
class Views:
    """The input tensors of one stage: pooled colors and pooled predictions per look, the pixel's own colors first."""

    colours: tuple[str, ...]
    opinions: tuple[str, ...]

    @property
    def tensors(self) -> tuple[str, ...]:
        """All tensors; the pixel's own colors come first."""
        return self.colours + self.opinions


def views(graph: Graph, stage: int) -> Views:
    """Append the inputs of a stage, given the stages before it."""
    side = RESOLUTIONS[stage]
    source = INPUT
    if side != SIDE:
        source = _once(graph, "AveragePool", [INPUT], f"picture{side}", kernel_shape=[SIDE // side] * 2, strides=[2, 2])
    colours = tuple(_pool(graph, source, look.window) for look in COLOUR_LOOKS)
    if stage == 0:
        return Views(colours, ())
    before = f"stage{stage - 1}.parts"
    if RESOLUTIONS[stage - 1] != side:
        before = _enlarge(graph, before)
    return Views(colours, tuple(_pool(graph, before, look.window) for look in OPINION_LOOKS))


def decide(graph: Graph, stage: int, seen: Views, layers: Sequence[Layer]) -> str:
    """Append a trained stage; the rows of the first layer's weights must be in the order of `features.gather`."""
    name = f"stage{stage}"
    first, *rest = layers
    row = 0
    terms: list[str] = []
    sources = [*zip(seen.colours, COLOUR_LOOKS, strict=True), *zip(seen.opinions, OPINION_LOOKS, strict=False)]
    for number, (source, look) in enumerate(sources):
        channels = CHANNELS if number < len(COLOUR_LOOKS) else len(LABELS)
        rows = first.weights[row : row + 9 * channels]
        row += len(rows)
        kernel = rows.T.reshape(-1, channels, 3, 3)
        terms.append(graph.convolve(f"{name}.look{number}", source, kernel, None, look.reach))
    contrasts = contrast(graph, seen)
    kernel = first.weights[row:].T[:, :, None, None]
    total = graph.convolve(f"{name}.contrast", contrasts, kernel, first.biases.astype(np.float32))
    for number, term in enumerate(terms):
        total = graph.add("Add", [total, term], f"{name}.sum{number}")
    for number, layer in enumerate(rest):
        active = graph.add("Relu", [total], f"{name}.active{number}")
        total = graph.convolve(f"{name}.layer{number}", active, layer.weights.T[:, :, None, None], layer.biases)
    last = stage == len(RESOLUTIONS) - 1
    return graph.add("Softmax", [total], OUTPUT if last else f"{name}.parts", axis=1)


def contrast(graph: Graph, seen: Views) -> str:
    """Append |mean color of a window - color of the pixel|, for each window and each of red, green and blue."""
    own = seen.colours[0]
    name = f"{own}.contrasts"
    if _known(graph, name):
        return name
    differences: list[str] = []
    for source, look in zip(seen.colours, COLOUR_LOOKS, strict=True):
        both = own if source == own else graph.add("Concat", [source, own], f"{source}.both", axis=1)
        kernel = np.zeros((9 * 3, CHANNELS if source == own else 2 * CHANNELS, 3, 3), np.float32)
        for window in range(9):
            for channel in range(3):
                row = channel * 9 + window
                kernel[row, channel, window // 3, window % 3] += 1
                kernel[row, channel if source == own else CHANNELS + channel, 1, 1] -= 1
        signed = graph.convolve(f"{source}.signed", both, kernel, None, look.reach)
        differences.append(graph.add("Abs", [signed], f"{source}.contrast"))
    return graph.add("Concat", differences, name, axis=1)


def _pool(graph: Graph, source: str, window: int) -> str:
    if window == 1:
        return source
    return _once(
        graph,
        "AveragePool",
        [source],
        f"{source}.mean{window}",
        kernel_shape=[window, window],
        pads=[window // 2] * 4,
        strides=[1, 1],
        count_include_pad=1,
    )


def _enlarge(graph: Graph, source: str) -> str:
    name = f"{source}.large"
    if _known(graph, name):
        return name
    scales = graph.constant(f"{name}.scales", np.array([1, 1, 2, 2], np.float32))
    return graph.add("Resize", [source, "", scales], name, mode="linear")


def _once(graph: Graph, operator: str, inputs: Sequence[str], name: str, **attributes: object) -> str:
    return name if _known(graph, name) else graph.add(operator, inputs, name, **attributes)


def _known(graph: Graph, name: str) -> bool:
    return any(node.name == name for node in graph.nodes)
