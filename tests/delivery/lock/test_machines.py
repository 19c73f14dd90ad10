"""Two checkouts as processes of their own: the real command, its signals, and the real client of the API server."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from delivery.cluster.client import Cluster
from delivery.errors import Forbidden, StaleObject
from delivery.lock.holder import Holder
from delivery.lock.lease import DURATION_SECONDS, RENEW_SECONDS, Lease, Seen
from tests.delivery.api import CONTEXT, serving
from tests.delivery.leases import Leases
from tests.delivery.played import UNDECIDED
from tests.delivery.world import SERVICE, STACK, world
from tests.recording import PROJECT
from tests.samples import OTHER_IMAGE

BUSY, INTERRUPTED = 6, 130
PATIENCE_SECONDS = 30.0
ABORT_SECONDS = 5.0
"""From the start of an abort in one checkout to weight 0, while another one's driver works."""

pytestmark = pytest.mark.slow


@dataclass
class Machines:
    """Two project folders, the API server that both reach, and what was written to it."""

    folder: Path
    leases: Leases
    kubeconfig: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list["subprocess.Popen[str]"])

    def start(self, user: str, *arguments: str) -> "subprocess.Popen[str]":
        command = [
            sys.executable,
            "-m",
            "tests.delivery.played",
            self.folder / user,
            self.folder / "weights",
            *arguments,
        ]
        env = os.environ | {"SLIPWAY_USER": user, "KUBECONFIG": str(self.kubeconfig)}
        process = subprocess.Popen(
            command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.started.append(process)
        return process

    def ended(self, process: "subprocess.Popen[str]") -> tuple[int, str, str]:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err

    @property
    def weights(self) -> list[tuple[float, int]]:
        """Every weight that was written, with its time."""
        file = self.folder / "weights"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(float(at), int(weight)) for at, weight in (line.split() for line in lines)]

    def stack(self, user: str) -> str:
        return (self.folder / user / f"Pulumi.{STACK}.yaml").read_text()

    def releasing(self) -> "subprocess.Popen[str]":
        """Ann's driver, which has moved the first traffic and stays there."""
        driver = self.start("ann", "release", STACK, SERVICE, "--image", OTHER_IMAGE)
        deadline = time.monotonic() + PATIENCE_SECONDS
        # It notes the window of its gate after the first move: stopped between its question to the API server and that
        # write, it would end the write, of its own file alone.
        while not self.weights or "windows:" not in self.stack("ann"):
            assert driver.poll() is None, driver.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return driver


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    for user in ("ann", "bob"):
        (tmp_path / user).mkdir()
        world(tmp_path / user, UNDECIDED)
    leases = Leases()
    with serving(leases, tmp_path) as kubeconfig:
        found = Machines(tmp_path, leases, kubeconfig)
        yield found
        for process in found.started:
            if process.poll() is None:
                process.kill()
            process.communicate()


def document(out: str) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(out))


def test_the_real_client_understands_what_an_api_server_says_of_leases(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(machines.kubeconfig))
    real = Cluster(CONTEXT)
    first = Lease(real, "default", "slipway-x", Holder.here())
    assert first.look() is None
    first.acquire()
    first.confirm()
    seen = first.look()
    assert seen is not None
    assert seen.identity == first.holder.identity
    first.confirm()
    with pytest.raises(StaleObject):
        first.ask(seen, request="late")
    machines.leases.forbidden = True
    with pytest.raises(Forbidden, match="403"):
        first.look()
    machines.leases.forbidden = False
    machines.leases.delete()
    assert real.replace("/apis/coordination.k8s.io/v1/namespaces/default/leases/slipway-x", seen.body) is None


def test_an_abort_from_another_checkout_has_the_driver_turn_back_at_once(machines: Machines) -> None:
    driver = machines.releasing()
    before = machines.stack("bob")
    began = time.time()
    code, out, err = machines.ended(machines.start("bob", "abort", STACK, SERVICE, "--reason", "wrong model", "--json"))
    assert code == 0, err
    assert "asked ann on " in " ".join(err.split())
    found = document(out)
    assert found["result"] == "aborted"
    assert found["by"].startswith("ann on ")
    closed = next(at for at, weight in machines.weights if weight == 0)
    assert closed - began < ABORT_SECONDS
    ended, _, said = machines.ended(driver)
    assert ended == INTERRUPTED
    assert re.search(r"aborted: wrong model; traffic is where it was before the release \(requested by bob\)", said)
    assert "outcome: aborted" in machines.stack("ann")
    assert machines.stack("bob") == before
    assert Seen(machines.leases.one).identity == ""


def test_a_driver_that_is_stopped_is_fenced_off_and_writes_nothing_when_it_continues(machines: Machines) -> None:
    driver = machines.releasing()
    driver.send_signal(signal.SIGSTOP)
    code, out, err = machines.ended(machines.start("bob", "abort", STACK, SERVICE, "--json"))
    assert code == 0, err
    assert document(out)["result"] == "aborted"
    assert "outcome: aborted" in machines.stack("bob")
    assert machines.weights[-1][1] == 0
    before = machines.stack("ann"), machines.weights
    driver.send_signal(signal.SIGCONT)
    ended, _, said = machines.ended(driver)
    assert (ended, (machines.stack("ann"), machines.weights)) == (BUSY, before)
    assert "this driver writes no more changes" in said


def test_a_driver_that_was_killed_is_succeeded_when_its_lease_has_expired(machines: Machines) -> None:
    driver = machines.releasing()
    driver.kill()
    driver.wait()
    began = time.monotonic()
    bob = machines.start("bob", "resume", STACK, SERVICE)
    deadline = began + PATIENCE_SECONDS
    while not Seen(machines.leases.one).identity.startswith("bob@"):
        assert bob.poll() is None, bob.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert time.monotonic() - began > 14
    assert Seen(machines.leases.one).token == 2


def test_a_driver_that_was_killed_is_succeeded_at_once_in_its_own_checkout(machines: Machines) -> None:
    driver = machines.releasing()
    driver.kill()
    driver.wait()
    began = time.monotonic()
    code, out, err = machines.ended(machines.start("ann", "abort", STACK, SERVICE, "--json"))
    assert code == 0, err
    assert document(out)["result"] == "aborted"
    assert time.monotonic() - began < DURATION_SECONDS - RENEW_SECONDS, "it waited until the lease was over"


def test_a_second_release_is_busy_while_the_first_one_works(machines: Machines) -> None:
    machines.releasing()
    code, _, err = machines.ended(machines.start("bob", "release", STACK, SERVICE, "--image", OTHER_IMAGE))
    assert code == BUSY
    assert "another slipway process holds it (ann on " in err
