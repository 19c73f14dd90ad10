"""The model: maps an aligned face to a unit vector that is close to the vectors of the same person."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import Field

from serving.models.onnx import CPU, CUDA, MODEL_FILE, Metadata, OnnxModel, load_model
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.faces.alignment import CHANNELS, SIDE, Pixels
from serving.payloads.faces.gallery import DIMENSIONS

INPUT = "faces"
OUTPUT = "vectors"


class FacesMetadata(Metadata):
    """The metadata that training writes beside the model."""

    threshold: float = Field(
        gt=-1, lt=1, description="Least similarity of two pictures of one person, from people who were not trained on."
    )


@dataclass(frozen=True)
class FaceModel:
    """A loaded model; thread-safe."""

    onnx: OnnxModel[FacesMetadata]

    @property
    def version(self) -> str:
        """Version of the model file; vectors of different versions cannot be compared."""
        return self.onnx.version

    @property
    def threshold(self) -> float:
        """Least similarity of two pictures of one person."""
        return self.onnx.metadata.threshold

    def embed(self, faces: Pixels) -> NDArray[np.float32]:
        """Return vectors `[n, DIMENSIONS]` of length 1 for aligned faces `[n, SIDE, SIDE, 3]`."""
        return self.onnx.infer({INPUT: faces}, [OUTPUT])[OUTPUT]


def load_face_model(folder: Path, intra_op_threads: int) -> FaceModel:
    """Verify and load the model of a folder, on a GPU if the runtime supports one.

    Raises:
        ModelUnusableError: a file is missing or damaged, or has the wrong shape.
    """
    there = cast("list[str]", cast("Any", onnxruntime).get_available_providers())
    providers = [provider for provider in (CUDA, CPU) if provider in there]
    onnx = load_model(folder, intra_op_threads, FacesMetadata, providers=providers)
    onnx.require(
        folder / MODEL_FILE,
        inputs=[Tensor(INPUT, "UINT8", (DYNAMIC, SIDE, SIDE, CHANNELS))],
        outputs=[Tensor(OUTPUT, "FP32", (DYNAMIC, DIMENSIONS))],
    )
    return FaceModel(onnx)
