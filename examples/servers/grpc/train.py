"""Fit the model while the image is built: softmax regression on flowers drawn around the species' published means."""

import json
import sys
from pathlib import Path

import numpy as np

MEANS = {
    "setosa": ((5.01, 3.43, 1.46, 0.25), (0.35, 0.38, 0.17, 0.11)),
    "versicolor": ((5.94, 2.77, 4.26, 1.33), (0.52, 0.31, 0.47, 0.20)),
    "virginica": ((6.59, 2.97, 5.55, 2.03), (0.64, 0.32, 0.55, 0.27)),
}
FLOWERS, ROUNDS, RATE = 200, 2000, 0.1


def main(target: Path) -> None:
    """Write the model to a file."""
    random = np.random.default_rng(1)
    rows = np.concatenate([random.normal(mean, spread, (FLOWERS, 4)) for mean, spread in MEANS.values()])
    wanted = np.repeat(np.eye(len(MEANS)), FLOWERS, axis=0)
    weights, bias = np.zeros((4, len(MEANS))), np.zeros(len(MEANS))
    for _ in range(ROUNDS):
        shares = np.exp(rows @ weights + bias)
        error = (shares / shares.sum(axis=1, keepdims=True) - wanted) / len(rows)
        weights -= RATE * rows.T @ error
        bias -= RATE * error.sum(axis=0)
    right = ((rows @ weights + bias).argmax(axis=1) == wanted.argmax(axis=1)).mean()
    if right < 0.9:
        raise SystemExit(f"only {right:.2f} of the flowers are recognised")
    model = {"labels": list(MEANS), "weights": weights.tolist(), "bias": bias.tolist()}
    target.write_text(json.dumps(model), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
