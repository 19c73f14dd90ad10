"""The images and the load that both tools share: those of the end-to-end tests, each made by its own process.

Their code belongs to the tests and runs in processes of its own, because the benchmark needs only digests and answers.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.preview import PROJECT
from bench.release_outcome import Answer, answers
from local.commands import run
from serving.payloads.digits.data import held_out
from sizing.arrivals import Course
from tests.cluster.load import Plan

PER_SECOND = 200
AT_MOST_SECONDS = 900.0
"""A load that is not stopped ends after this time."""
BEFORE_SECONDS, AFTER_SECONDS = 5.0, 4.0
"""Seconds of load before a release, because gates look back, and after it, to count requests that still fail."""
_END_SECONDS = 20.0
"""Time for the sender to receive its last answers."""
NICE = 10
"""Niceness of both tools. Here, unlike elsewhere, the engine and the controllers share the node's cores, so users'
requests go first. The load restores its own priority."""

_GOOD = "from tests.cluster import copies; print(copies.image('server'))"
_BAD = "from tests.cluster import faulty; print(faulty.image({good!r}, faulty.Fault(every=5, variant={variant})))"
"""Answers every fifth prediction with 500 (20 %), so that every run sees the same share."""


def good_image() -> str:
    """Return the image of the classifier's server, as the dev stack built it."""
    return _asked(_GOOD)


def bad_image(good: str, variant: int) -> str:
    """Push the same server with a fault. Each variant has its own digest, or a tool would not release it again."""
    return _asked(_BAD.format(good=good, variant=variant))


def version(image: str) -> str:
    """Return the version that the image's answers report."""
    return image.partition("@")[2]


def _asked(code: str) -> str:
    return run([sys.executable, "-c", code], cwd=PROJECT).strip()


@dataclass
class Load:
    """A running or finished load."""

    file: Path
    answers: list[Answer]
    """Empty until the load has ended."""


@contextmanager
def load(url: str, host: str) -> Generator[Load]:
    """Send 200 requests/s while the block runs; afterwards, all answers are in the load.

    Raises:
        RuntimeError: if the sender failed, or could not keep up.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        folder = Path(name)
        (folder / "picture").write_bytes(held_out()[0][0])
        sent = Load(folder / "answers.tsv", [])
        sender = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster.load", json.dumps(_plan(url, host, folder)), str(sent.file)],
            cwd=PROJECT,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,  # ^C reaches it only through this process
        )
        try:
            time.sleep(BEFORE_SECONDS)
            yield sent
            time.sleep(AFTER_SECONDS)
        finally:
            sender.send_signal(signal.SIGTERM)
            _, said = sender.communicate(timeout=_END_SECONDS)
        if sender.returncode:
            raise RuntimeError(f"the load ended with exit code {sender.returncode}: {said}")
        sent.answers = answers(sent.file.read_text("utf-8").splitlines())
        if unsent := sum(answer.status == "unsent" for answer in sent.answers):
            raise RuntimeError(f"{unsent} requests could not be sent in time: the machine is too busy to measure")


def _plan(url: str, host: str, folder: Path) -> dict[str, Any]:
    body, steady = str(folder / "picture"), Course.level(PER_SECOND).points
    return asdict(
        Plan(url=url, host=host, body=body, content_type="image/png", course=steady, seconds=AT_MOST_SECONDS, clients=0)
    )


def give_way() -> None:
    """Lower the priority of this process and of the processes that it starts."""
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
