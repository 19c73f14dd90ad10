"""The digit classifier: 64 gray values in, a probability for each label out."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from serving.models.onnx import MODEL_FILE, Metadata, OnnxModel, load_model
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.digits.pixels import PIXELS, pixels_of
from serving.telemetry.metrics import Telemetry
from serving.work.offload import offload

INPUT = "pixels"
OUTPUT = "probabilities"
# Decimal digits of a score: more digits would be floating-point noise.
_SCORE_DIGITS = 6


class DigitsMetadata(Metadata):
    """The metadata that training writes beside the classifier."""

    labels: tuple[str, ...] = Field(min_length=1, description="Label of each output column.")


@dataclass(frozen=True)
class Prediction:
    """One label of an answer; `id` is its output column."""

    id: int
    label: str
    score: float


@dataclass(frozen=True)
class Digits:
    """A loaded classifier; thread-safe."""

    onnx: OnnxModel[DigitsMetadata]

    def probabilities(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Infer `[n, 64]` pixels to `[n, labels]` probabilities."""
        return self.onnx.infer({INPUT: pixels}, [OUTPUT])[OUTPUT]

    def classify(self, picture: bytes, top_k: int, telemetry: Telemetry | None = None) -> list[Prediction]:
        """Decode a picture and rank the labels, best first; among equal scores the first label wins.

        Raises:
            PictureError: the bytes are not a readable picture.
        """
        pixels = offload(pixels_of, picture)[np.newaxis]
        with telemetry.inference_seconds.time() if telemetry else nullcontext():
            scores = self.probabilities(pixels)[0]
        best: list[int] = np.argsort(-scores, kind="stable")[:top_k].tolist()
        labels = self.onnx.metadata.labels
        return [Prediction(i, labels[i], round(float(scores[i]), _SCORE_DIGITS)) for i in best]


def load_digits(folder: Path, intra_op_threads: int, file: str = MODEL_FILE) -> Digits:
    """Verify and load the classifier of a folder, and check its inputs and outputs.

    Raises:
        ModelUnusableError: a file is missing or damaged, or has the wrong shape.
    """
    onnx = load_model(folder, intra_op_threads, DigitsMetadata, file=file)
    inputs = [Tensor(INPUT, "FP32", (DYNAMIC, PIXELS))]
    outputs = [Tensor(OUTPUT, "FP32", (DYNAMIC, len(onnx.metadata.labels)))]
    return Digits(onnx.require(folder / file, inputs=inputs, outputs=outputs))
