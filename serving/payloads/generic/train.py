"""Train a small model for the generic role: is a tumor malignant, judged by 30 measurements of its cells?

The data is scikit-learn's bundled Wisconsin set, 569 patients.
`python -m serving.payloads.generic.train --out <folder>`
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from sklearn import datasets

from serving.models.checksums import write_sums
from serving.models.onnx import METADATA_FILE, MODEL_FILE, Metadata
from serving.payloads.generic import predict
from serving.payloads.generic.model import EXAMPLE_FILE, load_generic
from serving.training import split as rows
from serving.training.runner import Trained, command, package_versions, version_of
from serving.training.split import Split
from serving.training.tables import fit

INPUT = "measurements"
HELD_OUT = 171
# Share of held-out patients. Trained models reach 0.97 or more; a value near the floor means that something is broken.
FLOOR = 0.94
MOST_TOGETHER = 64


class GenericMetadata(Metadata):
    """The metadata that training writes beside the model; `max_batch_size` declares that rows are independent."""

    max_batch_size: int


def split() -> Split:
    """Return the data, always split the same way: class 0 is malignant, 1 benign."""
    return rows.split(datasets.load_breast_cancer, HELD_OUT)


def accuracy(files: dict[str, bytes], data: Split) -> float:
    """Return the share of held-out patients that the serving code, given JSON, classifies correctly with this model."""
    with tempfile.TemporaryDirectory() as folder:
        write_sums(Path(folder), files)
        model = load_generic(Path(folder), intra_op_threads=1)
        body = json.dumps({"inputs": {INPUT: data.held_out.tolist()}}).encode()
        answered = np.array(predict(model, body)["label"])
    return float((answered == data.held_out_classes).mean())


def train(seed: int) -> Trained:
    """Train a model and measure it on the held-out patients."""
    data = split()
    onnx = fit(data, seed, name="tumours", tensor=INPUT)
    example = json.dumps({"inputs": {INPUT: [data.training[0].tolist()]}}).encode()
    files = {MODEL_FILE: onnx, EXAMPLE_FILE: example}
    metadata = GenericMetadata(
        max_batch_size=MOST_TOGETHER,
        version=version_of(onnx),
        figures={"accuracy": round(accuracy({**files, METADATA_FILE: b"{}"}, data), 4)},
        floors={"accuracy": FLOOR},
        trained_on=data.drawn,
        held_out=len(data.held_out),
        seed=seed,
        versions=package_versions("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx"),
    )
    return Trained(files, metadata)


if __name__ == "__main__":
    sys.exit(command(train, sys.argv[1:], "serving.payloads.generic.train"))
