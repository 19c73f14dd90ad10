"""A hopeless wait ends early with its reason, and a wait that may succeed does not."""

import pulumi
import pytest

from components import system
from tests.components.clock import Clock
from tests.components.deploying import registered
from tests.components.kubelet import Cluster, Server
from tests.each import each
from tests.samples import Config, entry, put, release, service, stack

SECONDS = 600
BEHIND = {"metadata": {"generation": 2}, "status": {"observedGeneration": 2}}
SHOP = entry(services={"web": service(rollout={"timeout": f"{SECONDS}s", "progressDeadline": "120s"})})
SOON = 40
"""Seconds within which the cause must be known."""
QUOTA = "exceeded quota: shop, requested: requests.cpu=2, used: requests.cpu=8, limited: requests.cpu=8"
WEBHOOK = 'admission webhook "policy.example.com" denied the request: no team label'
PRIORITY = "no PriorityClass with name nope was found"
TRACEBACK = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n'
GOOD_BYE = "\n".join(f"INFO: worker {n} says good-bye" for n in range(12)) + "\nStopping parent process [1]\n"


def crashing(line: str, *, after: float = 1.0, code: int = 1) -> Server:
    return Server(ends_after=after, code=code, log=f"{TRACEBACK}{line}\n{GOOD_BYE}")


def refusing(message: str, *, until: float = float("inf")) -> Config:
    def refuses(now: float) -> str:
        return message if now < until else ""

    return {"refuses": refuses}


HOPELESS: dict[str, tuple[Config, str, str]] = {
    "a missing priority class": (refusing(PRIORITY), PRIORITY, "scheduling.priorityClass"),
    "a full quota": (refusing(QUOTA), QUOTA, "ResourceQuota is full"),
    "a refusing webhook": (refusing(WEBHOOK), WEBHOOK, "ask its owner"),
    "a pod that Pod Security refuses": (
        refusing('violates PodSecurity "restricted:v1.36": x'),
        "violates",
        "Pod Security level",
    ),
    "a LimitRange": (refusing("maximum memory usage per Container is 1Gi, but limit is 2Gi"), "maximum", "LimitRange"),
    "a missing runtime class": (refusing('RuntimeClass "nope" not found'), "nope", "scheduling.runtimeClass"),
    "a read-only root file system": (
        {"server": crashing("OSError: [Errno 30] Read-only file system: '/app/cache'", after=3.0)},
        "error in its log: OSError: [Errno 30] Read-only file system: '/app/cache'",
        "write below /tmp",
    ),
    "no home directory": (
        {"server": crashing("PermissionError: [Errno 13] Permission denied: '/.cache'")},
        "Permission denied: '/.cache'",
        "home: {path: <folder>, size: <size>}",
    ),
    "a path that only root may write": (
        {"server": crashing("PermissionError: [Errno 13] Permission denied: '/data/x'")},
        "Permission denied: '/data/x'",
        "user 10001",
    ),
    "a wrong command": (
        {
            "server": Server(
                ends_after=0.1,
                code=128,
                reason="StartError",
                log='runc create failed: exec: "serve": executable file not found in $PATH',
            )
        },
        "executable file not found",
        "correct them",
    ),
    "a wrong argument": (
        {"server": Server(ends_after=2.0, code=2, log="serving: role 'clasify': unknown role")},
        "unknown role",
        "correct args",
    ),
    "another processor": (
        {"server": Server(ends_after=0.1, code=255, log="exec /usr/bin/python: exec format error")},
        "exec format error",
        "architecture",
    ),
    "too little memory": (
        {"server": Server(ends_after=1.0, code=137, reason="OOMKilled")},
        "exit code 137, OOMKilled",
        "resources.limits.memory",
    ),
    "any other crash": ({"server": crashing("ValueError: bad model")}, "error in its log: ValueError: bad model", ""),
    "an image that does not exist": (
        {"image": 'failed to pull and unpack image "r/x@sha256:0": r/x@sha256:0: not found'},
        "ImagePullBackOff",
        "",
    ),
}


def failure(patch: pytest.MonkeyPatch, cluster: Cluster, stack_data: Config | None = None) -> str:
    """Return what the update says when it fails, or an empty string if it does not."""

    def server(_context: str) -> Cluster:
        return cluster

    patch.setattr(system, "ApiServer", server)
    try:
        registered(SHOP, stack_data, live={"Deployment": BEHIND})
    except pulumi.RunError as error:
        return str(error)
    return ""


@each("name", HOPELESS)
def test_a_hopeless_wait_ends_early_and_names_cause_and_remedy(name: str) -> None:
    given, cause, remedy = HOPELESS[name]
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock().installed(patch)
        said = failure(patch, Cluster(clock, **given))
        assert "waiting longer does not help" in said
        assert cause in said
        assert remedy in said
        assert "of the old template" not in said
        assert "good-bye" not in said
        assert clock() < SOON


