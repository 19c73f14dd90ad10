"""Inference requests of the Open Inference Protocol: parse them and check them against the model's inputs."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from serving.models.tensors import DYNAMIC, Tensor, TensorModel

# Largest size of an open first dimension: limits how long one request occupies a worker thread.
MOST_ROWS = 1024
_TYPES: dict[str, type[np.generic]] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
# The numpy kinds that JSON values may have for each datatype. Without this check, numpy silently converts strings,
# booleans and null to numbers, and fractions to integers.
_KINDS = {"b": "b", "u": "iu", "i": "iu", "f": "iuf", "O": "U"}
_WORDS = {"b": "booleans", "u": "whole numbers", "i": "whole numbers", "f": "numbers", "O": "strings"}


class InputTensor(BaseModel):
    """A tensor of a request; `data` is flat or nested, in row-major order."""

    model_config = ConfigDict(extra="forbid")
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]
    parameters: dict[str, Any] = Field(default_factory=dict)


class RequestedOutput(BaseModel):
    """An output that the client requests."""

    model_config = ConfigDict(extra="forbid")
    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceRequest(BaseModel):
    """The body of POST /v2/models/{model}/infer."""

    model_config = ConfigDict(extra="forbid")
    id: str | None = None
    inputs: list[InputTensor]
    outputs: list[RequestedOutput] = Field(default_factory=list[RequestedOutput])
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceError(ValueError):
    """The request does not fit the model; the message is one line for the client."""


Feed = dict[str, NDArray[Any]]


def parse(body: bytes, model: TensorModel) -> tuple[InferenceRequest, Feed, list[str]]:
    """Parse and validate a request; return it with its tensors by name and the names of the outputs it wants.

    Raises:
        InferenceError: malformed request, or name, datatype, shape or data do not fit the model.
    """
    try:
        request = InferenceRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise InferenceError(f"{where}: {first['msg']}") from error
    names = [tensor.name for tensor in request.inputs]
    taken = {tensor.name: tensor for tensor in model.inputs}
    if sorted(names) != sorted(taken):
        raise InferenceError(f"inputs: got {names}, but the model requires exactly {list(taken)}")
    given = [tensor.name for tensor in model.outputs]
    unknown = [output.name for output in request.outputs if output.name not in given]
    if unknown:
        raise InferenceError(f"outputs: unknown {unknown}; the model returns {given}")
    feed = {tensor.name: _array(tensor, taken[tensor.name]) for tensor in request.inputs}
    return request, feed, [output.name for output in request.outputs] or given


def _array(given: InputTensor, taken: Tensor) -> NDArray[Any]:
    name = given.name
    if given.datatype != taken.datatype:
        raise InferenceError(f"{name}: datatype is {given.datatype!r}, but the model requires {taken.datatype}")
    if not fits(given.shape, taken.shape):
        raise InferenceError(f"{name}: shape is {given.shape}, but the model requires {shape_words(taken.shape)}")
    values = array_of(name, given.data, taken.datatype)
    needed = int(np.prod(given.shape, dtype=object))
    if values.size != needed:
        raise InferenceError(f"{name}: data has {values.size} values, but shape {given.shape} requires {needed}")
    return values.reshape(given.shape)


def fits(shape: list[int], taken: tuple[int, ...]) -> bool:
    """Return whether a shape fits: no size is 0, open dimensions accept any size, an open first one up to MOST_ROWS."""
    if len(shape) != len(taken) or any(size < 1 for size in shape):
        return False
    if taken[:1] == (DYNAMIC,) and shape[0] > MOST_ROWS:
        return False
    return all(wanted in {DYNAMIC, size} for size, wanted in zip(shape, taken, strict=True))


def array_of(name: str, data: object, datatype: str) -> NDArray[Any]:
    """Return JSON values, nested or flat, as an array of the given datatype.

    Raises:
        InferenceError: the values are ragged, of another kind, out of the datatype's range, or not finite.
    """
    wanted = np.dtype(_TYPES[datatype])
    words = f"{name}: data is not a regular array of {_WORDS[wanted.kind]}"
    try:
        values = np.asarray(data)
    except (ValueError, OverflowError) as error:
        raise InferenceError(words) from error
    if values.dtype.kind not in _KINDS[wanted.kind]:
        raise InferenceError(words)
    if wanted.kind == "f":
        with np.errstate(over="ignore"):  # an overflow becomes infinite and is refused below
            numbers = values.astype(wanted)
        if not np.isfinite(numbers).all():
            raise InferenceError(f"{name}: data has values that are not finite")
        return numbers
    if wanted.kind in "iu" and values.size:
        limits = np.iinfo(wanted)  # type: ignore[type-var]
        if int(values.min()) < limits.min or int(values.max()) > limits.max:
            raise InferenceError(f"{name}: data has values outside {datatype}, {limits.min} to {limits.max}")
    return values.astype(wanted)


def datatype_known(datatype: str) -> bool:
    """Return whether this server accepts tensors of a datatype as JSON."""
    return datatype in _TYPES


def answer_of(outputs: Mapping[str, NDArray[Any]], described: Mapping[str, Tensor]) -> list[dict[str, object]]:
    """Return outputs in the protocol's form."""
    return [
        {
            "name": name,
            "datatype": described[name].datatype,
            "shape": list(values.shape),
            "data": values.ravel().tolist(),
        }
        for name, values in outputs.items()
    ]


def shape_words(taken: tuple[int, ...]) -> str:
    """Return a shape in the form that error messages use."""
    sizes = [
        ("any" if index else f"1 to {MOST_ROWS}") if size == DYNAMIC else str(size) for index, size in enumerate(taken)
    ]
    return f"[{', '.join(sizes)}]"
