"""JSON responses, encoded in a worker thread so that a large one does not block the event loop."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from numpy.typing import NDArray
from starlette.responses import Response

from serving.models.tensors import Tensor

MEDIA_TYPE = "application/json"
# As in Starlette's JSON responses, a number that is not finite is an internal error: JSON cannot express it.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
# Values that are encoded at once. Each takes 100 bytes as a Python object and text, and holds the interpreter for a
# microsecond.
_BLOCK = 1 << 11


def encoded_tensors(head: Mapping[str, object], outputs: Mapping[str, NDArray[Any]], tensors: list[Tensor]) -> bytes:
    """Return the answer of the Open Inference Protocol: the head's keys, then `outputs` with flat data.

    Raises:
        ValueError: an output has a number that is not finite.
    """
    described = {tensor.name: tensor.datatype for tensor in tensors}
    parts = [
        [
            _opened({"name": name, "datatype": described[name], "shape": list(values.shape)}),
            ',"data":',
            *encoded_array(values.ravel()),
            "}",
        ]
        for name, values in outputs.items()
    ]
    return "".join([_opened(head), ',"outputs":[', *_joined(parts), "]}"]).encode()


def encoded_lists(outputs: Mapping[str, NDArray[Any]], tail: Mapping[str, object]) -> bytes:
    """Return the answer of POST /predict: `outputs` as nested lists by name, then the tail's keys.

    Raises:
        ValueError: an output has a number that is not finite.
    """
    parts = [[_ENCODER.encode(name), ":", *encoded_array(values)] for name, values in outputs.items()]
    return "".join(['{"outputs":{', *_joined(parts), "},", _ENCODER.encode(tail)[1:]]).encode()


def encoded_array(values: NDArray[Any]) -> Iterator[str]:
    """Yield the JSON of an array as nested lists, in parts of bounded size."""
    if values.size <= _BLOCK:
        yield _ENCODER.encode(values.tolist())
        return
    row = values.size // len(values)
    if row > _BLOCK:
        yield from ("[", *_joined([list(encoded_array(part)) for part in values]), "]")
        return
    many = max(1, _BLOCK // row)
    blocks = [[_ENCODER.encode(values[at : at + many].tolist())[1:-1]] for at in range(0, len(values), many)]
    yield from ("[", *_joined(blocks), "]")


def answer(body: bytes) -> Response:
    """Return a response with an encoded body."""
    return Response(body, media_type=MEDIA_TYPE)


def _opened(content: Mapping[str, object]) -> str:
    """Return an object without its closing bracket."""
    return _ENCODER.encode(content)[:-1]


def _joined(parts: list[list[str]]) -> Iterator[str]:
    for index, part in enumerate(parts):
        if index:
            yield ","
        yield from part
