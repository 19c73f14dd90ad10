"""Measure the first request after readiness against the median of those that follow, of several starts.

`python -m serving.tests.first_request <role> <model folder> <path> <content type> <file with a body> [starts]`

All requests come after a pause, as the first one does: on a machine that does other things meanwhile, any request after
a pause takes longer than one right behind another.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
_FOLLOWING = 40
_PAUSE_SECONDS = 0.05
_READY_SECONDS = 60.0


def milliseconds(role: str, model: str, path: str, kind: str, body: bytes) -> list[float]:
    """Start the server, wait until it is ready as the kubelet does, and time requests one by one, at the client."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.json"
        settings.write_text(json.dumps({"modelPath": str(Path(model).resolve())}))
        environment = {**os.environ, "PORT": str(port), "SLIPWAY_SETTINGS": str(settings)}
        command = [sys.executable, "-m", "serving", role]
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                _wait_ready(client)
                client.post("/nowhere", content=body)  # the measuring client's own first call
                return [_timed(client, path, kind, body) for _ in range(1 + _FOLLOWING)]
        finally:
            process.terminate()
            process.wait()


def _timed(client: httpx.Client, path: str, kind: str, body: bytes) -> float:
    time.sleep(_PAUSE_SECONDS)
    began = time.perf_counter()
    client.post(path, content=body, headers={"content-type": kind}).raise_for_status()
    return 1000 * (time.perf_counter() - began)


def _wait_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.get("/health").is_success:
                return
        time.sleep(_PAUSE_SECONDS)
    raise TimeoutError("the server did not become ready")


def main(arguments: list[str]) -> int:
    """Print a line for each start, and how often the first request took more than twice the median."""
    role, model, path, kind, file, *starts = arguments
    ratios: list[float] = []
    for _ in range(int(starts[0]) if starts else 10):
        first, *following = milliseconds(role, model, path, kind, Path(file).read_bytes())
        median = statistics.median(following)
        ratios.append(first / median)
        sys.stdout.write(f"first {first:.2f} ms, median {median:.2f} ms, ratio {ratios[-1]:.2f}\n")
    above = sum(ratio > 2 for ratio in ratios)
    sys.stdout.write(f"{above} of {len(ratios)} above 2; median ratio {statistics.median(ratios):.2f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
