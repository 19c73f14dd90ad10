"""What both tools get: the same images, and the load of the end-to-end tests, each by a process of its own.

Both belong to the tests, and a benchmark imports no tests: their digests and answers are all that it needs of them.
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
"""A load that nobody stops ends by itself."""
BEFORE_SECONDS, AFTER_SECONDS = 5.0, 4.0
"""Of load before a release, for gates that look back, and after it, for those that still drop requests."""
_END_SECONDS = 20.0
"""For the sender to get its last answers."""
NICE = 10
"""Engine, controllers and node share this machine's cores, which they do nowhere else: users go first, on both sides.
The load takes its own priority back."""

_GOOD = "from tests.cluster import copies; print(copies.image('server'))"
_BAD = "from tests.cluster import faulty; print(faulty.image({good!r}, faulty.Fault(every=5, variant={variant})))"
"""20 % of its predictions are answered with 500: each fifth one, so that every run sees the same."""


def good_image() -> str:
    """The classifier's server, as the dev stack built it."""
    return _asked(_GOOD)


def bad_image(good: str, variant: int) -> str:
    """Push the same server with a fault; each variant has a digest of its own, or a tool would not release it again."""
    return _asked(_BAD.format(good=good, variant=variant))


def version(image: str) -> str:
    """What the image's answers call themselves."""
    return image.partition("@")[2]


def _asked(code: str) -> str:
    return run([sys.executable, "-c", code], cwd=PROJECT).strip()


@dataclass
class Load:
    """A load that runs, or ran."""

    file: Path
    answers: list[Answer]
    """Empty until it has ended."""


@contextmanager
def load(url: str, host: str) -> Generator[Load]:
    """Send 200 requests/s while the block runs; afterwards every answer is there.

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
            text=True,
            start_new_session=True,  # ^C ends it through us
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
        sent.answers = answers(sent.file.read_text().splitlines())
        if unsent := sum(answer.status == "unsent" for answer in sent.answers):
            raise RuntimeError(f"{unsent} requests could not be sent in time: the machine is too busy to measure")


def _plan(url: str, host: str, folder: Path) -> dict[str, Any]:
    body, steady = str(folder / "picture"), Course.level(PER_SECOND).points
    return asdict(
        Plan(url=url, host=host, body=body, content_type="image/png", course=steady, seconds=AT_MOST_SECONDS, clients=0)
    )


def give_way() -> None:
    """Lower the priority of this process and of what it starts."""
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
