"""What both roles load: the parser, the result cache and, where there is one, the queue."""

import io
import threading
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from serving.clients.results import MemoryCache, ResultCache, cache_metrics, redis_cache
from serving.payloads.parsing.answers import Answers
from serving.payloads.parsing.jobs import PASSWORD, STORE, Jobs, open_jobs
from serving.payloads.parsing.model import FILES, Variant, load_parser, milliseconds
from serving.role.payload import Context

_CACHES = ("cache", STORE)
"""Stores that may hold results, best first: a Redis of its own, or the queue's."""


@dataclass(frozen=True)
class Parsing:
    """A loaded service. Without a queue there are no jobs, and everything else works."""

    answers: Answers
    jobs: Jobs | None
    speeds: "Speeds"


class Speeds:
    """How long an inference takes in this pod with each variant: measured when first asked for, not at each start."""

    def __init__(self, folder: Path, intra_op_threads: int) -> None:
        self._folder = folder
        self._threads = intra_op_threads
        self._lock = threading.Lock()
        self._measured: dict[Variant, float] = {}

    def milliseconds(self) -> dict[Variant, float]:
        """Median time of each variant. Blocking: half a second the first time."""
        with self._lock:
            for variant in FILES:
                if variant not in self._measured:
                    parser = load_parser(self._folder, self._threads, variant)
                    self._measured[variant] = round(milliseconds(parser), 1)
            return dict(self._measured)


def open_parsing(context: Context) -> Parsing:
    """Load the model; Redis need not be there.

    Raises:
        ModelUnusableError: the model cannot be used, or an address is none.
    """
    return Parsing(
        open_answers(context),
        open_jobs(context) if declared(context, STORE) else None,
        Speeds(context.model_folder, context.threads.intra_op),
    )


def open_answers(context: Context) -> Answers:
    """Load the model of the configured variant, with the cache that the deployment gives.

    Raises:
        ModelUnusableError: the model cannot be used, or an address is none.
    """
    parser = load_parser(context.model_folder, context.threads.intra_op, context.settings.variant)
    return Answers(parser, _cache(context), context.telemetry)


def declared(context: Context, store: str) -> bool:
    """Whether the deployment declares a store as called."""
    return bool(context.environment.get(f"{store.upper()}_ADDRESS"))


def example() -> bytes:
    """A picture to warm up with."""
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
