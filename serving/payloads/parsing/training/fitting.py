"""Fit the stages one after another, each on pictures that no earlier stage has seen.

A stage learns from the predictions of the previous one. On that stage's own training pictures these predictions would
be better than on any others, and the new stage would learn to trust them too much.
"""

import warnings
from typing import Any, NamedTuple, cast

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image
from sklearn import exceptions, neural_network
from threadpoolctl import threadpool_limits

from serving.payloads.parsing.labels import BACKGROUND
from serving.payloads.parsing.letterbox import SIDE, place
from serving.payloads.parsing.model import INPUT, OUTPUT
from serving.payloads.parsing.training.features import gather, width_of
from serving.payloads.parsing.training.graph import RESOLUTIONS, Graph, Layer, Views, decide, views
from serving.payloads.parsing.training.people import TRAINING, Picture, pictures

_HIDDEN = (64, 32)
_EPOCHS = 8
_BATCH = 512
_DECAY = 1e-3
_BACKGROUND_SHARE = 0.5
"""Sampling weight of a background pixel relative to a person's pixel: most pixels are background."""
_SMALLEST_SPREAD = 1e-3
_NOWHERE = 255


class Effort(NamedTuple):
    """The amount of training data: pictures per stage, pixels per picture, and pictures for the INT8 ranges."""

    pictures: int
    pixels: int
    calibration: int


FULL = Effort(pictures=500, pixels=300, calibration=24)


class _Samples(NamedTuple):
    features: NDArray[np.float32]
    labels: NDArray[np.uint8]


def fit(seed: int, effort: Effort = FULL) -> bytes:
    """Return the network as ONNX. The same seed and CPU type give the same bytes."""
    graph = Graph()
    # One thread: the matrices are small, and on a busy machine waiting for other threads costs more than the work
    # itself.
    with cast("Any", threadpool_limits)(1):
        for stage in range(len(RESOLUTIONS)):
            seen = views(graph, stage)
            decide(graph, stage, seen, _perceptron(_sample(graph, stage, seen, seed, effort), seed))
    return graph.model([OUTPUT])


def _sample(graph: Graph, stage: int, seen: Views, seed: int, effort: Effort) -> _Samples:
    session = one_thread(graph.model(seen.tensors))
    rng = np.random.default_rng([seed, stage])
    width = width_of(stage)
    features = np.empty((effort.pictures * effort.pixels, width), np.float32)
    labels = np.empty(len(features), np.uint8)
    for number, picture in enumerate(pictures([TRAINING, seed, stage], effort.pictures)):
        square, truth = _example(picture, RESOLUTIONS[stage])
        maps: list[NDArray[np.float32]] = [each[0] for each in session.run(list(seen.tensors), {INPUT: square[None]})]
        there = np.flatnonzero(truth != _NOWHERE)
        weights = np.where(truth.ravel()[there] == BACKGROUND, _BACKGROUND_SHARE, 1.0)
        asked = rng.choice(there, effort.pixels, replace=False, p=weights / weights.sum())
        rows, columns = asked // truth.shape[1], asked % truth.shape[1]
        split = len(seen.colours)
        part = slice(number * effort.pixels, (number + 1) * effort.pixels)
        features[part] = gather(maps[:split], maps[split:], rows, columns)
        labels[part] = truth[rows, columns]
    return _Samples(features, labels)


def _example(picture: Picture, side: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return the network's input and the label of every pixel of a stage's square; _NOWHERE outside the picture."""
    square, placement = place(Image.fromarray(picture.pixels))
    truth = np.full((SIDE, SIDE), _NOWHERE, np.uint8)
    size = (placement.across, placement.down)
    truth[placement.window] = np.asarray(Image.fromarray(picture.labels).resize(size, Image.Resampling.NEAREST))
    step = SIDE // side
    return square, truth[step // 2 :: step, step // 2 :: step]


def _perceptron(samples: _Samples, seed: int) -> list[Layer]:
    """Return layers that take unscaled features: the scaling is folded into the first layer."""
    mean = samples.features.mean(axis=0)
    spread = samples.features.std(axis=0) + np.float32(_SMALLEST_SPREAD)
    scaled = samples.features
    scaled -= mean  # in place: the features take half a gigabyte
    scaled /= spread
    classifier: Any = cast("Any", neural_network).MLPClassifier(
        _HIDDEN, batch_size=_BATCH, learning_rate_init=2e-3, alpha=_DECAY, max_iter=_EPOCHS, random_state=seed
    )
    with warnings.catch_warnings():  # the number of epochs is fixed, convergence is not required
        warnings.simplefilter("ignore", exceptions.ConvergenceWarning)
        classifier.fit(scaled, samples.labels)
    layers = [Layer(*pair) for pair in zip(classifier.coefs_, classifier.intercepts_, strict=True)]
    weights = layers[0].weights / spread[:, None]
    return [Layer(weights, layers[0].biases - mean @ weights), *layers[1:]]


def one_thread(model: bytes) -> Any:  # noqa: ANN401 - onnxruntime ships no types
    """Return a session that gives identical results on all machines of one CPU type."""
    options = cast("Any", onnxruntime).SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return cast("Any", onnxruntime).InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])
