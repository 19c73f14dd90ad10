"""The parser: a picture in, the part of every pixel out."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from serving.errors import ModelUnusableError
from serving.models.onnx import MODEL_FILE, QUANTISED_FILE, Metadata, OnnxModel, load_model
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.parsing.labels import LABELS
from serving.payloads.parsing.letterbox import CHANNELS, SIDE, labels_in_original, place

INPUT = "picture"
OUTPUT = "parts"
Variant = Literal["float", "int8"]
FILES: dict[Variant, str] = {"float": MODEL_FILE, "int8": QUANTISED_FILE}


class VariantFacts(BaseModel):
    """Measured facts of one model file; both files are measured by the same code on the same held-out pictures.

    No time is included: the same seed must give byte-identical metadata. Speed is measured in the serving pod.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    mean_iou: float = Field(description="Intersection over union, mean of the parts, background included.")
    iou: dict[str, float] = Field(description="Intersection over union of each part.")
    file_bytes: int = Field(description="Size of the model file.")


class ParserMetadata(Metadata):
    """The metadata that training writes beside the parser."""

    labels: tuple[str, ...] = Field(min_length=1, description="Label of each output plane.")
    variants: dict[Variant, VariantFacts] = Field(description="Accuracy and size of both model files.")


@dataclass(frozen=True)
class Parser:
    """A loaded parser; thread-safe."""

    onnx: OnnxModel[ParserMetadata]
    variant: Variant

    def parse(self, picture: Image.Image) -> NDArray[np.uint8]:
        """Return the label `[height, width]` of every pixel of an RGB picture of any size."""
        square, placement = place(picture)
        return labels_in_original(self.parts(square[np.newaxis])[0], placement)

    def parts(self, squares: NDArray[np.float32]) -> NDArray[np.float32]:
        """Infer `[n, CHANNELS, SIDE, SIDE]` to probabilities `[n, labels, SIDE, SIDE]`."""
        return self.onnx.infer({INPUT: squares}, [OUTPUT])[OUTPUT]


def milliseconds(parser: Parser, times: int = 5) -> float:
    """Return the median time of one inference on this machine, with the parser's number of threads."""
    square = np.zeros((1, CHANNELS, SIDE, SIDE), np.float32)
    parser.parts(square)

    def once() -> float:
        began = time.perf_counter()
        parser.parts(square)
        return 1000 * (time.perf_counter() - began)

    return statistics.median(once() for _ in range(times))


def load_parser(folder: Path, intra_op_threads: int, variant: Variant) -> Parser:
    """Verify and load one of the two model files of a folder.

    Raises:
        ModelUnusableError: a file is missing or damaged, or has the wrong shape.
    """
    file = FILES[variant]
    onnx = load_model(folder, intra_op_threads, ParserMetadata, file=file)
    inputs = [Tensor(INPUT, "FP32", (DYNAMIC, CHANNELS, SIDE, SIDE))]
    outputs = [Tensor(OUTPUT, "FP32", (DYNAMIC, len(LABELS), SIDE, SIDE))]
    if onnx.metadata.labels != LABELS:
        raise ModelUnusableError(
            f"{folder}: the labels are {', '.join(onnx.metadata.labels)}, but the server requires {', '.join(LABELS)}; "
            "train the model again"
        )
    return Parser(onnx.require(folder / file, inputs=inputs, outputs=outputs), variant)
