"""Learns which word follows which, from a few sentences: `python3 train.py model.json`."""

import json
import sys
from itertools import pairwise
from pathlib import Path

TEXT = """
the server sends one word after another and the client reads each word as it comes . a stream ends with a marker so
that the client knows that the answer is complete . a rollout stops old pods and starts new pods . an old pod ends the
streams that it has begun and takes no new ones . the proxy sends new requests to the new pods . a word that never
comes is a stream that was cut off .
"""


def train() -> dict[str, list[str]]:
    """Give the words that follow each word."""
    words, follows = TEXT.split(), {}
    for word, after in pairwise([*words, words[0]]):
        follows.setdefault(word, []).append(after)
    return follows


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(train()), "utf-8")
