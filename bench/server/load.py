"""The load: vegeta sends at a constant rate, whether answers come or not, so that a slow answer hides no other one."""

import base64
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.server.contestants import Contestant
from bench.server.running import LOAD_CORE

MOST_WAITING = 1000
"""Requests that vegeta keeps open at once: twice what 10,000 requests/s would leave open within the limit of 50 ms."""
TIMEOUT_SECONDS = 5
LIMIT_MS = 50.0
KEPT_UP = 0.98
"""Share of the wanted rate below which the rate was not sent, or not answered."""
AT_ONCE = 24
"""Connections of the closed loop that looks for the most a server can do: enough to fill batches."""
_NANOSECONDS_PER_MS = 1e6


@dataclass(frozen=True)
class Answers:
    """What came of a load.

    Attributes:
        wanted: Requests per second that were to be sent; 0: as many as possible.
        rate: Good answers per second.
        p50: Milliseconds.
        p99: Milliseconds.
        success: Share of good answers.
    """

    wanted: int
    rate: float
    p50: float
    p99: float
    success: float

    @property
    def held(self) -> bool:
        """Whether the server bore the rate: every answer good, 99 % of them within the limit, none left behind."""
        return self.success == 1 and self.p99 <= LIMIT_MS and self.rate >= KEPT_UP * self.wanted


def answers(wanted: int, report: Mapping[str, Any]) -> Answers:
    """Read vegeta's JSON report; its times are in nanoseconds."""
    latencies = report["latencies"]
    return Answers(
        wanted=wanted,
        rate=float(report["throughput"]),
        p50=latencies["50th"] / _NANOSECONDS_PER_MS,
        p99=latencies["99th"] / _NANOSECONDS_PER_MS,
        success=float(report["success"]),
    )


@dataclass(frozen=True)
class Load:
    """Sends one server's request again and again, from the other core."""

    vegeta: Path

    def constant(self, contestant: Contestant, rate: int, seconds: float) -> Answers:
        """Send requests at a constant rate, evenly spaced.

        Raises:
            RuntimeError: vegeta failed.
        """
        options = (f"-rate={rate}/1s", f"-max-workers={MOST_WAITING}", f"-connections={MOST_WAITING}")
        return answers(rate, self._attack(contestant, seconds, options))

    def most(self, contestant: Contestant, seconds: float) -> Answers:
        """Send the next request as soon as one is answered, over a few connections.

        Raises:
            RuntimeError: vegeta failed.
        """
        options = ("-rate=0", f"-workers={AT_ONCE}", f"-max-workers={AT_ONCE}", f"-connections={AT_ONCE}")
        return answers(0, self._attack(contestant, seconds, options))

    def _attack(self, contestant: Contestant, seconds: float, options: tuple[str, ...]) -> Mapping[str, Any]:
        target = {
            "method": "POST",
            "url": contestant.url,
            "header": {"Content-Type": ["application/json"]},
            "body": base64.b64encode(contestant.body).decode(),
        }
        fixed = ("-format=json", f"-duration={seconds}s", f"-timeout={TIMEOUT_SECONDS}s")
        pinned = ["taskset", "--cpu-list", str(LOAD_CORE), str(self.vegeta)]
        results = _output([*pinned, "attack", *fixed, *options], json.dumps(target).encode() + b"\n")
        return json.loads(_output([*pinned, "report", "-type=json"], results))


def _output(command: list[str], given: bytes) -> bytes:
    done = subprocess.run(command, input=given, check=False, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} exited {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout
