"""What users saw of a release: reads the answers of a load (tests/cluster/load.py) while it runs, and sums them up."""

import json
import signal
import subprocess
import sys
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from sizing.arrivals import Course
from tests.cluster.load import PAUSE, RESUME, TIMEOUT, Plan
from tests.cluster.traffic import Ingress
from tests.recording import PROJECT

PER_SECOND = 200
AT_MOST_SECONDS = 3600.0
"""A load that is not stopped ends after this time."""
WINDOW = 100
"""Requests over which a split is computed. The proxy distributes evenly, so the share is close to the weight."""
TOLERANCE = 8
"""Percentage points by which the share in such a window may differ from the weight."""


class Answer(NamedTuple):
    """One request and how it ended."""

    sent: float
    """Unix time."""
    done: float
    status: str
    """The HTTP status, or else an error's name, ``timeout`` or ``unsent``."""
    slot: str
    version: str
    config: str
    client: str

    @property
    def good(self) -> bool:
        """Whether the request succeeded."""
        return self.status.startswith("2")

    @property
    def seconds(self) -> float:
        """Seconds from the request to its answer."""
        return self.done - self.sent


@dataclass
class Load:
    """A running or finished load."""

    file: Path
    sender: "subprocess.Popen[str] | None" = None
    answers: list[Answer] = field(default_factory=list[Answer], repr=False)
    figures: dict[str, float] = field(default_factory=dict[str, float])
    """Figures of the sender: ``cpu`` seconds, and ``lag``, the longest delay of a request in seconds."""
    _offset: int = 0

    def read(self) -> list[Answer]:
        """Return all answers so far."""
        if self.file.exists():
            with self.file.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._offset += len(whole)
            for line in whole.decode().splitlines():
                self._take(line)
        return self.answers

    def _take(self, line: str) -> None:
        if line.startswith("# "):
            self.figures = {key: float(value) for key, value in (pair.split("=") for pair in line[2:].split())}
            return
        sent, done, *rest = line.split("\t")
        self.answers.append(Answer(float(sent), float(done), *(rest + [""] * 5)[:5]))

    def since(self, begin: float, end: float = float("inf")) -> list[Answer]:
        """Return the requests sent in a period, in the order in which they were sent."""
        answers = self.read()
        # The answers are in the order in which they ended.
        first = bisect_left(answers, begin, key=lambda answer: answer.done)
        return sorted(answer for answer in islice(answers, first, None) if begin <= answer.sent < end)

    @contextmanager
    def paused(self) -> Generator[None]:
        """Pause the load while the block runs."""
        assert self.sender
        self.sender.send_signal(PAUSE)
        try:
            yield
        finally:
            self.sender.send_signal(RESUME)

    def wait_for(self, wanted: Callable[[Answer], bool], since: float, seconds: float = 300) -> Answer:
        """Wait for an answer that satisfies a condition, and return it."""
        deadline = time.monotonic() + seconds
        while True:
            found = next((answer for answer in self.since(since) if wanted(answer)), None)
            if found:
                return found
            assert time.monotonic() < deadline, f"no such answer within {seconds} s; {tally(self.since(since))}"
            time.sleep(0.05)


