"""Compare the loader with curl: rate and memory for one large file from a server on this machine (`make bench-loader`).

Both fetch the same file from the same server in turns; the figures are medians of the rounds. curl only writes the
file. The loader also hashes it, makes it durable (fdatasync) and publishes it: it needs more processor time, which the
last columns show, and spreads it over the cores. The server sends by sendfile in a
process of its own; it serves the file under the paths of a web folder, of S3, and of a model hub. Run it alone on the
machine: server, client and kernel share its cores.
"""

import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

PROJECT = Path(__file__).parents[1]
COMMIT = "5f0c" * 10
LEAST_RATIO, MOST_MIB = 0.8, 64
_MIB = 1 << 20


@dataclass(frozen=True)
class Case:
    """One kind of source: the loader's URI and variables, and the path of the same file for curl."""

    name: str
    uri: str
    path: str
    environment: Mapping[str, str]


def cases(url: str) -> list[Case]:
    """Return the kinds of sources that the server plays."""
    signed = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    return [
        Case("web", f"{url}/models/large/", "/models/large/model.bin", {}),
        Case("S3", "s3://models/large", "/models/large/model.bin", signed),
        Case("hub", f"hf://acme/large@{COMMIT}", f"/acme/large/resolve/{COMMIT}/model.bin", {"HF_ENDPOINT": url}),
    ]


def published(folder: Path, size: int) -> None:
    """Write a file of random bytes, and the descriptions of it that the sources give."""
    model = folder / "models/large/model.bin"
    model.parent.mkdir(parents=True)
    digest = hashlib.sha256()
    with model.open("wb") as out:
        for _ in range(size // _MIB):
            block = os.urandom(_MIB)
            digest.update(block)
            out.write(block)
    (model.parent / "SHA256SUMS").write_text(f"{digest.hexdigest()}  model.bin\n", "utf-8")
    resolved = folder / f"acme/large/resolve/{COMMIT}/model.bin"
    resolved.parent.mkdir(parents=True)
    resolved.hardlink_to(model)
    listing = folder / f"api/models/acme/large/revision/{COMMIT}"
    listing.parent.mkdir(parents=True)
    lfs = {"sha256": digest.hexdigest(), "size": size}
    siblings = [{"rfilename": "model.bin", "size": size, "blobId": "0" * 40, "lfs": lfs}]
    listing.write_text(json.dumps({"sha": COMMIT, "siblings": siblings}), "utf-8")


@contextmanager
def served(folder: Path) -> Generator[str]:
    """Serve a folder from another process; yields its URL."""
    command = [sys.executable, "-m", "tests.loader.files_server", str(folder)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, encoding="utf-8") as server:
        if server.stdout is None:  # it is a pipe
            raise RuntimeError
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


@dataclass(frozen=True)
class Cost:
    """What a fetch took."""

    seconds: float
    processor: float
    """Seconds of processor time."""
    memory: float
    """The most memory, in MiB."""


def timed(command: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run a command and return what it took."""
    began, before = time.perf_counter(), _processor()
    peak = 0
    with subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            state = Path(f"/proc/{process.pid}/status").read_text("utf-8")
            if found := re.search(r"VmHWM:\s+(\d+) kB", state):
                peak = max(peak, int(found[1]))
            time.sleep(0.005)
    if process.returncode:
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return Cost(time.perf_counter() - began, _processor() - before, peak / 1024)


def _processor() -> float:
    """Return the processor time of the commands that have ended; the server has not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def compared(case: Case, url: str, target: Path, rounds: int) -> tuple[list[Cost], list[Cost]]:
    """Return the costs of curl and of the loader in each round."""
    curl, loader = list[Cost](), list[Cost]()
    for number in range(rounds + 1):  # the first round warms the page cache
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        plain = timed(["curl", "-sf", "-o", str(target / "file"), url + case.path], {})
        shutil.rmtree(target)
        fetching = timed([sys.executable, "-m", "loader", case.uri, str(target), "model"], case.environment)
        if number:
            curl, loader = [*curl, plain], [*loader, fetching]
    return curl, loader


def main() -> None:
    """Compare, print the table, and exit with 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.loader", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--mib", type=int, default=1024, help="size of the file in MiB")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="folder to which both write (default: that of temporary files)")
    given = parser.parse_args()
    table = Table(title=f"{given.mib} MiB from a server on this machine, medians of {given.rounds} rounds")
    for column in ("source", "curl MiB/s", "loader MiB/s", "ratio", "peak MiB", "curl CPU s", "loader CPU s"):
        table.add_column(column, justify="right" if column != "source" else "left")
    held = True
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        published(Path(folder) / "source", given.mib * _MIB)
        with served(Path(folder) / "source") as url:
            for case in cases(url):
                both = compared(case, url, Path(folder) / "target", given.rounds)
                plain, fetching = (statistics.median(cost.seconds for cost in costs) for costs in both)
                used = (f"{statistics.median(cost.processor for cost in costs):.1f}" for costs in both)
                ratio, peak = plain / fetching, max(cost.memory for cost in both[1])
                rates = (f"{given.mib / seconds:.0f}" for seconds in (plain, fetching))
                table.add_row(case.name, *rates, f"{ratio:.2f}", f"{peak:.0f}", *used)
                held = held and ratio >= LEAST_RATIO and peak <= MOST_MIB
    console = Console(width=100)
    console.print(table)
    console.print(f"bounds: ratio ≥ {LEAST_RATIO}, memory ≤ {MOST_MIB} MiB: {'hold' if held else 'do not hold'}")
    sys.exit(not held)


if __name__ == "__main__":
    main()
