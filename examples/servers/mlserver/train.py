"""Fit the model while the image is built: mean and covariance of transactions (amount, hour, items, distance)."""

import json
import sys
from pathlib import Path

import numpy as np

ROWS, SHARE = 5000, 0.99


def main(target: Path) -> None:
    """Write the model to a file."""
    random = np.random.default_rng(1)
    items = random.poisson(3, ROWS) + 1
    amount = items * random.gamma(4, 5, ROWS)
    rows = np.column_stack([amount, random.normal(15, 3, ROWS), items, random.gamma(2, 4, ROWS)])
    mean, inverse = rows.mean(axis=0), np.linalg.inv(np.cov(rows, rowvar=False))
    away = rows - mean
    limit = np.quantile(np.sqrt(np.einsum("ni,ij,nj->n", away, inverse, away)), SHARE)
    model = {"mean": mean.tolist(), "inverse": inverse.tolist(), "limit": float(limit)}
    target.write_text(json.dumps(model), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
