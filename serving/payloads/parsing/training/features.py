"""The features of single pixels, for training: the same numbers that the graph computes for all pixels."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from serving.payloads.parsing.labels import LABELS
from serving.payloads.parsing.letterbox import CHANNELS
from serving.payloads.parsing.training.graph import COLOUR_LOOKS, OPINION_LOOKS, Look

Maps = Sequence[NDArray[np.float32]]


def width_of(stage: int) -> int:
    """Return the number of features of a stage."""
    opinions = 0 if stage == 0 else len(LABELS) * 9 * len(OPINION_LOOKS)
    return (CHANNELS + 3) * 9 * len(COLOUR_LOOKS) + opinions


def gather(colours: Maps, opinions: Maps, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return features `[pixels, n]` of some pixels, from the maps `[channels, side, side]` that `graph.views` names."""
    seen = [_windows(view, look, rows, columns) for view, look in zip(colours, COLOUR_LOOKS, strict=True)]
    own = colours[0][:3, rows, columns][:, None]
    contrasts = [np.abs(windows[:3] - own) for windows in seen]
    if opinions:
        seen += [_windows(view, look, rows, columns) for view, look in zip(opinions, OPINION_LOOKS, strict=True)]
    return np.concatenate([part.reshape(-1, len(rows)) for part in (*seen, *contrasts)]).T


def _windows(
    view: NDArray[np.float32], look: Look, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return values `[channels, 9, pixels]` of the nine windows; outside the border they are 0, as in the graph."""
    reach = look.reach
    bordered = np.pad(view, ((0, 0), (reach, reach), (reach, reach)))
    down = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])[:, None] * reach + rows
    across = np.array([0, 1, 2] * 3)[:, None] * reach + columns
    return bordered[:, down, across]
