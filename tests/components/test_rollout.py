"""The program waits for the pods of Deployments, and of StatefulSets for which Pulumi has not waited."""

import pulumi
import pytest

from components import rollout, system
from components.workload_pods import Json, Pod
from tests.components.clock import Clock
from tests.components.deploying import ROUTE, registered
from tests.recording import Recorded
from tests.samples import Config, entry, job, put, release, service, stack, store

BEHIND = {"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}
LEVEL = {"metadata": {"generation": 2}, "status": {"observedGeneration": 2}}
STUCK: Pod = {
    "metadata": {"name": "p", "uid": "u"},
    "status": {"containerStatuses": [{"name": "s", "state": {"waiting": {"reason": "ErrImagePull", "message": "no"}}}]},
}
SHOP = entry(
    stores={"queue": store()},
    services={"web": service(route=ROUTE, rollout={"timeout": "150s"})},
    environments={"dev": {"jobs": {"train": job(calls=["queue"])}}},
)


def progress(reason: str) -> Config:
    return {"conditions": [{"type": "Available", "reason": "Minimum"}, {"type": "Progressing", "reason": reason}]}


def found(status: Config, observed: int = 2) -> Config:
    return {
        "metadata": {"generation": 2},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "replicas": 2, "progressDeadlineSeconds": 600},
        "status": {"observedGeneration": observed, **status},
    }


COMPLETE = progress("NewReplicaSetAvailable")
UP = COMPLETE | {"replicas": 2, "updatedReplicas": 2}
OF_A_SET: Config = {"readyReplicas": 2, "currentRevision": "b", "updateRevision": "b"}


