"""`make up` again, `make down`, and `make up` from nothing. Runs last, because it ends without a cluster."""

import time
from pathlib import Path

import pytest

from tests.cluster import traces
from tests.cluster.stack import Stack, run
from tests.cluster.traffic import Ingress, slots

HANG_SECONDS = 600


def make(target: str) -> tuple[float, str]:
    started = time.monotonic()
    done = run("make", "-s", target, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - started, done.stdout + done.stderr


@pytest.mark.core
def test_a_second_make_up_changes_nothing(stack: Stack, facts: list[str]) -> None:
    before = stack.workloads()
    seconds, _ = make("up")
    facts.append(f"make up, all running: {seconds:.0f} s")
    assert stack.workloads() == before


def state_of(stack: Stack) -> Path:
    """Return the directory that holds the whole cluster except its caches."""
    return Path(stack.env["KUBECONFIG"]).parent.parent


@pytest.mark.core
def test_down_leaves_nothing(stack: Stack, facts: list[str]) -> None:
    state = state_of(stack)
    assert state.is_dir()
    used = traces.all_of(state)
    seconds, _ = make("down")
    facts.append(f"make down: {seconds:.0f} s")
    clean = traces.all_of(state)
    assert not state.exists()
    assert not clean["processes"]
    assert not clean["cgroups"]
    assert not [mount for mount in clean["mounts"] if str(state) in mount]
    assert not [rule for rule in clean["firewall"] if "KUBE" in rule or "CNI" in rule or "10.88." in rule]
    assert not [route for route in clean["routes"] if "slipway" in route or route.startswith(("10.88.", "10.96."))]
    assert not [name for name in clean["interfaces"] if name.startswith(("slipway", "veth"))]
    for kind, found in used.items():
        assert found > clean[kind], f"the look at {kind} sees nothing of a running cluster: it proves nothing"


def test_up_works_again_from_nothing_and_down_leaves_what_was_there(
    stack: Stack, ingress: Ingress, pictures: list[tuple[bytes, str]], facts: list[str]
) -> None:
    state = state_of(stack)
    if state.exists():  # if this test runs alone, or a second time
        make("down")
    clean = traces.all_of(state)
    seconds, _ = make("up")
    facts.append(f"make up, toolchain cached and no cluster: {seconds:.0f} s to served pictures")
    assert slots(ingress.ask_all([png for png, _ in pictures[:50]])) == {"blue": 50}
    make("down")
    assert traces.all_of(state) == clean
