"""A model's tensors, described in the terms of the Open Inference Protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

# Any size: a batch, or another dimension that the model leaves open.
DYNAMIC = -1


@dataclass(frozen=True)
class Tensor:
    """Name, datatype (FP32, INT64, BOOL, BYTES, …) and shape (DYNAMIC where open) of an input or output."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def description(self) -> dict[str, object]:
        """Return the form that /v2/models/{model} shows."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


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
