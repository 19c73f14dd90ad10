"""The model: a verified folder, loaded into onnxruntime."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.checksums import ChecksumError, verify
from serving.pictures import PIXELS

MODEL_FILE = "model.onnx"
METADATA_FILE = "metadata.json"
INPUT = "pixels"
OUTPUT = "probabilities"
_ONNX_FLOAT = "tensor(float)"


class ModelUnusableError(RuntimeError):
    """The folder holds no model that can be served; the message is one line."""


class Metadata(BaseModel):
    """What training writes beside the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(description="First 12 hex digits of the SHA-256 of model.onnx.")
    labels: tuple[str, ...] = Field(min_length=1, description="Label of each output column.")
    accuracy: float = Field(
        description="Share of held-out pictures that were answered right, through the serving code."
    )
    floor: float = Field(description="Accuracy below which training fails.")
    trained_on: int = Field(description="Number of training pictures.")
    held_out: int = Field(description="Number of pictures that were never trained on.")
    seed: int = Field(description="Seed of the training, from the build argument MODEL_SEED.")
    versions: dict[str, str] = Field(description="Versions of the packages that made the model.")


class Node(Protocol):
    """An input or output of an onnxruntime session, as far as it is used here."""

    name: str
    type: str
    shape: list[int | str | None]


class Session(Protocol):
    """An onnxruntime session, as far as it is used here: the package ships no types."""

    def get_inputs(self) -> Sequence[Node]:
        """Inputs of the graph."""
        ...

    def get_outputs(self) -> Sequence[Node]:
        """Outputs of the graph."""
        ...

    def run(self, output_names: list[str], input_feed: dict[str, Any]) -> list[NDArray[np.float32]]:
        """Infer; thread-safe."""
        ...


@dataclass(frozen=True)
class Model:
    """A loaded model. `probabilities` may be called from several threads at once: sessions allow it."""

    metadata: Metadata
    session: Session

    def probabilities(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Infer `[n, 64]` pixels to `[n, labels]` probabilities."""
        return self.session.run([OUTPUT], {INPUT: pixels})[0]


def load(folder: Path, intra_op_threads: int) -> Model:
    """Verify and load the model of a folder, and check that it takes and gives what the server sends and expects.

    Raises:
        ModelUnusableError: anything is missing, damaged or of another shape.
    """
    try:
        sums = verify(folder)
    except ChecksumError as error:
        raise ModelUnusableError(str(error)) from error
    for name in (MODEL_FILE, METADATA_FILE):
        if name not in sums:
            raise ModelUnusableError(f"{folder}: SHA256SUMS does not list {name}; publish model and metadata together")
    model = Model(metadata=_metadata(folder / METADATA_FILE), session=_session(folder / MODEL_FILE, intra_op_threads))
    _check(model, folder / MODEL_FILE)
    return model


def _metadata(path: Path) -> Metadata:
    try:
        return Metadata.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ModelUnusableError(f"{path}: {where}: {first['msg']}; train the model again") from error


def _session(path: Path, intra_op_threads: int) -> Session:
    options = cast("Any", onnxruntime).SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: warnings would be plain text between the JSON lines
    # Spinning threads burn the CPU quota of the pod while they wait.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        made = cast("Any", onnxruntime).InferenceSession(
            path.read_bytes(), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has a class per status code and no common base
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelUnusableError(f"{path}: onnxruntime refuses it ({reason[:200]})") from error
    return cast("Session", made)


def _check(model: Model, path: Path) -> None:
    inputs = [(node.name, node.type, node.shape[1:]) for node in model.session.get_inputs()]
    if inputs != [(INPUT, _ONNX_FLOAT, [PIXELS])]:
        raise ModelUnusableError(f"{path}: inputs are {inputs}, the server gives one '{INPUT}' of floats [n, {PIXELS}]")
    outputs = {node.name: (node.type, node.shape[1:]) for node in model.session.get_outputs()}
    columns = len(model.metadata.labels)
    if outputs.get(OUTPUT) != (_ONNX_FLOAT, [columns]):
        raise ModelUnusableError(
            f"{path}: outputs are {outputs}, the server reads '{OUTPUT}' of floats [n, {columns}], one per label"
        )
