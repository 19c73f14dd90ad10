"""Fit the model while the image is built: the mean colour of each label in random patches."""

import sys
from pathlib import Path

import numpy as np

COLOURS = {"background": (230, 230, 230), "hair": (40, 30, 25), "face": (224, 172, 140), "shirt": (40, 70, 170)}
PATCHES, SPREAD = 500, 12


def main(target: Path) -> None:
    """Write the model to a file."""
    random = np.random.default_rng(1)
    centers = [random.normal(colour, SPREAD, (PATCHES, 3)).mean(axis=0) for colour in COLOURS.values()]
    np.savez(target, centers=np.array(centers, dtype=np.float32), labels=np.array(list(COLOURS)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
