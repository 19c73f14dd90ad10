"""A Ray Serve application as its authors wrote it: in which language is a sentence?"""

import json
import math
import os
from pathlib import Path

from ray import serve
from starlette.requests import Request
from starlette.responses import JSONResponse

MODEL = Path(os.environ.get("MODEL", "/app/model.json"))
BAD_REQUEST = 400


@serve.deployment(num_replicas=1, max_ongoing_requests=16, graceful_shutdown_timeout_s=20)
class Languages:
    """The most probable language, by the pairs of letters that follow each other."""

    def __init__(self) -> None:
        self.pairs: dict[str, dict[str, float]] = json.loads(MODEL.read_text("utf-8"))

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer `{"text": "…"}` with the probability of each language; at /health, that the model is loaded."""
        if request.url.path == "/health":
            return JSONResponse({"status": "ok"})
        try:
            text = (await request.json())["text"].lower()
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"error": 'send {"text": "..."}'}, BAD_REQUEST)
        found = [text[at : at + 2] for at in range(len(text) - 1)]
        scores = {
            name: sum(math.log(known.get(pair, known[""])) for pair in found) for name, known in self.pairs.items()
        }
        most = max(scores.values())
        shares = {name: math.exp(score - most) for name, score in scores.items()}
        total = sum(shares.values())
        return JSONResponse({name: share / total for name, share in shares.items()})


app = Languages.bind()
