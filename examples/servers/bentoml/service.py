"""A BentoML service as its authors wrote it: is a review of a restaurant good or bad?"""

import json
import math
import os
import re
from pathlib import Path

import bentoml
from bentoml.exceptions import InvalidArgument

MODEL = Path(os.environ.get("MODEL", "/app/model.json"))
WORD = re.compile(r"[a-z']+")
SHORTEST = 1
# Seconds. A gate may judge at any of these.
BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0]


@bentoml.service(workers=1, traffic={"timeout": 10}, metrics={"enabled": True, "duration": {"buckets": BUCKETS}})
class Reviews:
    """A naive Bayes model of words."""

    def __init__(self) -> None:
        self.words = json.loads(MODEL.read_text("utf-8"))

    @bentoml.api
    def judge(self, text: str) -> dict[str, float]:
        """Return the probability of each label."""
        found = WORD.findall(text.lower())
        if len(found) < SHORTEST:
            raise InvalidArgument("text: has no words; send a sentence")
        scores = {
            label: sum(math.log(known.get(word, known[""])) for word in found) for label, known in self.words.items()
        }
        most = max(scores.values())
        shares = {label: math.exp(score - most) for label, score in scores.items()}
        return {label: share / sum(shares.values()) for label, share in shares.items()}
