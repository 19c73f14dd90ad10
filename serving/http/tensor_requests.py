"""Inference requests of the Open Inference Protocol: parse them and check them against the model's inputs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from serving.errors import fault_of, shown
from serving.http.json_body import MOST_VALUES, Body, JsonBodyError, announces_small, document, read_json
from serving.models.tensors import DYNAMIC, Signature, Tensor, TensorModel, expected_values

# Largest size of an open first dimension: limits how long one request occupies a worker thread.
MOST_ROWS = 1024
# Largest number of values in an answer: as in a request.
MOST_OUTPUT_VALUES = MOST_VALUES
# Tensors of a request, keys of an object and sizes of a shape: more than any model has. pydantic reports every fault,
# and a body with a million of them would take gigabytes.
MOST_TENSORS, MOST_OBJECT_KEYS, MOST_SIZES = 64, 16, 16
# Values of a request besides the data of its tensors: names, shapes and parameters.
MOST_OTHER_VALUES = 10_000
MOST_ID = 128
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
# The JSON values of each kind of datatype. Without this check, numpy silently converts strings, booleans and null to
# numbers, and fractions to integers; a string among numbers makes it allocate the longest string for each number.
_VALUES: dict[str, set[type]] = {"b": {bool}, "u": {int}, "i": {int}, "f": {int, float}, "O": {str}}
# The numpy kinds that these values may have: an integer beyond 64 bits becomes an object.
_KINDS = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}
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
    id: str | None = Field(default=None, max_length=MOST_ID)
    inputs: list[InputTensor]
    outputs: list[RequestedOutput] = Field(default_factory=list[RequestedOutput])
    parameters: dict[str, Any] = Field(default_factory=dict)


class InferenceError(ValueError):
    """The request does not fit the model; the message is one line for the client."""


Feed = dict[str, NDArray[Any]]


async def read_tensors(request: Request, model: TensorModel) -> Body:
    """Read the body of a request, and refuse one with more values than the model takes.

    Raises:
        HTTPException: 413 too many bytes.
        InferenceError: too many values, lists or objects; raised before the rest of the body is read.
    """
    if announces_small(request):  # the usual case; `parse` counts the whole body at once
        return await request.body()
    try:
        return await read_json(request, most_values(model))
    except JsonBodyError as error:
        raise InferenceError(str(error)) from error


def most_values(model: TensorModel) -> int:
    """Return the most values that a request's JSON may have.

    A body with more is refused before it is parsed: parsing a million values holds the interpreter for 50 ms. Commas in
    strings count as values, and only the request says how large an open dimension is.
    """
    if any(tensor.datatype == "BYTES" or DYNAMIC in tensor.shape[1:] for tensor in model.inputs):
        return MOST_VALUES
    largest = sum(math.prod(MOST_ROWS if size == DYNAMIC else size for size in tensor.shape) for tensor in model.inputs)
    return min(MOST_VALUES, largest + MOST_OTHER_VALUES)


@dataclass(frozen=True)
class Asked:
    """A valid request."""

    id: str | None
    feed: Feed
    """The tensors by name."""
    wanted: list[str]
    """Names of the outputs."""


def parse(body: Body, model: Signature) -> Asked:
    """Parse and validate a request.

    Raises:
        InferenceError: malformed request, or name, datatype, shape or data do not fit the model, or the answer would be
            too large.
    """
    request = _read(body)
    names = [tensor.name for tensor in request.inputs]
    taken = {tensor.name: tensor for tensor in model.inputs}
    if sorted(names) != sorted(taken):
        raise InferenceError(f"inputs: got {shown(names)}, but the model requires exactly {list(taken)}")
    given = [tensor.name for tensor in model.outputs]
    unknown = [output.name for output in request.outputs if output.name not in given]
    if unknown:
        raise InferenceError(f"outputs: unknown {shown(unknown)}; the model returns {given}")
    for tensor in request.inputs:
        _check_tensor(tensor, taken[tensor.name])
    check_answer(model, {tensor.name: tensor.shape for tensor in request.inputs})
    feed = {tensor.name: _array(tensor) for tensor in request.inputs}
    return Asked(request.id, feed, list(dict.fromkeys(output.name for output in request.outputs)) or given)


def check_answer(model: Signature, shapes: Mapping[str, Sequence[int]]) -> None:
    """Refuse a request whose answer would have too many values, before it is computed.

    Raises:
        InferenceError: more than MOST_OUTPUT_VALUES.
    """
    count = expected_values(model, shapes)
    if count > MOST_OUTPUT_VALUES:
        raise InferenceError(
            f"the answer would have {count} values, the limit is {MOST_OUTPUT_VALUES}; send fewer rows at once"
        )


def check_computed(outputs: Mapping[str, NDArray[Any]]) -> None:
    """Refuse an answer that is too large: before the inference, only the graph knew its unnamed dimensions.

    Raises:
        InferenceError: more than MOST_OUTPUT_VALUES.
    """
    count = sum(values.size for values in outputs.values())
    if count > MOST_OUTPUT_VALUES:
        raise InferenceError(
            f"the answer has {count} values, the limit is {MOST_OUTPUT_VALUES}; send fewer rows at once"
        )


def _read(body: Body) -> InferenceRequest:
    try:
        content = document(body)
        _check_sizes(content)
        return InferenceRequest.model_validate(content)
    except JsonBodyError as error:
        raise InferenceError(str(error)) from error
    except ValidationError as error:
        raise InferenceError(fault_of(error)) from error


def _check_sizes(content: dict[str, Any]) -> None:
    """Refuse too many entries before each of them becomes a fault of its own."""
    _check_size(content, MOST_OBJECT_KEYS, "body")
    for part in ("inputs", "outputs"):
        tensors: object = content.get(part)
        _check_size(tensors, MOST_TENSORS, part)
        if isinstance(tensors, list):
            for index, tensor in enumerate(cast("list[object]", tensors)):
                _check_size(tensor, MOST_OBJECT_KEYS, part, index)
                if isinstance(tensor, dict):
                    _check_size(cast("dict[str, object]", tensor).get("shape"), MOST_SIZES, part, index, "shape")


def _check_size(given: object, most: int, *where: str | int) -> None:
    if isinstance(given, (list, dict)) and (count := len(cast("list[object]", given))) > most:
        raise InferenceError(f"{'.'.join(map(str, where))}: has {count} entries, the limit is {most}")


def _check_tensor(given: InputTensor, taken: Tensor) -> None:
    name = given.name
    if given.datatype != taken.datatype:
        raise InferenceError(f"{name}: datatype is {shown(given.datatype)!r}, but the model requires {taken.datatype}")
    if not fits(given.shape, taken.shape):
        raise InferenceError(
            f"{name}: shape is {shown(given.shape)}, but the model requires {shape_words(taken.shape)}"
        )


def _array(given: InputTensor) -> NDArray[Any]:
    flat, _ = flattened(given.name, given.data, given.datatype)
    needed = math.prod(given.shape)
    if len(flat) != needed:
        raise InferenceError(f"{given.name}: data has {len(flat)} values, but shape {given.shape} requires {needed}")
    return array_of(given.name, flat, given.datatype).reshape(given.shape)


def fits(shape: list[int], taken: tuple[int, ...]) -> bool:
    """Return whether a shape fits: no size is 0, open dimensions accept any size, an open first one up to MOST_ROWS."""
    if len(shape) != len(taken) or any(size < 1 for size in shape):
        return False
    if taken[:1] == (DYNAMIC,) and shape[0] > MOST_ROWS:
        return False
    return all(wanted in {DYNAMIC, size} for size, wanted in zip(shape, taken, strict=True))


def flattened(name: str, data: object, datatype: str) -> tuple[list[Any], list[int]]:
    """Return nested JSON values as a flat list, and the shape that their nesting gives.

    Raises:
        InferenceError: the values are ragged or of another kind than the datatype.
    """
    kind = np.dtype(_TYPES[datatype]).kind
    shape: list[int] = []
    level: list[Any] = [data]
    while level and isinstance(level[0], list):
        length = len(cast("list[object]", level[0]))
        if set(map(type, level)) != {list} or set(map(len, level)) != {length}:
            raise _irregular(name, kind)
        shape.append(length)
        level = list(chain.from_iterable(level))
    if not set(map(type, level)) <= _VALUES[kind]:
        raise _irregular(name, kind)
    return level, shape


def array_of(name: str, flat: list[Any], datatype: str) -> NDArray[Any]:
    """Return values of the right kind as a flat array of the given datatype.

    Raises:
        InferenceError: the values are out of the datatype's range, or not finite.
    """
    wanted = np.dtype(_TYPES[datatype])
    if wanted.kind == "O":
        texts = np.empty(len(flat), wanted)
        texts[:] = flat
        return texts
    values = np.asarray(flat)
    if flat and values.dtype.kind not in _KINDS[wanted.kind]:
        raise _irregular(name, wanted.kind)
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


def _irregular(name: str, kind: str) -> InferenceError:
    return InferenceError(f"{name}: data is not a regular array of {_WORDS[kind]}")


def datatype_known(datatype: str) -> bool:
    """Return whether this server accepts tensors of a datatype as JSON."""
    return datatype in _TYPES


def shape_words(taken: tuple[int, ...]) -> str:
    """Return a shape in the form that error messages use."""
    sizes = [
        ("any" if index else f"1 to {MOST_ROWS}") if size == DYNAMIC else str(size) for index, size in enumerate(taken)
    ]
    return f"[{', '.join(sizes)}]"
