"""Training on a table: one fixed split, and a linear classifier on scaled columns."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
import skl2onnx
from numpy.typing import NDArray
from skl2onnx.common.data_types import FloatTensorType
from sklearn import linear_model, model_selection, pipeline, preprocessing

# A separate, fixed seed: the same rows are held out from every model ever trained.
SPLIT_SEED = 42
_OPSET = 17


class Split(NamedTuple):
    """Rows [n, columns] and their classes, for training and for evaluation."""

    training: NDArray[np.float32]
    training_classes: NDArray[np.int64]
    held_out: NDArray[np.float32]
    held_out_classes: NDArray[np.int64]

    @property
    def drawn(self) -> int:
        """Number of rows that a model is trained on."""
        return len(self.training) * 9 // 10


def split(load: Callable[..., object], held_out: int) -> Split:
    """Split the data of a scikit-learn loader, always the same way; every class has the same share in both parts."""
    values, classes = cast("Any", load(return_X_y=True))
    parts: Sequence[Any] = cast("Any", model_selection).train_test_split(
        values.astype(np.float32), classes, test_size=held_out, random_state=SPLIT_SEED, stratify=classes
    )
    learn, ask, learn_classes, ask_classes = parts
    return Split(learn, learn_classes, ask, ask_classes)


def fit(data: Split, seed: int, *, name: str, tensor: str) -> bytes:
    """Fit the classifier and return it as an ONNX graph of this name that takes one tensor [n, columns].

    The seed selects nine tenths of the training rows, so that another seed makes another model.
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
        name=name,  # without a name the graph gets a random one
    )
    return exported.SerializeToString()
