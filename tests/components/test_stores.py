"""A store keeps its data: one pod at a time, on a claim that outlives it."""

from typing import Any

import pytest

from tests.components.deploying import registered
from tests.recording import Recorded
from tests.samples import Config, entry, service, stack

AMOUNTS = {"cpu": "100m", "memory": "64Mi"}


def system(**changes: object) -> Recorded:
    store: Config = {
        "image": "redis",
        "port": 6379,
        "volume": {"size": "2Gi", "path": "/keep"},
        "resources": {"requests": AMOUNTS, "limits": AMOUNTS},
        **changes,
    }
    images = {"server": {"context": "serving"}, "redis": {"context": "serving"}}
    return registered(entry(images=images, stores={"queue": store}, services={"web": service(calls=["queue"])}))


def pod(run: Recorded) -> dict[str, Any]:
    return run.one("StatefulSet").inputs["spec"]["template"]["spec"]


def test_a_store_is_a_stateful_set_of_one_behind_a_service_of_its_name() -> None:
    run = system()
    stateful_set = run.one("StatefulSet", "queue").inputs["spec"]
    assert (stateful_set["replicas"], stateful_set["serviceName"]) == (1, "queue")
    spec = run.one("Service", "queue").inputs["spec"]
    assert spec["ports"] == [{"name": "store", "port": 6379, "targetPort": "store", "protocol": "TCP"}]
    assert spec["type"] == "ClusterIP"
    labels = stateful_set["template"]["metadata"]["labels"]
    assert spec["selector"] == stateful_set["selector"]["matchLabels"] == {"app.kubernetes.io/name": "queue"}
    assert spec["selector"].items() <= labels.items()


def test_its_data_is_on_a_claim_that_is_not_the_stores_own_child() -> None:
    run = system()
    claim = run.one("PersistentVolumeClaim", "queue-data")
    assert claim.parent == run.one("Foundation").urn
    assert claim.urn in run.one("StatefulSet").depends_on
    assert claim.inputs["spec"] == {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "2Gi"}}}
    (server,) = pod(run)["containers"]
    assert {"name": "data", "mountPath": "/keep"} in server["volumeMounts"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "queue-data"}} in pod(run)["volumes"]


@pytest.mark.parametrize(
    ("health", "probe"),
    [
        ({}, {"tcpSocket": {"port": "store"}}),
        ({"path": "/ok"}, {"httpGet": {"path": "/ok", "port": "store"}}),
        ({"command": ["redis-cli", "ping"]}, {"exec": {"command": ["redis-cli", "ping"]}}),
    ],
)
def test_readiness_asks_what_the_entry_says_and_liveness_only_whether_it_listens(health: Config, probe: Config) -> None:
    (server,) = pod(system(health=health))["containers"]
    for name in ("startupProbe", "readinessProbe"):
        assert probe.items() <= server[name].items()
    assert server["livenessProbe"]["tcpSocket"] == {"port": "store"}
    assert server["livenessProbe"]["failureThreshold"] > server["readinessProbe"]["failureThreshold"]


def test_the_wait_for_a_store_follows_from_its_own_budgets() -> None:
    run = system(health={"startup": "2m"}, grace="45s")
    assert run.one("StatefulSet").create_timeout == f"{120 + 45 + 120}s"
    (server,) = pod(run)["containers"]
    assert server["startupProbe"]["failureThreshold"] * server["startupProbe"]["periodSeconds"] == 120
    assert pod(run)["terminationGracePeriodSeconds"] == 45


def test_a_caller_is_told_where_the_store_is() -> None:
    (server,) = system().one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    assert {"name": "QUEUE_ADDRESS", "value": "queue:6379"} in server["env"]


def test_volumes_and_stores_of_a_protecting_environment_cannot_be_deleted() -> None:
    store = {
        "image": "server", "port": 1, "volume": {"size": "1Gi"}, "resources": {"requests": AMOUNTS, "limits": AMOUNTS}
    }  # fmt: skip
    for protect in (True, False):
        environments = {"dev": {"protect": protect}}
        run = registered(
            entry(stores={"db": store}, volumes={"hub": {"size": "1Gi"}}, environments=environments), stack()
        )
        assert {claim.protect for claim in run.of_kind("PersistentVolumeClaim")} == {protect}
        assert len(run.of_kind("PersistentVolumeClaim")) == 2


def test_a_volumes_class_and_access_are_the_entrys() -> None:
    volumes = {"hub": {"size": "1Gi", "storageClass": "fast.ssd", "access": "ReadWriteMany"}}
    spec = registered(entry(volumes=volumes)).one("PersistentVolumeClaim", "hub").inputs["spec"]
    assert (spec["storageClassName"], spec["accessModes"]) == ("fast.ssd", ["ReadWriteMany"])
