"""ONNX models: a verified folder, loaded into onnxruntime with the metadata that training wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, cast

import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.errors import ModelUnusableError, fault_of
from serving.models.checksums import ChecksumError, verify
from serving.models.tensors import DYNAMIC, Signature, Tensor

MODEL_FILE = "model.onnx"
QUANTISED_FILE = "model.int8.onnx"
METADATA_FILE = "metadata.json"
CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
VERSION_DIGITS = 12
# onnxruntime's names of element types, mapped to those of the Open Inference Protocol.
_DATATYPES = {
    "bool": "BOOL",
    "uint8": "UINT8",
    "uint16": "UINT16",
    "uint32": "UINT32",
    "uint64": "UINT64",
    "int8": "INT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "float16": "FP16",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
}


class Metadata(BaseModel):
    """The metadata that training writes beside the model. A role that needs more fields defines a subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(description="First 12 hex digits of the SHA-256 of model.onnx.")
    figures: dict[str, float] = Field(description="Measured on held-out data, through the serving code.")
    floors: dict[str, float] = Field(description="Figure below which training fails, for each that has one.")
    trained_on: int = Field(description="Number of training examples.")
    held_out: int = Field(description="Number of examples that were never trained on.")
    seed: int = Field(description="Seed of the training.")
    versions: dict[str, str] = Field(description="Versions of the packages that made the model.")


D = TypeVar("D", bound=Metadata)


class Node(Protocol):
    """The part of an onnxruntime input or output that is used here."""

    name: str
    type: str
    shape: list[int | str | None]


class Session(Protocol):
    """The part of an onnxruntime session that is used here: the package ships no types."""

    def get_inputs(self) -> Sequence[Node]:
        """Return the inputs of the graph."""
        ...

    def get_outputs(self) -> Sequence[Node]:
        """Return the outputs of the graph."""
        ...

    def run(self, output_names: list[str], input_feed: dict[str, Any]) -> list[NDArray[Any]]:
        """Run one inference; thread-safe."""
        ...


@dataclass(frozen=True)
class OnnxModel(Generic[D]):
    """A loaded model. Several threads may call `infer` at once: onnxruntime sessions allow it."""

    metadata: D
    session: Session
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    @property
    def version(self) -> str:
        """Version of the model file."""
        return self.metadata.version

    def infer(self, feed: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Compute the wanted outputs."""
        names = list(wanted)
        return dict(zip(names, self.session.run(names, dict(feed)), strict=True))

    def require(self, where: Path, *, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> "OnnxModel[D]":
        """Check the model's inputs and outputs against those the role uses, and hide all other outputs.

        Raises:
            ModelUnusableError: the inputs differ, or an output is missing.
        """
        if list(self.inputs) != list(inputs):
            raise ModelUnusableError(
                f"{where}: inputs are {_words(self.inputs)}, but must be {_words(inputs)}; train the model again"
            )
        if not set(outputs) <= set(self.outputs):
            raise ModelUnusableError(
                f"{where}: outputs are {_words(self.outputs)}, but must hold {_words(outputs)}; train the model again"
            )
        # Keep the model's own tensors: only they have names of axes, which tensor equality ignores.
        own = {tensor: tensor for tensor in self.outputs}
        return replace(self, outputs=tuple(own[tensor] for tensor in outputs))


def load_model(
    folder: Path,
    intra_op_threads: int,
    metadata_type: type[D],
    *,
    file: str = MODEL_FILE,
    providers: Sequence[str] = (CPU,),
) -> OnnxModel[D]:
    """Verify a folder against its SHA256SUMS and load a model from it with its metadata.

    Raises:
        ModelUnusableError: a file is missing or damaged, or onnxruntime refuses the model.
    """
    verified_folder(folder, (file, METADATA_FILE))
    metadata = read_metadata(folder / METADATA_FILE, metadata_type)
    session = open_session(folder / file, intra_op_threads, providers)
    return model_of(metadata, session)


def file_of(variant: str) -> str:
    """Return the model file of a variant, as the settings name it: `float` or `int8`."""
    return QUANTISED_FILE if variant == "int8" else MODEL_FILE


def verified_folder(folder: Path, needed: Sequence[str]) -> dict[str, str]:
    """Verify every file of a folder, require the needed files among them, and return the checksums.

    Raises:
        ModelUnusableError: a file is missing, damaged or not listed.
    """
    try:
        sums = verify(folder)
    except ChecksumError as error:
        raise ModelUnusableError(str(error)) from error
    for name in needed:
        if name not in sums:
            raise ModelUnusableError(f"{folder}: SHA256SUMS does not list {name}; publish it with the model")
    return sums


def read_metadata(path: Path, metadata_type: type[D]) -> D:
    """Read the metadata that training wrote.

    Raises:
        ModelUnusableError: the file is unreadable or does not match the metadata type.
    """
    try:
        return metadata_type.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelUnusableError(f"{path}: cannot be read ({error.strerror}); publish the model again") from error
    except ValidationError as error:
        raise ModelUnusableError(f"{path}: {fault_of(error, 'content')}; train the model again") from error


def model_of(metadata: D, session: Session) -> OnnxModel[D]:
    """Return a model that uses an open session."""
    signature = signature_of(session)
    return OnnxModel(metadata, session, signature.inputs, signature.outputs)


def signature_of(session: Session) -> Signature:
    """Return the inputs and outputs of a session's graph."""
    return Signature(tuple(map(tensor_of, session.get_inputs())), tuple(map(tensor_of, session.get_outputs())))


def open_session(path: Path, intra_op_threads: int, providers: Sequence[str] = (CPU,)) -> Session:
    """Open a session with the number of threads that the pod's CPU limit allows for one inference.

    Raises:
        ModelUnusableError: the file cannot be read, or onnxruntime refuses it.
    """
    options = cast("Any", onnxruntime).SessionOptions()
    options.intra_op_num_threads = intra_op_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: a warning would be plain text among the JSON lines
    # Spinning threads use up the pod's CPU quota while they wait.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnusableError(f"{path}: cannot be read ({error.strerror}); publish the model again") from error
    try:
        made = cast("Any", onnxruntime).InferenceSession(content, sess_options=options, providers=list(providers))
    except Exception as error:  # onnxruntime has a class per status code and no common base
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelUnusableError(f"{path}: onnxruntime rejected it ({reason[:200]}); export the model again") from error
    return cast("Session", made)


def tensor_of(node: Node) -> Tensor:
    """Return an input or output in the protocol's terms; a non-tensor type (a map, a sequence) keeps its own name."""
    kind = node.type.removeprefix("tensor(").removesuffix(")")
    shape = tuple(size if isinstance(size, int) else DYNAMIC for size in node.shape)
    axes = tuple(size if isinstance(size, str) else "" for size in node.shape)
    return Tensor(node.name, _DATATYPES.get(kind, node.type), shape, axes)


def _words(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"'{tensor.name}' {tensor.datatype} {list(tensor.shape)}" for tensor in tensors) or "none"
