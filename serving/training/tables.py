"""Training on a table: a linear classifier on scaled columns, and the export of classifiers to ONNX."""

from typing import Any, cast

import numpy as np
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn import linear_model, pipeline, preprocessing

from serving.training.split import Split

_OPSET = 17


def fit(data: Split, seed: int, *, name: str, tensor: str) -> bytes:
    """Fit the classifier and return it as an ONNX graph of this name that takes one tensor [n, columns].

    The seed selects nine tenths of the training rows, so that another seed makes another model.
    """
    chosen = np.random.default_rng(seed).permutation(len(data.training))[: data.drawn]
    classifier: Any = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("classify", linear_model.LogisticRegression(max_iter=1000))]
    )
    classifier.fit(data.training[chosen], data.training_classes[chosen])
    return to_onnx(classifier, name=name, tensor=tensor, columns=data.training.shape[1])


def to_onnx(classifier: object, *, name: str, tensor: str, columns: int) -> bytes:
    """Return a fitted scikit-learn classifier as an ONNX graph that takes one tensor [n, columns]."""
    exported = cast("Any", skl2onnx).to_onnx(
        classifier,
        initial_types=[(tensor, FloatTensorType([None, columns]))],
        options={id(classifier): {"zipmap": False}},
        target_opset=_OPSET,
        name=name,  # without a name the graph gets a random one, and the image's digest varies
    )
    return exported.SerializeToString()
