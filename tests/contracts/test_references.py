"""What one object says of another is true: selectors select, names resolve, counts agree."""

import hashlib
from decimal import Decimal
from typing import Any

from models.quantity import parse
from tests.contracts.cases import containers, pod, pod_labels, selected
from tests.recording import Recorded, Registered


def services(run: Recorded) -> dict[str, Registered]:
    return {service.object_name: service for service in run.of_kind("Service")}


def ports_of(service: Registered) -> set[str]:
    return {port["name"] for port in service.inputs["spec"]["ports"]}


def canary(ingress: Registered) -> bool:
    return "nginx.ingress.kubernetes.io/canary" in ingress.inputs["metadata"]["annotations"]


def test_a_deployments_selector_selects_its_own_pods_and_no_others(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        selector = deployment.inputs["spec"]["selector"]["matchLabels"]
        assert selected(selector, pod_labels(run)) == {deployment.object_name}
        assert selector.items() <= deployment.inputs["metadata"]["labels"].items()
        assert pod(deployment)["metadata"]["labels"].items() <= deployment.inputs["metadata"]["labels"].items()


def test_pods_of_one_slot_are_spread_by_their_own_labels(run: Recorded) -> None:
    for deployment in run.of_kind("Deployment"):
        for constraint in pod(deployment)["spec"]["topologySpreadConstraints"]:
            assert selected(constraint["labelSelector"]["matchLabels"], pod_labels(run)) == {deployment.object_name}


def test_every_service_leads_to_the_pods_of_one_slot_at_a_port_that_they_open(run: Recorded) -> None:
    opened = {name: container_ports(run, name) for name in pod_labels(run)}
    for service in run.of_kind("Service"):
        (deployment,) = selected(service.inputs["spec"]["selector"], pod_labels(run))
        assert {port["targetPort"] for port in service.inputs["spec"]["ports"]} <= opened[deployment]


def container_ports(run: Recorded, deployment: str) -> set[str]:
    (server,) = pod(run.one("Deployment", deployment))["spec"]["containers"]
    return {port["name"] for port in server["ports"]}


def test_a_budget_and_an_autoscaler_exist_for_each_deployment_that_needs_one(run: Recorded) -> None:
    budgets = [
        selected(b.inputs["spec"]["selector"]["matchLabels"], pod_labels(run))
        for b in run.of_kind("PodDisruptionBudget")
    ]
    assert sorted(name for names in budgets for name in names) == sorted(pod_labels(run))
    assert all(len(names) == 1 for names in budgets)


def test_a_deployment_names_replicas_exactly_when_no_autoscaler_steers_it(run: Recorded) -> None:
    targets = [hpa.inputs["spec"]["scaleTargetRef"] for hpa in run.of_kind("HorizontalPodAutoscaler")]
    assert {(t["apiVersion"], t["kind"]) for t in targets} <= {("apps/v1", "Deployment")}
    without = {d.object_name for d in run.of_kind("Deployment") if "replicas" not in d.inputs["spec"]}
    assert {target["name"] for target in targets} == without
    assert len(targets) == len(without)


def test_an_autoscaler_measures_what_its_pods_ask_for(run: Recorded) -> None:
    for hpa in run.of_kind("HorizontalPodAutoscaler"):
        spec = hpa.inputs["spec"]
        assert 1 <= spec["minReplicas"] <= spec["maxReplicas"]
        requests = pod(run.one("Deployment", spec["scaleTargetRef"]["name"]))["spec"]["containers"][0]["resources"][
            "requests"
        ]
        assert {metric["resource"]["name"] for metric in spec["metrics"]} <= set(requests)


def test_every_monitor_scrapes_each_slot_once_at_a_port_that_exists(run: Recorded) -> None:
    by_label = {name: service.inputs["metadata"]["labels"] for name, service in services(run).items()}
    for monitor in run.of_kind("ServiceMonitor"):
        scraped = selected(monitor.inputs["spec"]["selector"]["matchLabels"], by_label)
        slots = [services(run)[name].inputs["spec"]["selector"]["slipway.dev/slot"] for name in scraped]
        assert sorted(slots) == sorted(set(slots))
        assert len(slots) == len(pod_labels(run))
        for endpoint in monitor.inputs["spec"]["endpoints"]:
            assert all(endpoint["port"] in ports_of(services(run)[name]) for name in scraped)
        assert all(set(monitor.inputs["spec"]["targetLabels"]) <= set(by_label[name]) for name in scraped)


def test_every_network_policy_selects_pods_and_names_ports_that_they_open(run: Recorded) -> None:
    for policy in run.of_kind("NetworkPolicy"):
        spec = policy.inputs["spec"]
        reached = selected(spec["podSelector"].get("matchLabels", {}), pod_labels(run))
        assert reached, policy.name
        for rule in spec.get("ingress", []):
            assert rule["from"], "an empty from admits everybody"
            named = {port["port"] for port in rule["ports"] if isinstance(port["port"], str)}
            assert all(named <= container_ports(run, name) for name in reached)


def test_a_policy_denies_everything_that_no_other_policy_allows(run: Recorded) -> None:
    closed = [p for p in run.of_kind("NetworkPolicy") if not {"ingress", "egress"} & p.inputs["spec"].keys()]
    assert [(p.inputs["spec"]["podSelector"], p.inputs["spec"]["policyTypes"]) for p in closed] == [
        ({}, ["Ingress", "Egress"])
    ]


def test_every_ingress_leads_to_a_service_and_port_that_exist(run: Recorded) -> None:
    for ingress in run.of_kind("Ingress"):
        assert ingress.inputs["spec"]["ingressClassName"]
        for path in paths(ingress):
            backend = path["backend"]["service"]
            assert backend["port"]["name"] in ports_of(services(run)[backend["name"]])


def paths(ingress: Registered) -> list[dict[str, Any]]:
    return [path for rule in ingress.inputs["spec"]["rules"] for path in rule["http"]["paths"]]


def routes(ingress: Registered) -> list[tuple[str, str, str]]:
    rules = ingress.inputs["spec"]["rules"]
    return [(rule["host"], path["path"], path["pathType"]) for rule in rules for path in rule["http"]["paths"]]


def test_no_route_has_two_owners_and_every_canary_shadows_one(run: Recorded) -> None:
    main = [route for ingress in run.of_kind("Ingress") if not canary(ingress) for route in routes(ingress)]
    shadows = [route for ingress in run.of_kind("Ingress") if canary(ingress) for route in routes(ingress)]
    assert len(set(main)) == len(main)
    assert len(set(shadows)) == len(shadows)
    assert set(shadows) <= set(main)


def test_a_service_that_a_canary_attaches_to_serves_no_other_host(run: Recorded) -> None:
    shadowed = {r[0] for ingress in run.of_kind("Ingress") if canary(ingress) for r in routes(ingress)}
    hosts: dict[str, set[str]] = {}
    for ingress in run.of_kind("Ingress"):
        for rule in ingress.inputs["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                hosts.setdefault(path["backend"]["service"]["name"], set()).add(rule["host"])
    assert all(len(found) == 1 for found in hosts.values() if found & shadowed)


def test_config_maps_are_immutable_named_by_content_and_each_is_mounted(run: Recorded) -> None:
    mounted: set[str] = set()
    for deployment in run.of_kind("Deployment"):
        names = {v["configMap"]["name"] for v in pod(deployment)["spec"]["volumes"] if "configMap" in v}
        assert {run.one("ConfigMap", name).urn for name in names} <= deployment.depends_on
        mounted |= names
    assert mounted == {c.object_name for c in run.of_kind("ConfigMap")}
    for config_map in run.of_kind("ConfigMap"):
        assert config_map.inputs["immutable"] is True
        content = config_map.inputs["data"]["settings.json"]
        assert config_map.object_name.endswith("-" + hashlib.sha256(content.encode()).hexdigest()[:8])


def test_pods_run_as_the_account_that_exists_and_holds_no_token(run: Recorded) -> None:
    account = run.one("ServiceAccount")
    assert account.inputs["automountServiceAccountToken"] is False
    assert {pod(d)["spec"]["serviceAccountName"] for d in run.of_kind("Deployment")} == {account.object_name}


def test_the_quota_admits_both_slots_at_their_most_with_a_surge_on_each(run: Recorded) -> None:
    hard = run.one("ResourceQuota").inputs["spec"]["hard"]
    ceilings = {
        h.inputs["spec"]["scaleTargetRef"]["name"]: h.inputs["spec"]["maxReplicas"]
        for h in run.of_kind("HorizontalPodAutoscaler")
    }
    blue = [d for d in run.of_kind("Deployment") if d.object_name.endswith("-blue")]
    needed: dict[str, Decimal] = {"pods": Decimal(0)}
    for deployment in blue:
        spec = deployment.inputs["spec"]
        pods = 2 * (
            ceilings.get(deployment.object_name, spec.get("replicas", 0))
            + spec["strategy"]["rollingUpdate"]["maxSurge"]
        )
        needed["pods"] += pods
        for kind, amounts in pod(deployment)["spec"]["containers"][0]["resources"].items():
            for name in amounts if kind == "requests" else amounts.keys() & {"cpu", "memory", "ephemeral-storage"}:
                needed[f"{kind}.{name}"] = needed.get(f"{kind}.{name}", Decimal(0)) + pods * parse(amounts[name])
    assert {key: parse(amount) for key, amount in hard.items()} == needed
    assert containers(run)
