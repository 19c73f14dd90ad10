"""The loader as a real process: killed halfway, its memory, its output and its exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.loader.models import FILES, content, publish
from tests.loader.servers import Seen, Watched, serving
from tests.recording import PROJECT

pytestmark = pytest.mark.slow  # real processes

MIB = 1 << 20
MEMORY_MIB = 64
LARGE_MIB = 192


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "loader", *arguments]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def last_line(output: str) -> dict[str, Any]:
    return json.loads(output.splitlines()[-1])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[str, Seen, Path]]:
    """A model of one file that is too large for the loader's memory, behind a server that paces itself."""

    class Paced(Watched):
        def body(self, descriptor: int, start: int, end: int) -> None:
            for at in range(start, end, 4 * MIB):
                super().body(descriptor, at, min(at + 4 * MIB, end))
                time.sleep(0.02)

    block = os.urandom(MIB)
    folder = publish(tmp_path_factory.mktemp("large"), {"model.bin": block * LARGE_MIB})
    with serving(Paced, folder) as (url, seen):
        yield f"{url}/", seen, folder


def peak_mib(process: "subprocess.Popen[Any]") -> float:
    """Wait for a process, and return the most memory that it had. (ru_maxrss counts the memory of its parent, too.)"""
    peak = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        if found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text("utf-8")):
            peak = max(peak, int(found[1]))
        time.sleep(0.01)
    return peak / 1024


def test_a_large_model_needs_little_memory(large: tuple[str, Seen, Path], tmp_path: Path) -> None:
    uri, _, folder = large
    with subprocess.Popen(command(uri, str(tmp_path), "m"), cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        peak = peak_mib(process)
    assert process.returncode == 0
    assert 10 < peak <= MEMORY_MIB
    assert (tmp_path / "m/model.bin").stat().st_size == (folder / "model.bin").stat().st_size


def test_killed_halfway_it_continues_where_it_stopped(large: tuple[str, Seen, Path], tmp_path: Path) -> None:
    uri, seen, folder = large
    seen.sent = 0
    with subprocess.Popen(command(uri, str(tmp_path), "m"), cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        while seen.sent < LARGE_MIB * MIB * 3 // 4:  # at most four chunks of them are not complete
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "m").exists()
    done = run(uri, str(tmp_path), "m")
    assert done.returncode == 0, done.stderr
    said = last_line(done.stdout)
    assert said["bytesResumed"] >= LARGE_MIB * MIB // 4
    assert said["bytesFetched"] + said["bytesResumed"] == LARGE_MIB * MIB + (folder / "SHA256SUMS").stat().st_size
    assert (tmp_path / "m/model.bin").read_bytes() == (folder / "model.bin").read_bytes()


def test_sigterm_ends_it_at_once(large: tuple[str, Seen, Path], tmp_path: Path) -> None:
    uri, seen, _ = large
    seen.sent = 0
    with subprocess.Popen(command(uri, str(tmp_path), "m"), cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        while seen.sent < 16 * MIB:
            time.sleep(0.01)
        process.terminate()
        assert process.wait(5) == 128 + signal.SIGTERM


def test_its_last_line_is_the_result_and_a_second_start_fetches_nothing(tmp_path: Path) -> None:
    with serving(Watched, publish(tmp_path / "published")) as (url, seen):
        first = run(f"{url}/", str(tmp_path / "store"), "m")
        seen.requests.clear()
        second = run(f"{url}/", str(tmp_path / "store"), "m")
    assert (first.returncode, second.returncode, first.stderr, second.stderr) == (0, 0, "", "")
    said = last_line(first.stdout)
    assert said["message"] == "model in place"
    assert (said["files"], said["fromCache"]) == (len(FILES) + 1, False)
    assert (last_line(second.stdout)["bytesFetched"], last_line(second.stdout)["fromCache"]) == (0, True)
    assert seen.requests == []


def test_a_refusal_is_one_line_on_standard_error(tmp_path: Path) -> None:
    folder = publish(tmp_path / "published")
    (folder / "model.onnx").write_bytes(b"x" * len(FILES["model.onnx"]))
    with serving(Watched, folder) as (url, _):
        done = run(f"{url}/", str(tmp_path / "store"), "m")
    assert done.returncode == 1
    assert re.fullmatch(r"loader: http://\S+/model.onnx: sha256 hash is .* nothing was published\n", done.stderr)
    assert "m" not in {path.name for path in (tmp_path / "store").iterdir()}


def test_a_manifest_comes_in_a_variable(tmp_path: Path) -> None:
    folder = publish(tmp_path / "published", sums=False)
    with serving(Watched, folder) as (url, _):
        done = run(f"{url}/", str(tmp_path / "store"), "m", MODEL_MANIFEST="not a manifest")
    assert done.stderr == "loader: manifest: 'not a manifest' is not '<sha256> <bytes> <path>'; pin the model again\n"
    assert content(folder) == FILES


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a", "b", "../c"], "'../c' is not a folder's name; use letters, digits, '.', '_' and '-'"),
        (["a", "b", "c", "--connections", "0"], "'0' is not a number of 1 or more"),
        (["a", "b", "c", "--limit", "5Gi"], "'5Gi' is not a number of 1 or more"),
        (["a", "b", "c", "--checksum", "5f"], "'5f' is not a checksum; use sha256:<64 hex digits>"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
