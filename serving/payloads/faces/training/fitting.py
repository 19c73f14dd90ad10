"""Fit the embedding: principal components, then the directions in which people differ more than their own pictures.

The method is Fisherfaces (Belhumeur, Hespanha, Kriegman 1997), after a slight blur and a window. All steps are linear,
so the whole model is one matrix.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from serving.payloads.faces.alignment import CHANNELS, SIDE, Pixels
from serving.payloads.faces.embedding import INPUT, OUTPUT
from serving.payloads.faces.gallery import DIMENSIONS

_COMPONENTS = 400
# Share of the mean variance that is added to every direction: stabilizes directions that few pictures show.
_SHRINKAGE = 0.01
_OPSET = 17
_IR_VERSION = 8
_WHITE = 255.0
Matrix = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class Projection:
    """Vector = (pixels - mean) @ weights, scaled to length 1."""

    mean: Matrix
    weights: Matrix


def fit(faces: Pixels, people: NDArray[np.int64]) -> Projection:
    """Fit to aligned faces `[n, SIDE, SIDE, 3]` and the number of each face's person."""
    seen = _seen(faces.astype(np.float64) / _WHITE).reshape(len(faces), -1)
    mean = seen.mean(axis=0)
    components = _principal(seen - mean)
    weights = components @ _discriminant((seen - mean) @ components, people)
    # Fold blur and window into the weights: both are linear and symmetric.
    folded = _blurred((weights.T.reshape(-1, SIDE, SIDE, CHANNELS)) * _WINDOW).reshape(len(weights.T), -1).T / _WHITE
    raw_mean = faces.astype(np.float64).reshape(len(faces), -1).mean(axis=0)
    return Projection(mean=raw_mean, weights=folded)


def _offsets() -> Matrix:
    return np.arange(SIDE) - (SIDE - 1) / 2


# Fades out everything that is not face: hair tips, the wall behind.
_WINDOW = np.exp(-((_offsets()[np.newaxis, :] / 20) ** 4) - (((_offsets()[:, np.newaxis] - 1) / 22) ** 4))[
    ..., np.newaxis
]


def _seen(faces: Matrix) -> Matrix:
    return _blurred(faces) * _WINDOW


def _blurred(faces: Matrix) -> Matrix:
    """Average each pixel with its neighbors, 1-2-1 in both directions; edges wrap around, where the window is 0."""
    for axis in (1, 2):
        faces = (np.roll(faces, 1, axis) + 2 * faces + np.roll(faces, -1, axis)) / 4
    return faces


def _principal(centred: Matrix) -> Matrix:
    """Return orthonormal directions of most variance, from products of pictures, which are fewer than pixels."""
    values, vectors = np.linalg.eigh(centred @ centred.T)
    kept = min(_COMPONENTS, len(centred) - 1)
    values, vectors = values[::-1][:kept], vectors[:, ::-1][:, :kept]
    return centred.T @ vectors / np.sqrt(values)


def _discriminant(points: Matrix, people: NDArray[np.int64]) -> Matrix:
    """Return the directions with the most variance between people relative to that within a person's pictures."""
    numbers, index = np.unique(people, return_inverse=True)
    means = np.stack([points[people == number].mean(axis=0) for number in numbers])
    within = points - means[index]
    inner = within.T @ within / len(points)
    inner += np.eye(len(inner)) * (_SHRINKAGE * np.trace(inner) / len(inner))
    outer: Matrix = np.cov(means, rowvar=False)
    whitening: Matrix = np.linalg.cholesky(cast("Matrix", np.linalg.inv(inner)))
    _, directions = np.linalg.eigh(whitening.T @ outer @ whitening)
    chosen: Matrix = whitening @ directions[:, ::-1][:, :DIMENSIONS]
    # Eigenvectors have no defined sign; fixing one makes the same data always give the same model.
    return chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(chosen.shape[1])])


def export(projection: Projection) -> bytes:
    """Return the projection as ONNX; the same projection gives the same bytes."""
    weights = projection.weights.astype(np.float32)
    bias = (-projection.mean @ projection.weights).astype(np.float32)
    make = cast("Any", helper)
    graph = make.make_graph(
        [
            make.make_node("Cast", [INPUT], ["floats"], to=TensorProto.FLOAT),
            make.make_node("Flatten", ["floats"], ["rows"], axis=1),
            make.make_node("Gemm", ["rows", "weights", "bias"], ["points"]),
            make.make_node("ReduceL2", ["points"], ["lengths"], axes=[1], keepdims=1),
            make.make_node("Div", ["points", "lengths"], [OUTPUT]),
        ],
        "faces",
        [make.make_tensor_value_info(INPUT, TensorProto.UINT8, ["n", SIDE, SIDE, CHANNELS])],
        [make.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", DIMENSIONS])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    cast("Any", onnx).checker.check_model(model)
    return cast("bytes", model.SerializeToString())
