"""Fit the model while the image is built: which words follow each word of a text."""

import json
import sys
from itertools import pairwise
from pathlib import Path

TEXT = """a model reads the text and writes the next word and the next word follows from the words before it a server
takes many texts at once and answers each of them word by word the first word takes the longest because the model reads
the whole text before it a reader waits for the first word and then reads along so the time to the first word is what a
reader feels and the time from word to word is what a reader sees"""


def main(target: Path) -> None:
    """Write the model to a file. The empty word stands for the beginning."""
    words = TEXT.split()
    model = {"": ["a", "the"]}
    for word, follower in pairwise(words):
        model.setdefault(word, []).append(follower)
    target.write_text(json.dumps(model), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
