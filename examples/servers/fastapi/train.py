"""Fit a naive Bayes model while the image is built: the probability of each word under each label."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

SENTENCES = {
    "positive": ["a great phone and a lovely screen", "good sound, I like it a lot", "excellent food and kind people"],
    "negative": ["a bad phone with an awful screen", "poor sound, I hate it", "terrible food and rude people"],
    "technology": ["the phone has a fast chip and a bright screen", "a laptop with good sound"],
    "food": ["the soup and the bread were fresh", "we had dinner at a small restaurant, the food was warm"],
}
WORD = re.compile(r"[a-z']+")


def main(target: Path) -> None:
    """Write the model to a file. The empty word stands for all words that no sentence has."""
    model: dict[str, dict[str, float]] = {}
    for label, sentences in SENTENCES.items():
        counts = Counter(word for sentence in sentences for word in WORD.findall(sentence.lower()))
        total = counts.total() + len(counts) + 1
        model[label] = {"": 1 / total, **{word: (count + 1) / total for word, count in counts.items()}}
    target.write_text(json.dumps(model), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
