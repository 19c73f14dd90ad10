"""Train the classifier and refuse to publish it if it is below its floor.

`python -m serving.payloads.digits.train --out <folder> [--seed 0] [--floor 0.95]`
"""

import sys
import tempfile
from pathlib import Path
from typing import Any, cast

import numpy as np
from sklearn import neural_network
from threadpoolctl import threadpool_limits

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE
from serving.payloads.digits.data import LABELS, Picture, split
from serving.payloads.digits.model import INPUT, DigitsMetadata, load_digits
from serving.payloads.digits.pixels import PIXELS, pixels_of
from serving.training.runner import Trained, command, package_versions, version_of
from serving.training.tables import to_onnx

# Share of held-out pictures. Trained models reach 0.98; a value near the floor means that something is broken.
FLOOR = 0.95
_HIDDEN = 128


def fit(pictures: list[Picture], seed: int) -> bytes:
    """Fit the classifier to preprocessed pictures; return ONNX. The same seed and CPU type give the same bytes."""
    pixels = np.stack([pixels_of(picture.png) for picture in pictures])
    labels = np.array([LABELS.index(picture.label) for picture in pictures])
    classifier: Any = neural_network.MLPClassifier((_HIDDEN,), alpha=1e-3, max_iter=1000, random_state=seed)
    # One thread: the matrices are tiny, and on a busy machine threads that wait for each other turn 1 s into 20 s.
    with cast("Any", threadpool_limits)(1):
        classifier.fit(pixels, labels)
    return to_onnx(classifier, name="digits", tensor=INPUT, columns=PIXELS)


def accuracy(onnx: bytes, metadata: DigitsMetadata, pictures: list[Picture]) -> float:
    """Return the share of pictures that the serving code classifies correctly with this model."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), {MODEL_FILE: onnx, METADATA_FILE: metadata.model_dump_json().encode()})
        model = load_digits(Path(folder), intra_op_threads=1)
        right = sum(model.classify(picture.png, 1)[0].label == picture.label for picture in pictures)
    return right / len(pictures)


def train(seed: int) -> Trained:
    """Train a model and measure it on the held-out pictures."""
    data = split()
    onnx = fit(data.training, seed)
    metadata = DigitsMetadata(
        version=version_of(onnx),
        labels=LABELS,
        figures={},
        floors={"accuracy": FLOOR},
        trained_on=len(data.training),
        held_out=len(data.held_out),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "pillow", "scikit-learn", "skl2onnx"),
    )
    figures = {"accuracy": round(accuracy(onnx, metadata, data.held_out), 4)}
    return Trained({MODEL_FILE: onnx}, metadata.model_copy(update={"figures": figures}))


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.digits.train"))
