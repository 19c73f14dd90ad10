"""Text, word by word."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

PACE_SECONDS = 0.2
DONE = "[DONE]"
CHANCE = random.Random()  # noqa: S311 -- text, no secret
FOLLOWS = json.loads((Path(__file__).parent / "model.json").read_text("utf-8"))


def words(seconds: float) -> Iterator[str]:
    """Give as many words as fit into this time at the pace."""
    word = CHANCE.choice(list(FOLLOWS))
    for _ in range(round(seconds / PACE_SECONDS)):
        yield word
        word = CHANCE.choice(FOLLOWS[word])
