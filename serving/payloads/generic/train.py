"""A small honest model for the generic role: is a tumour malignant, from 30 measurements of its cells?

The data is scikit-learn's bundled Wisconsin set, 569 patients.
`python -m serving.payloads.generic.train --out <folder>`
"""

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType
from sklearn import datasets, linear_model, model_selection, pipeline, preprocessing

from serving.checksums import write_sums
from serving.onnx import METADATA_FILE, MODEL_FILE, Metadata
from serving.payloads.generic import predict
from serving.payloads.generic.model import EXAMPLE_FILE, load_generic
from serving.training import Trained, command, package_versions, version_of

INPUT = "measurements"
FEATURES = 30
HELD_OUT = 171
SPLIT_SEED = 42
# Share of held-out patients. Trained models reach 0.97 and more; anything near the floor means that something broke.
FLOOR = 0.94
MOST_TOGETHER = 64
_OPSET = 17


class GenericMetadata(Metadata):
    """What training writes beside the model, and what tells the server that rows are independent."""

    max_batch_size: int


class Split(NamedTuple):
    """Measurements [n, 30] and whether each is malignant (0) or benign (1), to learn from and to ask about."""

    training: NDArray[np.float32]
    training_classes: NDArray[np.int64]
    held_out: NDArray[np.float32]
    held_out_classes: NDArray[np.int64]


def split() -> Split:
    """The data, split once and for all; both classes have the same share in both parts."""
    values, classes = cast("Any", datasets.load_breast_cancer(return_X_y=True))
    parts: Sequence[Any] = cast("Any", model_selection).train_test_split(
        values.astype(np.float32), classes, test_size=HELD_OUT, random_state=SPLIT_SEED, stratify=classes
    )
    learn, ask, learn_classes, ask_classes = parts
    return Split(learn, learn_classes, ask, ask_classes)


def fit(data: Split, seed: int) -> bytes:
    """Fit the classifier; ONNX. The seed draws nine tenths of the training data: another seed is another model."""
    chosen = np.random.default_rng(seed).permutation(len(data.training))[: len(data.training) * 9 // 10]
    classifier: Any = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("classify", linear_model.LogisticRegression(max_iter=1000))]
    )
    classifier.fit(data.training[chosen], data.training_classes[chosen])
    exported = cast("Any", skl2onnx).to_onnx(
        classifier,
        initial_types=[(INPUT, FloatTensorType([None, FEATURES]))],
        options={id(classifier): {"zipmap": False}},
        target_opset=_OPSET,
        name="tumours",  # without it the graph is named at random
    )
    return exported.SerializeToString()


def accuracy(files: dict[str, bytes], data: Split) -> float:
    """Share of held-out patients that the serving code, given JSON, answers right with this model."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), files)
        model = load_generic(Path(folder), intra_op_threads=1)
        body = json.dumps({"inputs": {INPUT: data.held_out.tolist()}}).encode()
        answered = np.array(predict(model, body)["label"])
    return float((answered == data.held_out_classes).mean())


def train(seed: int) -> Trained:
    """Train, and measure on the held-out patients."""
    data = split()
    onnx = fit(data, seed)
    example = json.dumps({"inputs": {INPUT: [data.training[0].tolist()]}}).encode()
    files = {MODEL_FILE: onnx, EXAMPLE_FILE: example}
    metadata = GenericMetadata(
        max_batch_size=MOST_TOGETHER,
        version=version_of(onnx),
        figures={"accuracy": round(accuracy({**files, METADATA_FILE: b"{}"}, data), 4)},
        floors={"accuracy": FLOOR},
        trained_on=len(data.training) * 9 // 10,
        held_out=len(data.held_out),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx"),
    )
    return Trained(files, metadata)


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.generic.train"))
