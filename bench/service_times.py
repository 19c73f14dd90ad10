"""Measure how long our servers work on one request, for ``bench/measured.json`` (``make bench-service-times``).

The servers of `serving/tests` run in this process and receive one request at a time over HTTP on loopback, so no
request waits. faces and nlu use the small models of those tests. pytest runs this for its fixtures, once per service.
Other load on the machine adds to the figures, so run it alone.
"""

import itertools
import json
import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, pstdev
from typing import TYPE_CHECKING, Any

import httpx

from serving.tests.support import PNG, Running

if TYPE_CHECKING:
    from serving.tests.faces.conftest import Faces

FILE = Path(__file__).parent / "measured.json"
_WARM, _TIMED = 50, 1000
COLD_START_SECONDS = 2
"""From a container's start to a ready pod, without scheduling and image pull. From README, measured in `make e2e`."""


def _record(service: str, what: str, ask: Callable[[int], httpx.Response]) -> None:
    times: list[float] = []
    for number in range(_WARM + _TIMED):
        began = time.perf_counter()
        ask(number).raise_for_status()
        times.append(1000 * (time.perf_counter() - began))
    times = times[_WARM:]
    known: dict[str, Any] = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}
    known[service] = {
        "mean_ms": round(mean(times), 3),
        "cv": round(pstdev(times) / mean(times), 3),
        "cold_start_s": COLD_START_SECONDS,
        "source": f"{what}; {_TIMED} requests one by one over loopback HTTP, server in process, "
        f"Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, "
        f"{datetime.now(UTC):%Y-%m-%d}; cold start: README, make e2e",
        "times_ms": [round(one, 2) for one in sorted(times)[_TIMED // 40 :: _TIMED // 20]],
    }
    FILE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", "utf-8")


def test_classifier(ready: Running, digits: list[tuple[bytes, str]]) -> None:
    """Measure a picture of a digit."""
    pictures = itertools.cycle(picture for picture, _ in digits)
    _record("classifier", "POST /predict", lambda _: ready.client.post("/predict", content=next(pictures), headers=PNG))


def test_nlu(running: Running) -> None:
    """Measure a sentence with two tasks."""
    request = {"text": "Anna Weber moved to Paris.", "schema": {"person": None, "sentiment": ["positive", "negative"]}}
    _record("nlu", "POST / with two tasks", lambda _: running.client.post("/", json=request))


def test_faces(faces: "Faces") -> None:
    """Measure a recognition through all five services, with ten people enrolled."""
    for who in range(10):
        faces.enrol(who).raise_for_status()
    _record("faces", "POST /recognise through all five services", lambda number: faces.recognise(number % 10))
