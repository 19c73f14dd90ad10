"""What one object says of another is true: selectors select, names resolve, counts agree."""

import hashlib
import json
from typing import Any

from components.labels import METRICS
from tests.contracts.cases import Case, containers_of, entry, in_every_case, pod, pod_labels, selected, workloads
from tests.declared import Declared, Objects

SERVICE = "app.kubernetes.io/name"


def services(run: Objects[Declared]) -> dict[str, Declared]:
    return {service.object_name: service for service in run.of_kind("Service")}


def ports_of(service: Declared) -> set[str]:
    return {port["name"] for port in service.inputs["spec"]["ports"]}


def canary(ingress: Declared) -> bool:
    return "nginx.ingress.kubernetes.io/canary" in ingress.inputs["metadata"]["annotations"]


@in_every_case
def test_a_deployments_selector_selects_its_own_pods_and_no_others(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        selector = deployment.inputs["spec"]["selector"]["matchLabels"]
        assert selected(selector, pod_labels(run)) == {deployment.object_name}
        assert selector.items() <= deployment.inputs["metadata"]["labels"].items()
        of_pods = {key: text for key, text in pod(deployment)["metadata"]["labels"].items() if key != METRICS}
        assert of_pods.items() <= deployment.inputs["metadata"]["labels"].items()


@in_every_case
def test_pods_of_one_slot_are_spread_by_their_own_labels(run: Objects[Declared]) -> None:
    for deployment in run.of_kind("Deployment"):
        for constraint in pod(deployment)["spec"]["topologySpreadConstraints"]:
            assert selected(constraint["labelSelector"]["matchLabels"], pod_labels(run)) == {deployment.object_name}


@in_every_case
def test_every_service_leads_to_the_pods_of_one_slot_at_a_port_that_they_open(run: Objects[Declared]) -> None:
    opened = {name: container_ports(run, name) for name in pod_labels(run)}
    for service in run.of_kind("Service"):
        (deployment,) = selected(service.inputs["spec"]["selector"], pod_labels(run))
        assert {port["targetPort"] for port in service.inputs["spec"]["ports"]} <= opened[deployment]


def container_ports(run: Objects[Declared], workload: str) -> set[str]:
    (found,) = [each for each in workloads(run) if each.object_name == workload]
    return {port["name"] for container in containers_of(found) for port in container.get("ports", [])}


@in_every_case
def test_every_deployment_has_one_disruption_budget(run: Objects[Declared]) -> None:
    budgets = [
        selected(b.inputs["spec"]["selector"]["matchLabels"], pod_labels(run))
        for b in run.of_kind("PodDisruptionBudget")
    ]
    assert sorted(name for names in budgets for name in names) == sorted(
        d.object_name for d in run.of_kind("Deployment")
    )
    assert all(len(names) == 1 for names in budgets)


@in_every_case
def test_a_deployment_names_replicas_exactly_when_no_autoscaler_steers_it(run: Objects[Declared]) -> None:
    scalers = [*run.of_kind("HorizontalPodAutoscaler"), *run.of_kind("ScaledObject")]
    targets = [scaler.inputs["spec"]["scaleTargetRef"] for scaler in scalers]
    assert {(t["apiVersion"], t["kind"]) for t in targets} <= {("apps/v1", "Deployment")}
    without = {d.object_name for d in run.of_kind("Deployment") if "replicas" not in d.inputs["spec"]}
    assert {target["name"] for target in targets} == without
    assert len(targets) == len(without)


@in_every_case
def test_an_autoscaler_measures_what_its_pods_ask_for(run: Objects[Declared]) -> None:
    for hpa in run.of_kind("HorizontalPodAutoscaler"):
        spec = hpa.inputs["spec"]
        assert 1 <= spec["minReplicas"] <= spec["maxReplicas"]
        requests = pod(run.one("Deployment", spec["scaleTargetRef"]["name"]))["spec"]["containers"][0]["resources"][
            "requests"
        ]
        assert {metric["resource"]["name"] for metric in spec["metrics"] if "resource" in metric} <= set(requests)
        assert spec["metrics"]


@in_every_case
def test_every_monitor_scrapes_each_slot_once_at_a_port_that_exists(run: Objects[Declared]) -> None:
    by_label = {name: service.inputs["metadata"]["labels"] for name, service in services(run).items()}
    for monitor in run.of_kind("ServiceMonitor"):
        scraped = selected(monitor.inputs["spec"]["selector"]["matchLabels"], by_label)
        slots = [services(run)[name].inputs["spec"]["selector"]["slipway.dev/slot"] for name in scraped]
        assert sorted(slots) == sorted(set(slots))
        service = monitor.object_name
        assert len(slots) == len([d for d in run.of_kind("Deployment") if label(d, SERVICE) == service])
        main, management = monitor.inputs["spec"]["endpoints"]
        assert all(main["port"] in ports_of(services(run)[name]) for name in scraped)
        (old,) = main["relabelings"]
        for deployment in run.of_kind("Deployment"):
            if label(deployment, SERVICE) == service:
                template = pod(deployment)
                (server,) = template["spec"]["containers"]
                assert management["targetPort"] in {port["name"] for port in server["ports"]}
                assert template["metadata"]["labels"][METRICS] == old["regex"], "one target for each pod"
        assert all(set(monitor.inputs["spec"]["targetLabels"]) <= set(by_label[name]) for name in scraped)


@in_every_case
def test_every_ingress_leads_to_a_service_and_port_that_exist(run: Objects[Declared]) -> None:
    for ingress in run.of_kind("Ingress"):
        assert ingress.inputs["spec"]["ingressClassName"]
        for path in paths(ingress):
            backend = path["backend"]["service"]
            assert backend["port"]["name"] in ports_of(services(run)[backend["name"]])


def paths(ingress: Declared) -> list[dict[str, Any]]:
    return [path for rule in ingress.inputs["spec"]["rules"] for path in rule["http"]["paths"]]


def routes(ingress: Declared) -> list[tuple[str, str, str]]:
    rules = ingress.inputs["spec"]["rules"]
    return [(rule["host"], path["path"], path["pathType"]) for rule in rules for path in rule["http"]["paths"]]


@in_every_case
def test_no_route_has_two_owners_and_every_canary_shadows_one(run: Objects[Declared]) -> None:
    main = [route for ingress in run.of_kind("Ingress") if not canary(ingress) for route in routes(ingress)]
    shadows = [route for ingress in run.of_kind("Ingress") if canary(ingress) for route in routes(ingress)]
    assert len(set(main)) == len(main)
    assert len(set(shadows)) == len(shadows)
    assert set(shadows) <= set(main)


@in_every_case
def test_a_service_that_a_canary_attaches_to_serves_no_other_host(run: Objects[Declared]) -> None:
    shadowed = {r[0] for ingress in run.of_kind("Ingress") if canary(ingress) for r in routes(ingress)}
    hosts: dict[str, set[str]] = {}
    for ingress in run.of_kind("Ingress"):
        for rule in ingress.inputs["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                hosts.setdefault(path["backend"]["service"]["name"], set()).add(rule["host"])
    assert all(len(found) == 1 for found in hosts.values() if found & shadowed)


@in_every_case
def test_a_config_map_is_named_by_content_unless_it_is_read_again_and_each_is_used(run: Objects[Declared]) -> None:
    mounted: set[str] = set()
    for deployment in run.of_kind("Deployment"):
        mounted |= {v["configMap"]["name"] for v in pod(deployment)["spec"]["volumes"] if "configMap" in v}
    for_others = {"adapter-rules", "dashboard"}
    assert mounted == {c.object_name for c in run.of_kind("ConfigMap")} - for_others
    for name in mounted:
        config_map = run.one("ConfigMap", name)
        content = hashlib.sha256(json.dumps(config_map.inputs["data"], sort_keys=True).encode()).hexdigest()[:8]
        assert (config_map.inputs["immutable"] is True) == name.endswith(f"-{content}")


@in_every_case
def test_accounts_hold_no_token_and_no_rights(run: Objects[Declared]) -> None:
    assert {account.inputs["automountServiceAccountToken"] for account in run.of_kind("ServiceAccount")} == {False}
    assert run.of_kind("Role") == run.of_kind("RoleBinding") == []


@in_every_case
def test_a_job_runs_before_the_services_that_wait_for_it(run: Objects[Declared], case: Case) -> None:
    for name, job in entry(case.entry).environments[case.environment].jobs.items():
        (made,) = [each for each in run.of_kind("Job") if label(each, SERVICE) == name]
        waiting = {label(d, SERVICE) for d in run.of_kind("Deployment") if made.urn in d.depends_on}
        assert waiting == set(job.before)
        assert pod(made)["spec"]["restartPolicy"] == "Never"
        assert made.inputs["spec"]["ttlSecondsAfterFinished"] == job.keep


@in_every_case
def test_every_address_that_a_pod_is_told_is_a_service_at_its_port(run: Objects[Declared], case: Case) -> None:
    known = {f"{name}:{port['port']}" for name, s in services(run).items() for port in s.inputs["spec"]["ports"]}
    for name, spec in entry(case.entry).services.items():
        for deployment in [d for d in run.of_kind("Deployment") if label(d, SERVICE) == name]:
            (server,) = pod(deployment)["spec"]["containers"]
            told = {v["name"]: v["value"] for v in server["env"] if v["name"].endswith("_ADDRESS")}
            assert set(told) == {f"{callee.upper().replace('-', '_')}_ADDRESS" for callee in spec.calls}
            assert set(told.values()) <= known


def label(resource: Declared, key: str) -> str:
    return resource.inputs["metadata"]["labels"][key]
