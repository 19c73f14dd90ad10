"""Becomes ``sitecustomize`` in the images of tests/cluster/faulty.py, and gives a good server one fault.

Only those images contain it: the server itself has no switch for faults. A prediction fails where a model would fail,
in the worker thread, so the answer, the metrics and the log line are the server's own. The warm-up is not affected: a
server that cannot warm up never becomes ready, which is another fault.
"""

import asyncio
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

FAULT = "fault.json"
TOLD = "/tmp/misbehave"  # noqa: S108 -- in a pod, where nobody else writes
"""While this file exists, a server with the fault ``when_told`` misbehaves."""
EXIT_CODE = 3


def misbehave(fault: dict[str, Any]) -> None:
    """Patch the server that is about to start in this process."""
    if fault["exits"]:
        sys.stderr.write("misbehaving: the process ends before it serves\n")
        sys.stderr.flush()
        os._exit(EXIT_CODE)
    from serving.role.lifecycle import Lifecycle  # noqa: PLC0415 -- other processes of the image need not wait for it
    from serving.role.service import Service  # noqa: PLC0415

    server = cast("Any", Service)
    server.compute = _spoiled(server.compute, fault)
    if fault["busy"]:
        _make_models_slow()
    if not fault["ready"]:
        cast("Any", Lifecycle).ready = property(lambda _: False)


def _spoiled(compute: Any, fault: dict[str, Any]) -> Any:
    """Return a ``compute`` that fails: for each prediction, for the first ones, or while the file `TOLD` exists."""
    numbers = itertools.count(1)
    first, every = int(fault["first"]), int(fault["every"])

    async def spoiled(self: Any, read: Callable[[], Awaitable[Any]], job: Callable[[Any, Any], Any]) -> Any:
        if not (self.lifecycle.ready or self.lifecycle.draining):
            return await compute(self, read, job)
        number = next(numbers)
        if (first and number > first) or (fault["when_told"] and not _told()):
            return await compute(self, read, job)
        await asyncio.sleep(float(fault["delay"]))
        chosen = _fails if every and number % every == 0 else _busy(job, float(fault["busy"]))
        return await compute(self, read, chosen)

    return spoiled


def _told() -> bool:
    return Path(TOLD).exists()


_IN_THREAD = threading.local()


def _busy(job: Callable[[Any, Any], Any], seconds: float) -> Callable[[Any, Any], Any]:
    """Return the job with the model slower by this many seconds."""

    def slowly(model: Any, body: Any) -> Any:
        _IN_THREAD.seconds = seconds
        try:
            return job(model, body)
        finally:
            _IN_THREAD.seconds = 0

    return slowly if seconds else job


def _make_models_slow() -> None:
    from serving.models.onnx import OnnxModel  # noqa: PLC0415 -- as above

    models = cast("Any", OnnxModel)
    infer = models.infer

    def slow(self: Any, *arguments: Any) -> Any:
        time.sleep(getattr(_IN_THREAD, "seconds", 0))
        return infer(self, *arguments)

    models.infer = slow


def _fails(_model: object, _body: object) -> object:
    raise RuntimeError("misbehaving: the model fails on this request")


if sys.orig_argv[1:3] == ["-m", "serving"]:
    misbehave(json.loads(Path(__file__).with_name(FAULT).read_text()))
