"""A model's tensors, described in the terms of the Open Inference Protocol."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from numpy.typing import NDArray

# Any size: a batch, or another dimension that the model leaves open.
DYNAMIC = -1


@dataclass(frozen=True)
class Tensor:
    """Name, datatype (FP32, INT64, BOOL, BYTES, …) and shape (DYNAMIC where open) of an input or output.

    axes: The model's own name of each dimension, "" where it has none. Dimensions of one name have one size.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    axes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def description(self) -> dict[str, object]:
        """Return the form that /v2/models/{model} shows."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


@dataclass(frozen=True)
class Signature:
    """What a model takes and returns, without the model: requests are checked in another process."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @classmethod
    def of(cls, model: "TensorModel") -> "Signature":
        """Return the signature of a model."""
        return cls(tuple(model.inputs), tuple(model.outputs))


class TensorModel(Protocol):
    """What the endpoints under /v2/models need from a model, for example `serving.models.onnx.OnnxModel`."""

    @property
    def version(self) -> str:
        """Version that answers carry, for example hex digits of the model file's hash."""
        ...

    @property
    def inputs(self) -> Sequence[Tensor]:
        """The tensors that `infer` takes."""
        ...

    @property
    def outputs(self) -> Sequence[Tensor]:
        """The tensors that `infer` returns."""
        ...

    def infer(self, feed: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Compute the wanted outputs in a worker thread; arrays have the datatypes and fit the shapes of `inputs`."""
        ...


def expected_values(model: Signature, shapes: Mapping[str, Sequence[int]]) -> int:
    """Return how many values all outputs will have together, from the shapes of the inputs.

    Only the graph knows the size of an open dimension that shares no name with an input. Such a dimension counts as the
    rows of the model's first input that has dimensions if it is the first of an output, and otherwise as 1.
    """
    sizes: dict[str, int] = {}
    for tensor in model.inputs:
        for axis, size in zip(tensor.axes, shapes[tensor.name], strict=False):
            if axis:
                sizes[axis] = max(size, sizes.get(axis, 1))
    rows = next((shapes[tensor.name][0] for tensor in model.inputs if shapes[tensor.name]), 1)

    def expected(tensor: Tensor) -> Iterator[int]:
        axes = tensor.axes or ("",) * len(tensor.shape)
        for place, (axis, size) in enumerate(zip(axes, tensor.shape, strict=True)):
            yield size if size != DYNAMIC else sizes.get(axis, 1 if place else rows)

    return sum(math.prod(expected(tensor)) for tensor in model.outputs)
