"""Fit the model while the image is built: the probability of each word in good and in bad reviews."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

REVIEWS = {
    "good": [
        "the soup was excellent and the people were kind",
        "a lovely evening, fresh bread, good wine, we will come again",
        "fast service and the best fish in town",
        "warm rooms, friendly waiters, a delicious cake",
    ],
    "bad": [
        "the soup was cold and the waiters were rude",
        "an awful evening, stale bread, sour wine, never again",
        "slow service and the worst fish in town",
        "dirty rooms, unfriendly people, a dry cake",
    ],
}
WORD = re.compile(r"[a-z']+")


def main(target: Path) -> None:
    """Write the model to a file. The empty word stands for all words that no review has."""
    model = {}
    for label, reviews in REVIEWS.items():
        counts = Counter(word for review in reviews for word in WORD.findall(review.lower()))
        total = counts.total() + len(counts) + 1
        model[label] = {"": 1 / total, **{word: (count + 1) / total for word, count in counts.items()}}
    target.write_text(json.dumps(model), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
