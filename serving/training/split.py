"""One fixed split of a data set into rows for training and rows for evaluation."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from sklearn import model_selection

# A separate, fixed seed: the same rows are held out from every model ever trained.
SPLIT_SEED = 42


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