@contextmanager
def running(  # noqa: PLR0913 -- what a load is
    ingress: Ingress,
    body: bytes,
    folder: Path,
    *,
    per_second: float = PER_SECOND,
    course: Course | None = None,
    seed: int | None = None,
    clients: int = 0,
    content_type: str = "image/png",
    keep: bool = True,
) -> Generator[Load]:
    """Run a load until the block ends. Every request then has an answer, and every answer has been read.

    Args:
        ingress: Address of the service.
        body: Body of each request, of this ``content_type``.
        folder: Folder for the load's files.
        per_second: Requests per second, evenly spaced unless a seed is given.
        course: Requests per second over time, instead of ``per_second``.
        seed: Seed of Poisson arrivals.
        clients: Number of clients that keep cookies; 0 = no cookies.
        keep: Whether connections are kept.
    """
    name = f"load-{time.time_ns()}"
    picture, out = folder / f"{name}.body", folder / f"{name}.tsv"
    picture.write_bytes(body)
    plan = Plan(
        url=ingress.url,
        host=ingress.host,
        body=str(picture),
        content_type=content_type,
        course=(course or Course.level(per_second)).points,
        seed=seed,
        seconds=AT_MOST_SECONDS,
        clients=clients,
        keep=keep,
    )
    command = [sys.executable, "-m", "tests.cluster.load", json.dumps(asdict(plan)), str(out)]
    sender = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    load = Load(out, sender)
    try:
        load.wait_for(lambda _: True, 0)
        yield load
    finally:
        sender.send_signal(signal.SIGTERM)
        _, said = sender.communicate(timeout=TIMEOUT + 60)
        load.read()
    assert sender.returncode == 0, said
    assert not any(answer.status == "unsent" for answer in load.answers), "the sender could not keep up"


def tally(answers: Collection[Answer]) -> Counter[str]:
    """Count answers by slot and status."""
    return Counter(f"{answer.slot or '-'} {answer.status}" for answer in answers)


def machinery(answers: Collection[Answer], bad: Collection[str] = ()) -> Counter[str]:
    """Count the failures except a bad version's own 500: those of the proxy, of good versions and of connections."""
    lost = (a for a in answers if not a.good and not (a.status == "500" and a.version in bad))
    return Counter(f"{answer.slot or '-'} {answer.status}" for answer in lost)


@dataclass(frozen=True)
class Exposure:
    """What users got from a bad version."""

    requests: int
    errors: int
    slow: int
    seconds: float
    """Seconds from its first bad answer to its last request."""

    def __str__(self) -> str:
        bad = f"{self.errors} errors" + (f" and {self.slow} slow answers" if self.slow else "")
        return f"{bad} in {self.requests} answers, {self.seconds:.1f} s from the first of them to weight 0"


def exposure(answers: Collection[Answer], version: str, slow_seconds: float = float("inf")) -> Exposure:
    """Sum up the answers of a version."""
    own = sorted(answer for answer in answers if answer.version == version)
    bad = [answer for answer in own if not answer.good or answer.seconds > slow_seconds]
    errors = sum(not answer.good for answer in bad)
    seconds = max(0.0, own[-1].sent - bad[0].done) if bad else 0.0
    return Exposure(len(own), errors, len(bad) - errors, seconds)


def settled(answers: list[Answer], slot: str, percent: float) -> float | None:
    """Return the end of the first window in which this slot answered the given percentage; None if there is none.

    For 0 % and 100 %, the share must be exact.
    """
    ok = [answer for answer in answers if answer.good]
    tolerance = TOLERANCE if 0 < percent < 100 else 0
    share = sum(answer.slot == slot for answer in ok[:WINDOW])
    for first in range(len(ok) - WINDOW + 1):
        if abs(100 * share / WINDOW - percent) <= tolerance:
            return ok[first + WINDOW - 1].done
        if first + WINDOW < len(ok):
            share += (ok[first + WINDOW].slot == slot) - (ok[first].slot == slot)
    return None


def shares(answers: Collection[Answer], slot: str, seconds: float = 1.0) -> Iterator[tuple[float, float]]:
    """Yield the beginning of each window of this length, and the percentage that this slot answered in it."""
    windows: defaultdict[int, list[Answer]] = defaultdict(list)
    for answer in answers:
        windows[int(answer.sent // seconds)].append(answer)
    for number, inside in sorted(windows.items()):
        yield number * seconds, 100 * sum(answer.slot == slot for answer in inside) / len(inside)


def flips(answers: Collection[Answer]) -> dict[str, int]:
    """Return how often the slot of each client with cookies changed, for those whose slot changed."""
    own: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in sorted(answers):
        if answer.client and answer.good:
            own[answer.client].append(answer)
    changed = {client: sum(a.slot != b.slot for a, b in pairwise(one)) for client, one in own.items()}
    return {client: number for client, number in changed.items() if number}
