"""A pod's placement and devices, as the API server is told."""

from typing import Any

from tests.components.deploying import deployed
from tests.samples import entry, service

ROOM: dict[str, Any] = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "web", "slipway.dev/slot": "blue"}}


def pod(**changes: object) -> dict[str, Any]:
    run = deployed(entry(services={"web": service(**changes)}))
    return run.one("Deployment").inputs["spec"]["template"]["spec"]


def spread(topology: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": SELECTOR,
    }


def test_replicas_are_spread_over_nodes_and_otherwise_left_to_the_scheduler() -> None:
    given = pod()
    assert given["topologySpreadConstraints"] == [spread("kubernetes.io/hostname")]
    assert not {"nodeSelector", "tolerations", "priorityClassName", "runtimeClassName", "affinity"} & set(given)


def test_replicas_are_spread_over_zones_too_where_asked() -> None:
    given = pod(scheduling={"spread": ["zone", "node"]})
    assert given["topologySpreadConstraints"] == [
        spread("topology.kubernetes.io/zone"),
        spread("kubernetes.io/hostname"),
    ]


def test_node_labels_taints_priority_and_runtime_are_passed_on() -> None:
    given = pod(
        scheduling={
            "nodeSelector": {"gpu": "l4"},
            "tolerations": [{"key": "nvidia.com/gpu"}, {"key": "team", "value": "ml", "effect": "NoExecute"}],
            "priorityClass": "inference",
            "runtimeClass": "nvidia",
        }
    )
    assert given["nodeSelector"] == {"gpu": "l4"}
    assert given["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "team", "operator": "Equal", "value": "ml", "effect": "NoExecute"},
    ]
    assert given["priorityClassName"] == "inference"
    assert given["runtimeClassName"] == "nvidia"


def test_replicas_of_a_slot_are_kept_apart_as_strongly_as_asked() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": SELECTOR}
    required = pod(scheduling={"apart": "required"})["affinity"]["podAntiAffinity"]
    assert required == {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    preferred = pod(scheduling={"apart": "preferred"})["affinity"]["podAntiAffinity"]
    assert preferred == {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def test_the_server_takes_the_devices_and_the_model_loader_none() -> None:
    given = pod(resources={**ROOM, "devices": {"nvidia.com/gpu": 2}})
    (loader,), (server,) = given["initContainers"], given["containers"]
    assert server["resources"]["requests"]["nvidia.com/gpu"] == "2"
    assert server["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert "nvidia.com/gpu" not in {**loader["resources"]["requests"], **loader["resources"]["limits"]}


GPU, ZONE = "nvidia.com/gpu.present", "topology.kubernetes.io/zone"


def affinity(**scheduling: object) -> dict[str, Any]:
    return pod(scheduling=scheduling)["affinity"]


def expression(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def test_a_node_must_have_every_label_that_is_required() -> None:
    given = affinity(nodeAffinity={"required": {GPU: ["true"], ZONE: ["a", "b"]}})
    every = {"matchExpressions": [expression(GPU, "true"), expression(ZONE, "a", "b")]}
    assert given == {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [every]}}}


def test_each_preferred_label_counts_for_itself() -> None:
    given = affinity(nodeAffinity={"preferred": {GPU: ["true"], ZONE: ["a", "b"]}})
    single = [
        {"weight": 100, "preference": {"matchExpressions": [expression(GPU, "true")]}},
        {"weight": 100, "preference": {"matchExpressions": [expression(ZONE, "a", "b")]}},
    ]
    assert given == {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": single}}


def test_nodes_and_neighbours_are_chosen_at_the_same_time() -> None:
    given = affinity(nodeAffinity={"required": {GPU: ["true"]}, "preferred": {ZONE: ["a"]}}, apart="required")
    assert set(given) == {"nodeAffinity", "podAntiAffinity"}
    assert set(given["nodeAffinity"]) == {
        "requiredDuringSchedulingIgnoredDuringExecution",
        "preferredDuringSchedulingIgnoredDuringExecution",
    }
