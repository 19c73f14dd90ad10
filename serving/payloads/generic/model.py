"""Any ONNX model: inputs and outputs are read from the file itself."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from serving.errors import ModelUnusableError, fault_of
from serving.http.tensor_requests import MOST_ROWS, datatype_known
from serving.models.checksums import SUMS_FILE
from serving.models.onnx import (
    CPU,
    CUDA,
    METADATA_FILE,
    MODEL_FILE,
    VERSION_DIGITS,
    open_session,
    signature_of,
    verified_folder,
)
from serving.models.tensors import DYNAMIC, Tensor
from serving.payloads.generic.batching import Tensors, batches_of
from serving.telemetry.logs import with_fields
from serving.work.batching import Batches

# Optional file beside the model: the body of a /predict request for the warm-up, if zeros of size 1 are not suitable.
EXAMPLE_FILE = "example.json"
_SUFFIX = ".onnx"

log = logging.getLogger("slipway.model")


class Batching(BaseModel):
    """The part of metadata.json that the server reads; the rest is for people."""

    max_batch_size: int = Field(
        default=1, ge=1, le=MOST_ROWS, description="Rows computed together; the first dimension must be the batch."
    )


@dataclass(frozen=True)
class GenericModel:
    """A loaded model; thread-safe."""

    version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    batches: Batches[Tensors, Tensors]
    example: bytes | None

    def infer(self, feed: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Compute the wanted outputs of one request."""
        outputs = self.batches.answer(dict(feed))
        return {name: outputs[name] for name in wanted}


def load_generic(
    folder: Path,
    intra_op_threads: int,
    file: str = MODEL_FILE,
    *,
    seen: Callable[[float], None] = lambda _: None,
) -> GenericModel:
    """Verify a folder and load its model, on a GPU if onnxruntime finds one.

    `seen` is called with the number of requests that each inference answers.

    Raises:
        ModelUnusableError: verification fails, onnxruntime refuses the model, or its values cannot be sent as JSON.
    """
    sums = verified_folder(folder, ())
    name = _model_file(folder, sums, file)
    available: list[str] = cast("Any", onnxruntime).get_available_providers()
    session = open_session(folder / name, intra_op_threads, [item for item in (CUDA, CPU) if item in available])
    signature = signature_of(session)
    tensors = (*signature.inputs, *signature.outputs)
    for tensor in tensors:
        if not datatype_known(tensor.datatype):
            raise ModelUnusableError(
                f"{folder / name}: '{tensor.name}' is a {tensor.datatype}; export the model with plain tensors only"
            )
    example = (folder / EXAMPLE_FILE).read_bytes() if EXAMPLE_FILE in sums else None
    version = sums[name][:VERSION_DIGITS]
    providers = cast("Any", session).get_providers()
    most = _batch_size(folder, sums, tensors)
    log.info("model loaded", extra=with_fields(file=name, modelVersion=version, providers=providers, batch=most))
    batches = batches_of(session, [tensor.name for tensor in signature.outputs], most=most, seen=seen)
    return GenericModel(version, signature.inputs, signature.outputs, batches, example)


def _batch_size(folder: Path, sums: Mapping[str, str], tensors: Sequence[Tensor]) -> int:
    if METADATA_FILE not in sums:
        return 1
    where = folder / METADATA_FILE
    try:
        most = Batching.model_validate_json(where.read_bytes()).max_batch_size
    except ValidationError as error:
        raise ModelUnusableError(f"{where}: {fault_of(error, 'content')}") from error
    fixed = [tensor.name for tensor in tensors if tensor.shape[:1] != (DYNAMIC,)]
    if most > 1 and fixed:
        raise ModelUnusableError(
            f"{where}: max_batch_size is {most}, but the first dimension of {', '.join(fixed)} is fixed; remove the key"
        )
    return most


def _model_file(folder: Path, sums: Mapping[str, str], wanted: str) -> str:
    """Return the requested file; for model.onnx, fall back to the only model in the folder."""
    if wanted in sums:
        return wanted
    models = [name for name in sums if name.endswith(_SUFFIX)]
    if wanted != MODEL_FILE or len(models) != 1:
        there = ", ".join(models) or "none"
        raise ModelUnusableError(
            f"{folder}: {SUMS_FILE} lists no {wanted} (models there: {there}); publish it under that name"
        )
    return models[0]
