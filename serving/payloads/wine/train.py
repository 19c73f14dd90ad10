"""Train the wine payload's model on scikit-learn's bundled data: 178 wines, three cultivars.

`python -m serving.payloads.wine.train --out <folder> [--seed 0]`
"""

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
from serving.payloads.wine import CULTIVARS, INPUT, Wine, load_taster
from serving.training import Trained, command, package_versions, version_of

HELD_OUT = 60
SPLIT_SEED = 42
# Share of held-out wines. Trained models reach 0.96 and more; anything near the floor means that something broke.
FLOOR = 0.9
_OPSET = 17


class Split(NamedTuple):
    """Measurements [n, 13] and cultivars (index into CULTIVARS), to learn from and to ask about."""

    training: NDArray[np.float32]
    training_cultivars: NDArray[np.int64]
    held_out: NDArray[np.float32]
    held_out_cultivars: NDArray[np.int64]


def split() -> Split:
    """The data, split once and for all; every cultivar has the same share in both parts."""
    values, cultivars = cast("Any", datasets.load_wine(return_X_y=True))
    parts: Sequence[Any] = cast("Any", model_selection).train_test_split(
        values.astype(np.float32), cultivars, test_size=HELD_OUT, random_state=SPLIT_SEED, stratify=cultivars
    )
    learn, ask, learn_cultivars, ask_cultivars = parts
    return Split(learn, learn_cultivars, ask, ask_cultivars)


def wines(rows: NDArray[np.float32]) -> list[Wine]:
    """Rows as a client would send them."""
    return [Wine.model_validate(dict(zip(Wine.model_fields, row.tolist(), strict=True))) for row in rows]


def fit(data: Split, seed: int) -> bytes:
    """Fit the classifier; ONNX. The seed draws nine tenths of the training data: another seed is another model."""
    chosen = np.random.default_rng(seed).permutation(len(data.training))[: len(data.training) * 9 // 10]
    classifier: Any = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("classify", linear_model.LogisticRegression(max_iter=1000))]
    )
    classifier.fit(data.training[chosen], data.training_cultivars[chosen])
    exported = cast("Any", skl2onnx).to_onnx(
        classifier,
        initial_types=[(INPUT, FloatTensorType([None, len(Wine.model_fields)]))],
        options={id(classifier): {"zipmap": False}},
        target_opset=_OPSET,
        name="wine",  # without it the graph is named at random
    )
    return exported.SerializeToString()


def accuracy(onnx: bytes, metadata: Metadata, data: Split) -> float:
    """Share of held-out wines that the serving code answers right with this model."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), {MODEL_FILE: onnx, METADATA_FILE: metadata.model_dump_json().encode()})
        taster = load_taster(Path(folder), intra_op_threads=1)
        answers = [taster.scores(wine) for wine in wines(data.held_out)]
    best = [max(scores, key=lambda cultivar: scores[cultivar]) for scores in answers]
    right = sum(CULTIVARS[int(index)] == found for index, found in zip(data.held_out_cultivars, best, strict=True))
    return right / len(best)


def train(seed: int) -> Trained:
    """Train, and measure on the held-out wines."""
    data = split()
    onnx = fit(data, seed)
    metadata = Metadata(
        version=version_of(onnx),
        figures={},
        floors={"accuracy": FLOOR},
        trained_on=len(data.training) * 9 // 10,
        held_out=len(data.held_out),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx"),
    )
    figures = {"accuracy": round(accuracy(onnx, metadata, data), 4)}
    return Trained({MODEL_FILE: onnx}, metadata.model_copy(update={"figures": figures}))


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.wine.train"))
