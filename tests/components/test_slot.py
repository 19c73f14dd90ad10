"""A slot is a full set of its own, and turns its service's blocks into what Kubernetes is told."""

import json
from typing import Any

import pytest

from delivery.plan.stages import course
from models.delivery import Run
from models.entry import CatalogueEntry
from tests.components.deploying import deployed, in_release, of_service, registered, with_service
from tests.declared import Declared, Objects
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted, entry, put, service, stack


def deployment(run: Objects[Declared]) -> dict[str, Any]:
    return run.one("Deployment").inputs["spec"]


def pod(run: Objects[Declared]) -> dict[str, Any]:
    return deployment(run)["template"]["spec"]


def server(run: Objects[Declared]) -> dict[str, Any]:
    (container,) = pod(run)["containers"]
    return container


def test_a_filled_slot_is_one_of_each() -> None:
    run = registered(of_service())
    slot = run.one("Slot")
    assert sorted(r.kind for r in run.resources if r.parent == slot.urn) == [
        "ConfigMap", "Deployment", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Service",
    ]  # fmt: skip


def test_a_fixed_number_of_replicas_needs_no_autoscaler() -> None:
    run = with_service(scaling={"replicas": 3})
    assert deployment(run)["replicas"] == 3
    assert run.of_kind("HorizontalPodAutoscaler") == []


def test_a_range_of_replicas_is_the_autoscalers_business() -> None:
    run = with_service(scaling={"minReplicas": 2, "maxReplicas": 6, "metrics": {"cpu": {"utilization": 55}}})
    assert "replicas" not in deployment(run)
    spec = run.one("HorizontalPodAutoscaler").inputs["spec"]
    assert (spec["minReplicas"], spec["maxReplicas"]) == (2, 6)
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web-blue"}
    assert spec["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 55}}}
    ]


def scaled(scaling: Config, **content: int) -> Objects[Declared]:
    data = put(stack(), "release.web", {"slots": {"blue": {"image": IMAGE, **content}}})
    return deployed(entry(services={"web": service(scaling=scaling)}), data)


RANGE: Config = {"minReplicas": 2, "maxReplicas": 6}
CPU: Config = {"cpu": {"utilization": 55}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [({}, (2, 6)), ({"minReplicas": 4}, (4, 6)), ({"minReplicas": 1, "maxReplicas": 1}, (1, 1))],
)
def test_a_slot_scales_within_what_its_release_says(content: dict[str, int], expected: tuple[int, int]) -> None:
    hpa = scaled({**RANGE, "metrics": CPU}, **content).one("HorizontalPodAutoscaler").inputs["spec"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == expected
    keda = scaled({**RANGE, "triggers": {"busy": CPU}}, **content).one("ScaledObject").inputs["spec"]
    assert (keda["minReplicaCount"], keda["maxReplicaCount"]) == expected


def test_a_slots_own_numbers_replace_a_fixed_one_and_leave_its_pods_alone() -> None:
    usual, narrowed = scaled({"replicas": 3}), scaled({"replicas": 3}, minReplicas=1, maxReplicas=1)
    assert (deployment(usual)["replicas"], deployment(narrowed)["replicas"]) == (3, 1)
    assert deployment(usual)["template"] == deployment(narrowed)["template"]


@pytest.mark.parametrize(
    "budget", [{"maxUnavailable": 1}, {"minAvailable": 1}, {"maxUnavailable": "25%"}, {"minAvailable": "50%"}]
)
def test_the_disruption_budget_says_what_the_entry_says(budget: dict[str, int | str]) -> None:
    spec = with_service(disruption=budget).one("PodDisruptionBudget").inputs["spec"]
    assert {key: spec[key] for key in ("maxUnavailable", "minAvailable") if key in spec} == budget
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_each_probe_asks_its_own_question_at_its_own_pace() -> None:
    health = {"ready": "/r", "live": "/l", "startup": "90s", "period": "7s", "timeout": "2s", "failures": 4}
    container = server(with_service(health=health))
    probes = {name: container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
    assert {name: probe["httpGet"] for name, probe in probes.items()} == {
        "startup": {"path": "/r", "port": "web"},
        "readiness": {"path": "/r", "port": "web"},
        "liveness": {"path": "/l", "port": "web"},
    }
    pace = {name: (p["periodSeconds"], p["timeoutSeconds"], p["failureThreshold"]) for name, p in probes.items()}
    assert pace == {"startup": (1, 2, 90), "readiness": (7, 2, 4), "liveness": (7, 2, 4)}


def test_a_pod_serves_on_drains_and_only_then_is_killed() -> None:
    run = with_service(drain={"preStop": "7s", "drain": "40s", "grace": "50s", "requestTimeout": "30s"})
    assert pod(run)["terminationGracePeriodSeconds"] == 50
    assert server(run)["lifecycle"] == {"preStop": {"sleep": {"seconds": 7}}}


def test_a_pod_that_need_not_serve_on_has_no_hook_because_api_servers_before_1_33_refuse_a_sleep_of_0_s() -> None:
    run = with_service(drain={"preStop": "0s", "drain": "40s", "grace": "50s", "requestTimeout": "30s"})
    assert "lifecycle" not in server(run)


def test_a_percentage_of_the_rollout_is_left_to_kubernetes() -> None:
    strategy = deployment(with_service(rollout={"maxUnavailable": "25%", "maxSurge": "150%"}))["strategy"]
    assert strategy["rollingUpdate"] == {"maxUnavailable": "25%", "maxSurge": "150%"}


def test_the_rollout_is_the_entrys() -> None:
    rollout = {"maxUnavailable": 2, "maxSurge": 3, "progressDeadline": "70s", "timeout": "3m"}
    run = registered(of_service(rollout=rollout))
    spec = deployment(run)
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2, "maxSurge": 3}}
    assert spec["progressDeadlineSeconds"] == 70
    assert run.one("Deployment").create_timeout == run.one("Deployment").update_timeout == "180s"


