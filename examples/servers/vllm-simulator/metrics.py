"""The metrics under vLLM's names, with the bounds of vllm/v1/metrics/loggers.py."""

import time
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

UNCOUNTED = ("/metrics", "/health", "/load", "/ping", "/version", "/server_info")
LABELS = {"model_name": "chat", "engine": "0"}
FIRST_BOUNDS = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip
NEXT_BOUNDS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0
)  # fmt: skip
WHOLE_BOUNDS = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
)  # fmt: skip


def histogram(name: str, words: str, bounds: tuple[float, ...]) -> Histogram:
    """Return a histogram of the engine."""
    return Histogram(f"vllm:{name}", words, list(LABELS), buckets=bounds).labels(**LABELS)


REQUESTS = Counter("http_requests_total", "Requests", ["handler", "method", "status"])
FIRST = histogram("time_to_first_token_seconds", "Time to the first token", FIRST_BOUNDS)
NEXT = histogram("inter_token_latency_seconds", "Time from one token to the next", NEXT_BOUNDS)
WHOLE = histogram("e2e_request_latency_seconds", "Time to the last token", WHOLE_BOUNDS)
QUEUED = histogram("request_queue_time_seconds", "Time in the queue", WHOLE_BOUNDS)
INFERENCE = histogram("request_inference_time_seconds", "Time in the engine", WHOLE_BOUNDS)
RUNNING = Gauge("vllm:num_requests_running", "Requests that run", list(LABELS)).labels(**LABELS)
WAITING = Gauge("vllm:num_requests_waiting", "Requests that wait", list(LABELS)).labels(**LABELS)
SUCCESS = Counter("vllm:request_success_total", "Finished", [*LABELS, "finished_reason"])


class Timed:
    """The times of one request."""

    def __init__(self) -> None:
        self.began = self.last = time.perf_counter()
        self.begun = False

    def token(self) -> None:
        """Note that a token is there."""
        now = time.perf_counter()
        (NEXT if self.begun else FIRST).observe(now - self.last)
        self.begun, self.last = True, now

    def end(self) -> None:
        """Note that the answer is complete."""
        whole = time.perf_counter() - self.began
        WHOLE.observe(whole)
        INFERENCE.observe(whole)
        QUEUED.observe(0)
        SUCCESS.labels(**LABELS, finished_reason="length").inc()


async def observed(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    """Count requests as prometheus-fastapi-instrumentator does."""
    response = await answer(request)
    route = request.scope.get("route")
    handler = route.path if route else "none"
    if handler not in UNCOUNTED:
        REQUESTS.labels(handler, request.method, f"{response.status_code // 100}xx").inc()
    return response


def page() -> Response:
    """Return all metrics."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
