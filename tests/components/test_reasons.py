"""Why pods are missing or not ready, in one line each."""

from components.reasons import reasons
from components.workload_pods import Json, Pod
from tests.components.stuck import NO_IMAGE, SAID, Pods, about, died, pod, refused, replica_set, waiting
from tests.each import each

CASES: dict[str, tuple[Pod, list[str]]] = {
    "an init container's image is missing": (
        pod(init=[waiting("model", "ImagePullBackOff", "not found")], main=[waiting("server", "PodInitializing")]),
        [f"pod p: container model: ImagePullBackOff: not found; {NO_IMAGE}"],
    ),
    "a container crashes again and again": (
        pod(main=[waiting("server", "CrashLoopBackOff", "back-off 10s", lastState=died())]),
        [
            (
                "pod p: container server: CrashLoopBackOff: back-off 10s (exit code 3, Error); "
                "last log lines: said this | then died"
            )
        ],
    ),
    "an init container failed": (
        pod(init=[{"name": "model", "state": died("")}]),
        ["pod p: container model: ended (exit code 3, Error)"],
    ),
    "an init container failed and works again": (
        pod(init=[{"name": "model", "state": {"running": {}}, "lastState": died("no model\n")}]),
        ["pod p: container model: ended (exit code 3, Error), running again; last log lines: no model"],
    ),
    "an init container still works": (
        pod(init=[{"name": "model", "state": {"running": {}}}], main=[waiting("server", "PodInitializing")]),
        ["pod p: container model: has not finished" + SAID.format("model")],
    ),
    "no node has room": (
        pod(reason="Unschedulable", message="0/1 nodes are available"),
        ["pod p: Unschedulable: 0/1 nodes are available"],
    ),
    "it runs but is not ready": (
        pod(main=[{"name": "server", "ready": False, "state": {"running": {}}}]),
        ["pod p: container server: running, but not ready: its readiness probe fails" + SAID.format("server")],
    ),
    "a finished init container is no reason": (
        pod(
            init=[{"name": "model", "ready": True, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
            main=[waiting("server", "ContainerCreating")],
        ),
        [],
    ),
    "a ready pod is left out": (pod(main=[waiting("server", "Whatever")], ready="True"), []),
}


@each("name", CASES)
def test_each_stuck_container_is_named_with_its_reason(name: str) -> None:
    given, lines = CASES[name]
    assert list(reasons(Pods(given), "demo", "a=b")) == lines


def test_a_pod_on_its_way_out_is_left_out() -> None:
    leaving = pod(main=[waiting("server", "CrashLoopBackOff")])
    leaving["metadata"]["deletionTimestamp"] = "now"
    assert not list(reasons(Pods(leaving), "demo", "a=b"))


def test_missing_pods_are_explained_by_the_events_of_the_newest_replica_set() -> None:
    source = Pods()
    source.replicas = [replica_set("b", 10, fails=True), replica_set("a", 9, fails=True)]
    source.told["ReplicaSet", "b"] = [refused("the newest")]
    source.told["ReplicaSet", "a"] = [refused("of the old template")]
    assert list(reasons(source, "demo", "a=b")) == ["ReplicaSet b: FailedCreate: pods is forbidden: the newest"]
    source.replicas = [replica_set("b", 10, fails=False)]
    assert list(reasons(source, "demo", "a=b")) == [], "an event of before the pods were created"


def test_pods_of_an_older_template_are_left_out() -> None:
    old, new = pod(reason="Unschedulable", message="old"), pod(reason="Unschedulable", message="new")
    old["metadata"]["labels"], new["metadata"]["labels"] = {"pod-template-hash": "a"}, {"pod-template-hash": "b"}
    source = Pods(old, new)
    source.replicas = [replica_set("a", 1, fails=False), replica_set("b", 2, fails=False)]
    assert list(reasons(source, "demo", "a=b")) == ["pod p: Unschedulable: new"]


def test_replicas_that_fail_alike_are_told_once() -> None:
    source = Pods(*(pod(main=[waiting("server", "ErrImagePull", "no")]) for _ in range(3)))
    assert list(reasons(source, "demo", "a=b")) == ["pod p: container server: ErrImagePull: no"]


def test_the_newest_failed_probe_is_told_with_its_answer() -> None:
    source = Pods(pod(main=[{"name": "server", "ready": False, "state": {"running": {}}}]))
    source.told["Pod", "p"] = [
        about("Unhealthy", "Startup probe failed: connection refused"),
        about("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        about("Unhealthy", "of another container", "sidecar"),
    ]
    (told,) = reasons(source, "demo", "a=b")
    said = "running, but not ready: Readiness probe failed: HTTP probe failed with statuscode: 503" + SAID.format(
        "server"
    )
    assert told.startswith(f"pod p: container server: {said}; the server is not ready in time")


def test_the_probe_that_killed_a_container_is_told_and_not_one_that_failed_because_it_crashed() -> None:
    crashed = waiting("server", "CrashLoopBackOff", "back-off", lastState=died(""))
    source = Pods(pod(main=[crashed]))
    source.told["Pod", "p"] = [about("Unhealthy", "Liveness probe failed: timeout")]
    assert list(reasons(source, "demo", "a=b")) == [
        "pod p: container server: CrashLoopBackOff: back-off (exit code 3, Error)"
    ]
    source.told["Pod", "p"].append(about("Killing", "Container server failed liveness probe, will be restarted"))
    (told,) = reasons(source, "demo", "a=b")
    assert told.endswith("(exit code 3, Error); Liveness probe failed: timeout")


def test_a_pod_whose_containers_say_nothing_is_explained_by_its_newest_event() -> None:
    source = Pods(pod(main=[waiting("server", "ContainerCreating")]))
    source.told["Pod", "p"] = [about("FailedMount", "earlier"), about("FailedMount", 'secret "x"\n not found')]
    assert list(reasons(source, "demo", "a=b")) == ['pod p: FailedMount: secret "x" not found']


def test_an_evicted_pod_says_so() -> None:
    evicted = {"metadata": {"name": "p"}, "status": {"reason": "Evicted", "message": "low on resource: memory"}}
    assert list(reasons(Pods(evicted), "demo", "a=b")) == ["pod p: Evicted: low on resource: memory"]


def test_the_error_in_the_log_of_the_run_that_failed_takes_the_place_of_the_last_words() -> None:
    class Twice(Pods):
        def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
            del namespace, pod, container
            trace = "Traceback (most recent call last):\n  at\nValueError: of the {} run\nbye\n"
            return trace.format("previous" if previous else "newest")

    again: Json = {"name": "server", "ready": False, "state": {"running": {}}, "lastState": died()}
    over: Json = {"name": "server", "ready": False, "state": died()}
    for container, run in ((again, "previous"), (over, "newest")):
        (told,) = reasons(Twice(pod(main=[container])), "demo", "a=b")
        assert told.endswith(f"; error in its log: ValueError: of the {run} run")
