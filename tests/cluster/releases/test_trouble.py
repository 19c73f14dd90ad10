"""Faults that no version causes: the API server is unavailable during a release, or the cluster is full."""

import signal
import time
from collections.abc import Iterator
from functools import partial

import pytest

from tests.cluster import faulty, harm
from tests.cluster.releases.test_bad import left
from tests.cluster.releasing import CANARY, GATE, HASTY, INCONCLUSIVE, SERVICE, Life
from tests.cluster.stack import Stack, run

pytestmark = pytest.mark.long
HARM = {"silent": harm.paused, "gone": partial(harm.ended, sent=signal.SIGKILL)}
AWAY_SECONDS = 15.0
"""Longer than the driver waits for one answer, but shorter than the time after which a node counts as lost (40 s)."""
PATIENCE_SECONDS = 240.0
ROLLOUT = {"progressDeadline": "100s", "timeout": "2m"}
"""Kubelet and proxy reconnect to a restarted API server only after half a minute or more."""


@pytest.mark.parametrize(
    ("how", "kind", "stage"),
    [
        ("silent", "look", "step 20 %"),
        ("silent", "update", "step 50 %"),
        ("gone", "update", "fill"),
        ("gone", "look", "step 20 %"),
        ("gone", "update", "step 50 %"),
    ],
)
def test_a_release_goes_on_when_the_api_server_is_back(
    life: Life, facts: list[str], how: str, kind: str, stage: str
) -> None:
    life.system.strategy(CANARY | {"gate": GATE | {"deadline": "2m"}}, rollout=ROLLOUT)
    version = life.system.image(faulty.good(time.time_ns() % 10**9))
    with life.system.running("release", "--image", version) as started:
        started.wait_for(kind, stage)
        with HARM[how]("kube-apiserver"):
            time.sleep(AWAY_SECONDS)
        code = started.process.wait(PATIENCE_SECONDS)
    assert code == 0, started.told.read_text()[-2000:]
    assert not life.lost(started)
    facts.append(f"API server {how} for {AWAY_SECONDS:.0f} s at {kind} {stage}: promoted, 0 lost")
    life.system.agrees()


@pytest.fixture
def full(stack: Stack) -> Iterator[None]:
    """Let the node accept no more pods until the test ends."""
    (node,) = run("kubectl", "get", "nodes", "-o", "name", env=stack.env).stdout.split()
    assert run("kubectl", "cordon", node, env=stack.env).returncode == 0
    yield
    assert run("kubectl", "uncordon", node, env=stack.env).returncode == 0


def test_a_version_that_finds_no_node_is_not_to_blame(
    life: Life, facts: list[str], request: pytest.FixtureRequest
) -> None:
    life.system.strategy(CANARY, rollout=HASTY)
    version = faulty.good(time.time_ns() % 10**9)
    request.getfixturevalue("full")
    command = life.system.release(version)
    assert command.code == INCONCLUSIVE, command.said
    assert f"pod {SERVICE}-" in command.document["reason"]
    assert "Unschedulable" in command.document["reason"]
    assert not life.system.declared()["slipway:delivery"][SERVICE].get("holds")
    left(life, command, version)
    facts.append(f"no room: inconclusive after {command.seconds:.0f} s, 0 lost, nothing held")