MAY_PASS: dict[str, tuple[Config, float]] = {
    "a server that starts slowly": ({"server": Server(ready_after=100.0)}, 102),
    "a service that comes up later": (
        {"server": Server(ends_after=1.0, log="ConnectionError: connection refused: redis:6379", recovers=4)},
        90,
    ),
    "a kubelet that restarts quickly": (
        {"server": Server(ends_after=0.5, log="ValueError: no store yet", recovers=5, back_off=1.0)},
        60,
    ),
    "two crashes, and then it works": ({"server": Server(ends_after=1.0, log="ValueError: x", recovers=2)}, 20),
    "a quota that frees itself when others are gone": (
        {**refusing(QUOTA, until=60), "leaving": 60.0},
        100,
    ),
    "a webhook whose pods restart": (
        refusing('failed calling webhook "x": connection refused', until=30),
        60,
    ),
    "a quota that is not counted yet": (
        refusing("status unknown for quota: shop, resources: pods", until=15),
        30,
    ),
    "a refusal for a moment": (refusing(QUOTA, until=6), 15),
    "a crash loop of before, whose cause somebody has removed": (
        {"server": Server(ends_after=1.0, log="OSError: Read-only file system", recovers=6), "began": -300.0},
        90,
    ),
    "a refusal of before, whose cause somebody has removed": (
        {**refusing(QUOTA, until=0), "began": -30.0},
        60,
    ),
}


@each("name", MAY_PASS)
def test_a_wait_that_may_succeed_goes_on(name: str) -> None:
    given, most = MAY_PASS[name]
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock().installed(patch)
        assert failure(patch, Cluster(clock, **given)) == ""
        assert clock() < most


SLOW_ENDS: dict[str, tuple[Config, str, str]] = {
    "no node": (
        {"unschedulable": "0/3 nodes are available: 3 Insufficient cpu."},
        "pod new-u0: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.; no node has room",
        "no progress within rollout.progressDeadline 120 s",
    ),
    "a port on which nothing listens": (
        {
            "server": Server(
                probe='Startup probe failed: Get "http://10.0.0.1:5000/health": connect: connection refused'
            )
        },
        "running, but not ready: Startup probe failed: Get",
        "set port to the server's port",
    ),
    "a probe's answer": (
        {"server": Server(probe="Readiness probe failed: HTTP probe failed with statuscode: 404")},
        "statuscode: 404; the server has no such path",
        "no progress within",
    ),
}


@each("name", SLOW_ENDS)
def test_a_wait_without_progress_ends_at_the_progress_deadline_with_the_cause(name: str) -> None:
    given, *said = SLOW_ENDS[name]
    with pytest.MonkeyPatch.context() as patch:
        clock = Clock().installed(patch)
        told = failure(patch, Cluster(clock, **given))
        assert [one for one in said if one not in told] == []
        assert 120 <= clock() < 130


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().installed(monkeypatch)


def test_a_failed_rollout_of_before_fails_again_after_its_progress_deadline(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = failure(monkeypatch, Cluster(clock, **refusing(QUOTA), began=-4000.0))
    assert QUOTA in said
    assert 120 <= clock() < 130


def test_pods_of_which_one_is_ready_are_waited_for(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class OneNode(Cluster):
        def pods(self, namespace: str, selector: str) -> list[Config]:
            ready = {"conditions": [{"type": "Ready", "status": "True"}]}
            works = {"metadata": {"name": "w", "uid": "w", "labels": {"pod-template-hash": "new"}}, "status": ready}
            return [*super().pods(namespace, selector), works]

    failure(monkeypatch, OneNode(clock, server=crashing("OSError: Read-only file system")))
    assert clock() >= 120


def test_a_rollout_that_takes_a_second_costs_no_request_but_the_lists(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(clock)
    assert failure(monkeypatch, cluster) == ""
    assert clock() < 2
    assert cluster.requests < 20
    assert cluster.logs_read == []


def test_the_log_of_the_run_that_ended_is_read(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(ends_after=30.0, log="RuntimeError: x")
    cluster = Cluster(clock, server=server, deadline=45)
    failure(monkeypatch, cluster)
    assert cluster.logs_read[-1] is True, "the container runs again"


def test_every_workload_that_fails_is_told_and_not_only_the_first(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Two(Cluster):
        """The other Deployment never has a pod and is no failure that any rule knows."""

        def workloads(self, kind: str, namespace: str) -> dict[str, Config]:
            (own,) = super().workloads(kind, namespace).values()
            return {"web-blue": own, "web-green": {**own, "status": {**own["status"], "observedGeneration": 1}}}

    cluster = Two(clock, **refusing(QUOTA))
    both = put(stack(), "release.web", release(weight=0))
    said = failure(monkeypatch, cluster, both).splitlines()
    assert len(said) == 2
    assert said[0].startswith("Deployment shop-dev/web-blue was not rolled out, and waiting longer does not help")
    assert said[1].startswith("Deployment shop-dev/web-green was not rolled out yet when another workload failed")
    assert clock() < SOON


def test_a_deployment_that_somebody_deleted_fails_the_update_at_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(Cluster):
        def workloads(self, kind: str, namespace: str) -> dict[str, Config]:
            del kind, namespace
            return {}

    said = failure(monkeypatch, Gone(clock))
    assert said.startswith("Deployment shop-dev/web-blue does not exist, but Pulumi's state has it")
    assert 5 <= clock() < 8


def test_a_paused_deployment_fails_the_update_at_once_unless_its_pods_run_already(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Paused(Cluster):
        available = 0

        def workloads(self, kind: str, namespace: str) -> dict[str, Config]:
            (own,) = super().workloads(kind, namespace).values()
            conditions = [{"type": "Progressing", "reason": "DeploymentPaused"}]
            status = {**own["status"], "conditions": conditions, "availableReplicas": self.available}
            return {"web-blue": {**own, "spec": {**own["spec"], "paused": True}, "status": status}}

    paused = Paused(clock)
    assert "is paused: kubectl rollout resume -n shop-dev deployment/web-blue" in failure(monkeypatch, paused)
    assert clock() < 2
    paused.available = 1
    assert failure(monkeypatch, paused) == ""
