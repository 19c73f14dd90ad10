"""Training on a table: one split for ever, and a linear classifier on scaled columns."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType
from sklearn import linear_model, model_selection, pipeline, preprocessing

# A seed of its own: rows held out once are held out from every model that is ever trained.
SPLIT_SEED = 42
_OPSET = 17


class Split(NamedTuple):
    """Rows [n, columns] and the class of each, to learn from and to ask about."""

    training: NDArray[np.float32]
    training_classes: NDArray[np.int64]
    held_out: NDArray[np.float32]
    held_out_classes: NDArray[np.int64]

    @property
    def drawn(self) -> int:
        """How many rows a model is trained on."""
        return len(self.training) * 9 // 10


def split(load: Callable[..., object], held_out: int) -> Split:
    """Split what a loader of scikit-learn gives, once and for all; every class has the same share in both parts."""
    values, classes = cast("Any", load(return_X_y=True))
    parts: Sequence[Any] = cast("Any", model_selection).train_test_split(
        values.astype(np.float32), classes, test_size=held_out, random_state=SPLIT_SEED, stratify=classes
    )
    learn, ask, learn_classes, ask_classes = parts
    return Split(learn, learn_classes, ask, ask_classes)


def fit(data: Split, seed: int, *, name: str, tensor: str) -> bytes:
    """Fit the classifier; ONNX of this name that takes one tensor [n, columns].

    The seed draws nine tenths of the training rows: another seed is another model.
    """
    chosen = np.random.default_rng(seed).permutation(len(data.training))[: data.drawn]
    classifier: Any = pipeline.Pipeline(
        [("scale", preprocessing.StandardScaler()), ("classify", linear_model.LogisticRegression(max_iter=1000))]
    )
    classifier.fit(data.training[chosen], data.training_classes[chosen])
    exported = cast("Any", skl2onnx).to_onnx(
        classifier,
        initial_types=[(tensor, FloatTensorType([None, data.training.shape[1]]))],
        options={id(classifier): {"zipmap": False}},
        target_opset=_OPSET,
        name=name,  # without it the graph is named at random
    )
    return exported.SerializeToString()
