"""What holds of the manifests of every system, whether anybody described it or not."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from tests.contracts.cases import containers, containers_of, pod, pod_labels, selected, workloads
from tests.declared import Declared, Secret
from tests.generated import System, repeatable, run_generated
from tests.recording import Recorded
from tests.samples import PLANTED
from tests.strategies import systems

pytestmark = pytest.mark.slow  # generated systems

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


@repeatable(15)
@given(systems())
def test_the_manifests_of_any_system_hold_together(system: System) -> None:
    run = run_generated(system)
    hold_together(run, system)


def hold_together(run: Recorded, system: System) -> None:
    """Check what holds of every system."""
    stack, entry = system
    assert set(run.outputs["services"]) == set(entry["services"])
    _objects_are_apart_and_well_named(run)
    existing = {"old", *(volume.get("existing") for volume in entry.get("volumes", {}).values())}
    _pods_find_what_they_mount_and_read(run, {*stack["cluster"].get("pullSecrets", [])}, existing)
    _containers_are_whole(run)
    _selectors_select(run)
    _scalers_and_replicas_exclude_each_other(run)
    _what_points_elsewhere_finds_it(run)
    _secrets_stay_in_secrets(run)


def of(run: Recorded, *kinds: str) -> set[str]:
    """The names of all objects of some kinds."""
    return {resource.object_name for kind in kinds for resource in run.of_kind(kind)}


def _objects_are_apart_and_well_named(run: Recorded) -> None:
    assert len({resource.urn for resource in run.resources}) == len(run.resources)
    objects = [
        (resource.inputs["apiVersion"], resource.inputs["kind"], resource.object_name) for resource in run.manifests
    ]
    assert len(set(objects)) == len(objects)
    (namespace,) = of(run, "Namespace")
    for resource in run.manifests:
        assert _NAME.fullmatch(resource.object_name), resource.object_name
        assert resource.inputs["metadata"].get("namespace", namespace) == namespace
    labels = [resource.inputs["metadata"]["labels"] for resource in run.manifests] + list(pod_labels(run).values())
    assert all(_VALUE.fullmatch(value) for group in labels for value in group.values())


def _pods_find_what_they_mount_and_read(run: Recorded, pull_secrets: set[str], existing: set[str | None]) -> None:
    secrets = of(run, "Secret", "ExternalSecret")
    for workload in workloads(run):
        spec = pod(workload)["spec"]
        assert spec["serviceAccountName"] in of(run, "ServiceAccount")
        assert {secret["name"] for secret in spec.get("imagePullSecrets", [])} <= secrets | pull_secrets
        assert {v["configMap"]["name"] for v in spec["volumes"] if "configMap" in v} <= of(run, "ConfigMap")
        claims = {v["persistentVolumeClaim"]["claimName"] for v in spec["volumes"] if "persistentVolumeClaim" in v}
        assert claims <= of(run, "PersistentVolumeClaim") | existing
        mounts = [mount for container in containers_of(workload) for mount in container["volumeMounts"]]
        assert {mount["name"] for mount in mounts} == {volume["name"] for volume in spec["volumes"]}
        assert {name for name, _ in _read_secrets(workload)} <= secrets


def _read_secrets(workload: Declared) -> Iterator[tuple[str, str]]:
    for container in containers_of(workload):
        for variable in container.get("env", []):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                yield reference["name"], reference["key"]


def _containers_are_whole(run: Recorded) -> None:
    for container in containers(run):
        names = [variable["name"] for variable in container.get("env", [])]
        assert len(set(names)) == len(names), "the API server refuses a variable that is given twice"
        paths = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert len(set(paths)) == len(paths)
        resources: dict[str, Any] = container["resources"]
        assert {"cpu", "memory", "ephemeral-storage"} <= resources["requests"].keys() == resources["limits"].keys()
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "@sha256:" in container["image"]


def _selectors_select(run: Recorded) -> None:
    for workload in [*run.of_kind("Deployment"), *run.of_kind("StatefulSet")]:
        selector = workload.inputs["spec"]["selector"]["matchLabels"]
        assert selected(selector, pod_labels(run)) == {workload.object_name}
        assert selector.items() <= pod(workload)["metadata"]["labels"].items()
    opened = {w.object_name: {p["name"] for c in containers_of(w) for p in c.get("ports", [])} for w in workloads(run)}
    for service in run.of_kind("Service"):
        reached = selected(service.inputs["spec"]["selector"], pod_labels(run))
        assert len(reached) == 1, service.object_name
        assert all({port["targetPort"] for port in service.inputs["spec"]["ports"]} <= opened[name] for name in reached)
    for budget in run.of_kind("PodDisruptionBudget"):
        assert len(selected(budget.inputs["spec"]["selector"]["matchLabels"], pod_labels(run))) == 1
    for policy in run.of_kind("NetworkPolicy"):
        assert selected(policy.inputs["spec"]["podSelector"].get("matchLabels", {}), pod_labels(run)), policy.name


def _scalers_and_replicas_exclude_each_other(run: Recorded) -> None:
    targets = [resource.inputs["spec"]["scaleTargetRef"]["name"] for kind in _SCALERS for resource in run.of_kind(kind)]
    moved = [d.object_name for d in run.of_kind("Deployment") if "replicas" not in d.inputs["spec"]]
    assert sorted(targets) == sorted(moved)


def _what_points_elsewhere_finds_it(run: Recorded) -> None:
    ports = {s.object_name: {port["name"] for port in s.inputs["spec"]["ports"]} for s in run.of_kind("Service")}
    for ingress in run.of_kind("Ingress"):
        for rule in ingress.inputs["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]
                assert backend["port"]["name"] in ports[backend["name"]]
    for store in run.of_kind("StatefulSet"):
        assert store.inputs["spec"]["serviceName"] in ports
    for binding in run.of_kind("RoleBinding"):
        assert binding.inputs["roleRef"]["name"] in of(run, "Role")
        assert {subject["name"] for subject in binding.inputs["subjects"]} <= of(run, "ServiceAccount")
    known = {f"{s.object_name}:{port['port']}" for s in run.of_kind("Service") for port in s.inputs["spec"]["ports"]}
    told = [v["value"] for c in containers(run) for v in c.get("env", []) if v["name"].endswith("_ADDRESS")]
    assert set(told) <= known


def _secrets_stay_in_secrets(run: Recorded) -> None:
    for secret in run.of_kind("Secret"):
        assert all(isinstance(value, Secret) for value in secret.inputs["stringData"].values())
    others = [resource.inputs for resource in run.resources if resource.kind != "Secret"]
    assert PLANTED not in json.dumps([others, run.outputs])
    for workload in workloads(run):
        for name, key in _read_secrets(workload):
            held = [s.inputs["stringData"] for s in run.of_kind("Secret") if s.object_name == name]
            assert all(key in keys for keys in held)
