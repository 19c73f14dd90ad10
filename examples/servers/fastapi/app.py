"""A FastAPI application as its authors wrote it: text and schema in, labels out, with metrics under its own names."""

import json
import math
import os
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from pydantic import BaseModel, Field

MODEL = Path(os.environ.get("MODEL", "/app/model.json"))
WORD = re.compile(r"[a-z']+")
REQUESTS = Counter("nlu_requests_total", "Requests", ["method", "endpoint", "status"])
LATENCY = Histogram("nlu_request_latency_seconds", "Time to answer", ["endpoint"])
LOADING = Gauge("nlu_model_load_seconds", "Time to load the model", multiprocess_mode="max")

began = time.perf_counter()
words: dict[str, dict[str, float]] = json.loads(MODEL.read_text("utf-8"))
LOADING.set(time.perf_counter() - began)
app = FastAPI()


class Question(BaseModel):
    """A text, and for each question its possible labels."""

    text: str
    asked: dict[str, list[str]] = Field(alias="schema")


@app.middleware("http")
async def measure(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count each request and its time."""
    start = time.perf_counter()
    response = await answer(request)
    REQUESTS.labels(request.method, request.url.path, str(response.status_code)).inc()
    LATENCY.labels(request.url.path).observe(time.perf_counter() - start)
    return response


@app.get("/health")
async def health() -> dict[str, str]:
    """Return what the published clients expect."""
    return {"status": "ok"}


@app.get("/metrics")
async def metrics() -> Response:
    """Return the sums over all worker processes, each of which writes its numbers to a folder that they share."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


@app.post("/predict")
async def predict(question: Question) -> dict[str, str]:
    """Return the most probable label for each key of the schema."""
    found = WORD.findall(question.text.lower())
    return {key: max(labels, key=lambda label: _score(label, found)) for key, labels in question.asked.items()}


def _score(label: str, found: list[str]) -> float:
    known = words.get(label, {})
    return sum(math.log(known.get(word, known.get("", 1e-6))) for word in found) if known else -math.inf