def test_by_default_no_pod_goes_before_its_successor_is_ready() -> None:
    assert deployment(with_service())["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_the_server_listens_where_the_entry_says_and_its_service_leads_there_by_name() -> None:
    run = with_service(port=7001)
    assert server(run)["ports"] == [{"name": "web", "containerPort": 7001}]
    assert {"name": "PORT", "value": "7001"} in server(run)["env"]
    (port,) = run.one("Service", "web-blue").inputs["spec"]["ports"]
    assert (port["name"], port["port"], port["targetPort"], port["protocol"]) == ("web", 80, "web", "TCP")


def test_monitors_find_the_slots_own_service_and_not_the_one_that_callers_use() -> None:
    run = with_service(route={"host": "web.example.com"})
    wanted = run.one("ServiceMonitor").inputs["spec"]["selector"]["matchLabels"]
    found = [s.object_name for s in run.of_kind("Service") if wanted.items() <= s.inputs["metadata"]["labels"].items()]
    assert found == ["web-blue"]


def test_the_server_is_told_who_it_is() -> None:
    run = registered(of_service())
    told = {variable["name"]: variable["value"] for variable in server(run)["env"]}
    blue = run.outputs["services"]["web"]["slots"]["blue"]
    assert told == {
        "PORT": "5000",
        "SLIPWAY_SERVICE": "web",
        "SLIPWAY_SLOT": "blue",
        "SLIPWAY_VERSION": blue["image"].partition("@")[2],
        "SLIPWAY_CONFIG_HASH": blue["config"],
        "SLIPWAY_SETTINGS": "/etc/slipway/settings.json",
    }


def test_settings_travel_with_their_slot() -> None:
    slots = registered(*in_release()).outputs["services"]["web"]["slots"]
    assert slots["blue"]["config"] == slots["green"]["config"]
    data = put(
        put(stack(), "release.web.slots", {"blue": {}, "green": {}}), "release.web.slots.green.server", {"topK": 1}
    )
    run = registered(entry(services={"web": service(route={"host": "web.example.com"})}), data)
    slots = run.outputs["services"]["web"]["slots"]
    assert slots["blue"]["config"] != slots["green"]["config"]
    settings = {c.object_name for c in run.of_kind("ConfigMap") if "settings.json" in c.inputs["data"]}
    assert settings == {f"web-{s}-{slots[s]['config']}" for s in slots}


def test_services_with_long_names_that_begin_alike_share_nothing() -> None:
    names = ["n" * 62 + letter for letter in "ab"]
    run = deployed(entry(services={name: service(route={"host": f"{name[-1]}.example"}) for name in names}))
    objects = [(r.type, r.object_name) for r in run.manifests]
    assert len(set(objects)) == len(objects)
    assert all(len(name) <= 63 for _, name in objects)


def allowed_evictions(run: Objects[Declared]) -> dict[str, int]:
    """How many pods of each slot may be evicted while all are ready, as the disruption controller counts."""
    pods = {d.object_name: d.inputs["spec"].get("replicas") for d in run.of_kind("Deployment")}
    pods |= {a.object_name: a.inputs["spec"]["minReplicas"] for a in run.of_kind("HorizontalPodAutoscaler")}
    budgets = {b.object_name: b.inputs["spec"] for b in run.of_kind("PodDisruptionBudget")}
    assert pods.keys() == budgets.keys()
    return {
        name: spec.get("maxUnavailable", pods[name] - spec.get("minAvailable", 0)) for name, spec in budgets.items()
    }


CONSTANT: Config = {"strategy": "canary", "capacity": "constant", "steps": [20, 50, 100]}
DRAINED: list[tuple[Config, Config]] = [
    ({"replicas": 2}, CONSTANT),
    ({**RANGE, "metrics": CPU}, CONSTANT),
    ({"replicas": 2}, {**CONSTANT, "capacity": "surge"}),
]


@pytest.mark.parametrize("budget", [{"maxUnavailable": 1}, {"minAvailable": 1}])
@pytest.mark.parametrize(("scaling", "strategy"), DRAINED)
def test_no_stage_of_a_release_holds_up_a_node_drain(budget: Config, scaling: Config, strategy: Config) -> None:
    blocks = {"disruption": budget, "scaling": scaling, "release": strategy, "route": {"host": "web.example.com"}}
    content = entry(services={"web": service(**blocks)})
    spec = accepted(CatalogueEntry, content).service_in("dev", "web")
    stable, now = {"slots": {"blue": {"image": IMAGE}}}, "2026-01-02T03:04:05Z"
    there = {"candidate": "green", "stable": stable, "target": {"image": OTHER_IMAGE}, "image": OTHER_IMAGE}
    run = accepted(Run, {"id": "1", "pods": spec.scaling.floor, "began": now, "stageBegan": now, **there})
    stages = course(spec, run)
    assert len(stages) > 3
    for stage in stages:
        declared = json.loads(stage.release.model_dump_json(by_alias=True, exclude_none=True))
        evictions = allowed_evictions(deployed(content, put(stack(), "release.web", declared)))
        assert min(evictions.values()) >= 1, stage.title
