"""Real requests through the Ingress, bounded in number, counted by what the answers say of themselves."""

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.cluster.repeated import repeated

TIMEOUT = 15.0
"""Seconds for one request: longer than any answer here, shorter than a hang."""
WORKERS = 8
OK = 200


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    label: str
    slot: str
    version: str


@dataclass
class Tally:
    """Answers of a load that runs beside something else."""

    statuses: Counter[str] = field(default_factory=Counter[str])

    @property
    def failures(self) -> dict[str, int]:
        """Everything that was not a 200."""
        return {status: count for status, count in self.statuses.items() if status != "200"}


@dataclass(frozen=True)
class Ingress:
    """The proxy's address and the host that is asked for; the address is loopback's."""

    url: str
    host: str

    def ask(self, client: httpx.Client, picture: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one picture."""
        sent = {"Host": self.host, "Content-Type": "image/png", **(headers or {})}
        reply = client.post(self.url, content=picture, headers=sent)
        label = reply.json()["predictions"][0]["label"] if reply.status_code == OK else ""
        served = reply.headers
        return Answer(reply.status_code, label, served.get("x-slipway-slot", ""), served.get("x-slipway-version", ""))

    def ask_all(self, pictures: list[bytes], headers: Mapping[str, str] | None = None) -> list[Answer]:
        """Send all pictures, a few at a time, and give the answers in order."""
        with httpx.Client(timeout=TIMEOUT) as client, ThreadPoolExecutor(WORKERS) as pool:

            def send(picture: bytes) -> Answer:
                return self.ask(client, picture, headers)

            return list(pool.map(send, pictures))

    @contextmanager
    def load(self, picture: bytes, *, per_second: float = 20, at_most: int = 6000) -> Generator[Tally]:
        """Send a picture at a steady rate until the block ends, at most ``at_most`` times."""
        with (
            httpx.Client(timeout=TIMEOUT) as client,
            steady(lambda: self.ask(client, picture).status, per_second=per_second, at_most=at_most) as tally,
        ):
            yield tally


@contextmanager
def steady(send: Callable[[], int], *, per_second: float, at_most: int) -> Generator[Tally]:
    """Call ``send`` at a steady rate until the block ends; count the statuses that it returns, and httpx's errors."""
    tally = Tally()

    def count() -> None:
        try:
            status = str(send())
        except httpx.HTTPError as error:
            status = type(error).__name__
        tally.statuses[status] += 1

    with repeated(count, per_second=per_second, at_most=at_most):
        yield tally


def slots(answers: list[Answer]) -> Counter[str]:
    """Count answers by the slot that gave them; an error counts as its status."""
    return Counter(answer.slot if answer.status == OK else str(answer.status) for answer in answers)
