"""What a model says about its tensors, in the words of the Open Inference Protocol."""

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
        """The form that /v2/models/{model} shows."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}


class TensorModel(Protocol):
    """What the endpoints under /v2/models need of a model; `serving.models.onnx.OnnxModel` is one."""

    @property
    def version(self) -> str:
        """Version that answers carry: hex digits of the model file's hash, say."""
        ...

    @property
    def inputs(self) -> Sequence[Tensor]:
        """What `infer` takes."""
        ...

    @property
    def outputs(self) -> Sequence[Tensor]:
        """What `infer` gives."""
        ...

    def infer(self, feed: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Compute the wanted outputs in a worker thread; arrays have the datatypes and fit the shapes of `inputs`."""
        ...
