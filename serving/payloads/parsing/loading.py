"""The parts that both roles load: the parser, the result cache and, if declared, the queue."""

import io
import threading
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from serving.clients.result_cache import MemoryCache, ResultCache, cache_metrics, redis_cache
from serving.payloads.parsing.answers import Answers
from serving.payloads.parsing.jobs import PASSWORD, STORE, Jobs, open_jobs
from serving.payloads.parsing.model import FILES, Variant, load_parser, milliseconds
from serving.role.payload import Context

_CACHES = ("cache", STORE)
"""Stores that may hold results, in order of preference: a separate Redis, or the queue's."""


@dataclass(frozen=True)
class Parsing:
    """A loaded service. Without a queue there are no jobs; everything else works."""

    answers: Answers
    jobs: Jobs | None
    speeds: "Speeds"


class Speeds:
    """Inference times of each variant in this pod, measured on first request instead of at startup."""

    def __init__(self, folder: Path, intra_op_threads: int) -> None:
        self._folder = folder
        self._threads = intra_op_threads
        self._lock = threading.Lock()
        self._measured: dict[Variant, float] = {}

    def milliseconds(self) -> dict[Variant, float]:
        """Return the median time of each variant. Blocks for half a second the first time."""
        with self._lock:
            for variant in FILES:
                if variant not in self._measured:
                    parser = load_parser(self._folder, self._threads, variant)
                    self._measured[variant] = round(milliseconds(parser), 1)
            return dict(self._measured)


def open_parsing(context: Context) -> Parsing:
    """Load the model; Redis may be unreachable.

    Raises:
        ModelUnusableError: the model is unusable, or an address is invalid.
    """
    return Parsing(
        open_answers(context),
        open_jobs(context) if declared(context, STORE) else None,
        Speeds(context.model_folder, context.threads.intra_op),
    )


def open_answers(context: Context) -> Answers:
    """Load the model of the configured variant, with the cache that the deployment declares.

    Raises:
        ModelUnusableError: the model is unusable, or an address is invalid.
    """
    parser = load_parser(context.model_folder, context.threads.intra_op, context.settings.variant)
    return Answers(parser, _cache(context), context.telemetry)


def declared(context: Context, store: str) -> bool:
    """Return whether the deployment declares a call to a store."""
    return bool(context.environment.get(f"{store.upper()}_ADDRESS"))


def example() -> bytes:
    """Return a picture for the warm-up."""
    content = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(content, "JPEG")
    return content.getvalue()


def _cache(context: Context) -> ResultCache:
    metrics = cache_metrics(context.telemetry)
    for store in _CACHES:
        if declared(context, store):
            host, port = context.address(store)
            return redis_cache(host, port, context.environment.get(PASSWORD) or None, metrics)
    return MemoryCache(metrics)
