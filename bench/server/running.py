"""A server process on its core: started, awaited, weighed, stopped."""

import http.client
import os
import statistics
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.process import await_ready, peak_of, stop
from bench.server.contestants import Contestant

SERVER_CORE, LOAD_CORE = 0, 1
"""The server has one core to itself; who asks and measures has the other one."""
_ANSWER_SECONDS = 60.0
_STOP_SECONDS = 15.0
_WEIGH_SECONDS = 0.5
_FOLLOWING, _PAUSE_SECONDS = 40, 0.05
"""Requests after the first one, each after a pause like that before the first."""
_OK = 200


@dataclass
class Running:
    """A server that is ready."""

    contestant: Contestant
    process: "subprocess.Popen[bytes]"
    cold_start: float
    """Seconds from exec to the first 200 of its readiness."""
    peak: float = 0.0
    """MiB, the most that was seen while `weighed`."""

    def mebibytes(self) -> float:
        """Proportional set size of the process and all below it: pages that they share count once."""
        total = 0
        root = psutil.Process(self.process.pid)
        for one in (root, *root.children(recursive=True)):
            try:
                total += one.memory_full_info().pss
            except psutil.NoSuchProcess:
                continue  # it ended between the list and the look
        return total / 2**20

    @contextmanager
    def weighed(self) -> Generator[None]:
        """Look at the memory again and again while the block runs."""
        with peak_of(self.mebibytes, _WEIGH_SECONDS) as peak:
            yield
        self.peak = max(self.peak, peak.most)

    def first_against_median(self) -> float:
        """The first request ever, as a multiple of the median of those that follow."""
        connection = http.client.HTTPConnection("127.0.0.1", self.contestant.port, timeout=_ANSWER_SECONDS)
        seconds: list[float] = []
        for _ in range(1 + _FOLLOWING):
            time.sleep(_PAUSE_SECONDS)
            began = time.perf_counter()
            ask(connection, self.contestant)
            seconds.append(time.perf_counter() - began)
        connection.close()
        return seconds[0] / statistics.median(seconds[1:])


def ask(connection: http.client.HTTPConnection, contestant: Contestant) -> bytes:
    """One inference.

    Raises:
        RuntimeError: the answer is no 200.
    """
    connection.request("POST", contestant.path, contestant.body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    if response.status != _OK:
        raise RuntimeError(f"{contestant.name}: {contestant.path} answered {response.status}: {answer[:300]!r}")
    return answer


@contextmanager
def running(contestant: Contestant, folder: Path) -> Generator[Running]:
    """Start a server from its environment in `folder`, wait until it is ready, and stop it and all below it after.

    Raises:
        RuntimeError: it ended, or was not ready in time; the message names its log.
    """
    programs = folder / contestant.name / "bin"
    log = folder / f"{contestant.name}.log"
    # Where a CI machine forbids byte code, every start would compile; an image has it.
    inherited = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"}
    }
    variables = {**inherited, **contestant.variables, "PATH": f"{programs}:{os.environ['PATH']}"}
    program, *arguments = contestant.command
    command = ["taskset", "--cpu-list", str(SERVER_CORE), str(programs / program), *arguments]
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdout=output, stderr=output, start_new_session=True
        )
        try:
            name = f"{contestant.name} ({contestant.variant})"
            await_ready(process, contestant.port, contestant.ready, name=name, log=log)
            yield Running(contestant, process, time.perf_counter() - began)
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    below = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    stop(process, _STOP_SECONDS)
    for one in below:
        if one.is_running():
            one.kill()
    psutil.wait_procs(below, _STOP_SECONDS)
