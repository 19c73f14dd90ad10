"""Faults of a machine, injected into the embedded cluster and removed again."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.cluster.stack import Json, local

BURN = "while True: pass"


def process_of(component: str) -> psutil.Process:
    """Return the process of a component of the cluster."""
    parts = json.loads(local("status", "--json").stdout)["components"]
    return psutil.Process(int(parts[component]["pid"]))


@contextmanager
def ended(component: str, sent: signal.Signals = signal.SIGTERM) -> Generator[None]:
    """Stop a component of the cluster until the block ends; `local up` then starts it again."""
    process = process_of(component)
    process.send_signal(sent)
    process.wait(60)
    yield
    assert local("up", "--no-deploy").returncode == 0


@contextmanager
def paused(component: str) -> Generator[None]:
    """Freeze a component of the cluster: it keeps its connections but answers nothing."""
    process = process_of(component)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def busy(processes: int) -> Generator[None]:
    """Run processes that use all the processor time they can get."""
    with ExitStack() as stack:
        for _ in range(processes):
            burning = stack.enter_context(subprocess.Popen([sys.executable, "-c", BURN]))
            stack.callback(burning.kill)
        yield


def server_of(pod: Json) -> psutil.Process:
    """Return the process of the pod's model server, found by the pod's cgroup."""
    uid = str(pod["metadata"]["uid"])
    inside = [process for process in psutil.process_iter(["cmdline"]) if _in_pod(process.pid, uid)]
    (server,) = [one for one in inside if "serving" in (one.info["cmdline"] or ())]
    return server


def _in_pod(pid: int, uid: str) -> bool:
    try:
        return uid in Path(f"/proc/{pid}/cgroup").read_text().replace("_", "-")
    except OSError:
        return False


def killed(pod: Json) -> None:
    """Kill the pod's server as the kernel does when memory runs out."""
    server_of(pod).kill()


@contextmanager
def lossy(pod: Json, share: float) -> Generator[None]:
    """Drop this share of the packets that reach the pod; 1 cuts the pod off."""
    with _dropping(pod, "-m", "statistic", "--mode", "random", "--probability", f"{share:.2f}"):
        yield


@contextmanager
def hidden_from(pod: Json, address: str) -> Generator[None]:
    """Drop the packets that reach the pod from one address only."""
    with _dropping(pod, "-s", address):
        yield


@contextmanager
def _dropping(pod: Json, *packets: str) -> Generator[None]:
    rule = ["INPUT", *packets, "-j", "DROP"]
    _inside(pod, "iptables", "-I", *rule)
    try:
        yield
    finally:
        _inside(pod, "iptables", "-D", *rule)


@contextmanager
def slow_link(pod: Json, rate: str) -> Generator[None]:
    """Limit the rate at which the pod sends. Packets queue; many kernels have no netem, which could delay them."""
    device = ("dev", "eth0", "root")
    _inside(pod, "tc", "qdisc", "add", *device, "tbf", "rate", rate, "burst", "1600", "latency", "2s")
    try:
        yield
    finally:
        _inside(pod, "tc", "qdisc", "del", *device)


def _inside(pod: Json, *command: str) -> None:
    """Run a program of this machine in the pod's network namespace."""
    entered = ["nsenter", "--target", str(server_of(pod).pid), "--net", *command]
    subprocess.run(entered, check=True, capture_output=True)