class Answers:
    """An API server that gives these answers one after another, the last one again and again."""

    def __init__(self, *answers: Json | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []
        self.stuck = [STUCK]
        self.recorded = Recorded()
        self.registered: set[str] = set()
        """Kinds of objects that were there when it was asked last."""

    def __call__(self, _context: str) -> "Answers":
        return self

    def workloads(self, kind: str, namespace: str) -> dict[str, Json]:
        assert namespace == "shop-dev"
        self.asked.append(kind)
        self.registered = {one.kind for one in self.recorded.manifests}
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return {"web-blue": answer, "queue": answer} if answer else {}

    def pods(self, namespace: str, selector: str) -> list[Pod]:
        assert (namespace, selector) == ("shop-dev", "app=web")
        return self.stuck

    def replica_sets(self, namespace: str, selector: str) -> list[Json]:
        assert (namespace, selector) == ("shop-dev", "app=web")
        return []

    def warnings(self, namespace: str, kind: str, name: str) -> list[Json]:
        del namespace, kind, name
        return []

    def log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        del namespace, pod, container, previous
        return ""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().installed(monkeypatch)


def run(monkeypatch: pytest.MonkeyPatch, api: Answers, live: Config, shop: Config = SHOP) -> Recorded:
    monkeypatch.setattr(system, "ApiServer", api)
    return registered(shop, into=api.recorded, live=live)


@pytest.mark.usefixtures("clock")
def test_what_pulumi_waited_for_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Answers(RuntimeError("asked"))
    assert run(monkeypatch, api, {"StatefulSet": LEVEL}).of_kind("Ingress")
    assert api.asked == []


ENDS: dict[str, tuple[str, list[Config]]] = {
    "Deployment": ("web-blue", [found(COMPLETE, observed=1), found(progress("ReplicaSetUpdated")), found(UP)]),
    "StatefulSet": ("queue", [found(OF_A_SET, observed=1), found(OF_A_SET | {"readyReplicas": 1}), found(OF_A_SET)]),
}
BEHIND_IT = {"Deployment": "Ingress", "StatefulSet": "Job"}
"""What must not come before it: requests to a slot, and a Job that calls a store."""


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("kind", ENDS)
def test_what_depends_on_new_pods_comes_once_they_are_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, answers = ENDS[kind]
    api = Answers(*answers)
    done = run(monkeypatch, api, {kind: BEHIND})
    assert api.asked == [kind] * 3
    assert kind in api.registered
    assert BEHIND_IT[kind] not in api.registered
    assert done.of_kind(BEHIND_IT[kind])


NOT_YET: dict[str, list[Config]] = {
    "Deployment": [
        found(COMPLETE, observed=1),
        found(progress("ReplicaSetUpdated")),
        found(progress("ProgressDeadlineExceeded")),
        found(COMPLETE | {"replicas": 2}),
        found(COMPLETE | {"replicas": 3, "updatedReplicas": 2}),
        found({"conditions": [{"type": "Available", "reason": "NewReplicaSetAvailable"}]}),
        found({}) | {"status": {}},
    ],
    "StatefulSet": [
        found(OF_A_SET, observed=1),
        found(OF_A_SET | {"readyReplicas": 1}),
        found(OF_A_SET | {"currentRevision": "a"}),
        found({"currentRevision": "b", "updateRevision": "b"}),
    ],
}


@pytest.mark.parametrize(("kind", "seen"), [(kind, seen) for kind, cases in NOT_YET.items() for seen in cases])
def test_pods_that_do_not_come_up_fail_the_update_with_their_reason(
    kind: str, seen: Json, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Answers(seen)
    with pytest.raises(pulumi.RunError) as refused:
        run(monkeypatch, api, {kind: BEHIND})
    (name, _), seconds = ENDS[kind], int(api.recorded.one(kind).update_timeout.removesuffix("s"))
    said = f"{kind} shop-dev/{name} was not rolled out within {seconds} s: pod p: container s: ErrImagePull: no"
    assert str(refused.value) == said
    assert 0 < clock() - seconds < 2
    assert BEHIND_IT[kind] not in {one.kind for one in api.recorded.manifests}


@pytest.mark.usefixtures("clock")
def test_an_api_server_that_is_away_for_a_moment_fails_nobodys_rollout(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Answers(OSError("refused"), found(COMPLETE))
    assert run(monkeypatch, api, {"Deployment": BEHIND}).of_kind("Ingress")
    api = Answers(OSError("connection\n refused"))
    with pytest.raises(pulumi.RunError, match=r"web-blue was not rolled out within 150 s: connection refused$"):
        run(monkeypatch, api, {"Deployment": BEHIND})


@pytest.mark.usefixtures("clock")
def test_pods_that_were_never_made_are_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Answers(found(progress("ReplicaSetUpdated")))
    api.stuck.clear()
    with pytest.raises(pulumi.RunError, match=r"web-blue was not rolled out within 150 s: no pod reports a reason"):
        run(monkeypatch, api, {"Deployment": BEHIND})


@pytest.mark.usefixtures("clock")
def test_a_slot_without_requests_fails_the_update_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class GreenIsNot(Answers):
        def workloads(self, kind: str, namespace: str) -> dict[str, Json]:
            found_ones = super().workloads(kind, namespace)
            return {"web-green": found_ones["web-blue"], "web-blue": found(UP)}

    monkeypatch.setattr(system, "ApiServer", GreenIsNot(found(progress("ReplicaSetUpdated"))))
    filled = put(stack(), "release.web", release(weight=0))
    with pytest.raises(pulumi.RunError, match="Deployment shop-dev/web-green was not rolled out"):
        registered(entry(services={"web": service()}), filled, live={"Deployment": BEHIND})


GROWN = COMPLETE | {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 1}
FULL = GROWN | {"availableReplicas": 2}


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("changed", "looks"), [(True, 2), (False, 1)])
def test_a_larger_number_is_waited_for_if_this_update_declares_it(
    changed: bool, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Everything(set[str]):
        def __contains__(self, _: object) -> bool:
            return changed

    class Told(rollout.Rollouts):
        """The engine would call the hook, and this one does not."""

        def __init__(self, source: rollout.WorkloadSource) -> None:
            super().__init__(source)
            self._changed = Everything()

    monkeypatch.setattr(system, "Rollouts", Told)
    api = Answers(found(GROWN), found(FULL))
    fixed = entry(services={"web": service(scaling={"replicas": 2})})
    done = run(monkeypatch, api, {"Deployment": LEVEL}, fixed)
    assert len(api.asked) == looks
    hooks = done.one("Deployment").hooks
    assert hooks["after_create"] == hooks["after_update"] == ("deployment-changed",)


@pytest.mark.usefixtures("clock")
def test_a_preview_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    api = Answers(RuntimeError("asked"))
    assert run(monkeypatch, api, {"Deployment": BEHIND, "StatefulSet": BEHIND}).of_kind("Ingress")
    assert api.asked == []
