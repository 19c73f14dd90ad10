"""What holds of every resource, whatever it is."""

import re

from models.vocabulary import LABEL_LENGTH
from tests.contracts.cases import CASES, Case, entry, in_every_case, objects_of, of_program, workloads
from tests.declared import Declared, Objects
from tests.recording import Recorded, Registered

SCALED = "HorizontalPodAutoscaler"
KINDS = {
    "Namespace", "ServiceAccount", "ResourceQuota", "LimitRange", "NetworkPolicy", "ConfigMap", "Deployment", "Service",
    SCALED, "PodDisruptionBudget", "Ingress", "ServiceMonitor",
}  # fmt: skip


def test_there_is_something_to_hold_to_the_contracts() -> None:
    assert {case.environment for case in CASES if case.entry == "classifier"} == {"dev", "staging", "prod"}
    assert {case.entry for case in CASES} >= {"classifier", "faces", "gpu", "nlu", "parsing"}
    for case in CASES:
        assert {r.kind for r in objects_of(case).manifests} >= KINDS - {SCALED}, case
        services = entry(case.entry).services
        routed = [s for s in services if entry(case.entry).service_in(case.environment, s).route]
        assert routed
        assert len(objects_of(case).of_kind("Deployment")) == len(services) + len(routed) * case.both


@in_every_case
def test_urns_are_unique(registered: Recorded) -> None:
    urns = [resource.urn for resource in registered.resources]
    assert len(set(urns)) == len(urns)


@in_every_case
def test_what_is_registered_is_what_is_rendered(registered: Recorded, run: Objects[Declared]) -> None:
    assert {(r.type, r.name): r.inputs for r in registered.manifests} == {
        (r.type, r.name): r.inputs for r in run.resources
    }


@in_every_case
def test_no_two_manifests_are_one_object(registered: Recorded) -> None:
    objects = [(r.type, r.inputs["metadata"].get("namespace"), r.object_name) for r in registered.manifests]
    assert len(set(objects)) == len(objects)


@in_every_case
def test_every_resource_but_the_system_and_its_provider_has_a_parent_of_ours(registered: Recorded) -> None:
    components = {resource.urn for resource in registered.resources if not resource.custom}
    orphans = {resource.type for resource in registered.resources if resource.parent not in components}
    assert orphans == {"slipway:components:System", "pulumi:providers:kubernetes"}


@in_every_case
def test_every_manifest_is_the_child_of_a_component_other_than_the_system(registered: Recorded) -> None:
    system = registered.one("System")
    assert [r.name for r in registered.manifests if r.parent == system.urn] == []


@in_every_case
def test_every_manifest_goes_through_the_one_explicit_provider(registered: Recorded) -> None:
    provider = next(r for r in registered.resources if r.type == "pulumi:providers:kubernetes")
    assert {r.provider.rpartition("::")[0] for r in registered.manifests} == {provider.urn}


@in_every_case
def test_every_manifest_names_its_namespace_and_waits_for_it(registered: Recorded) -> None:
    namespace = registered.one("Namespace")
    inside = [r for r in registered.manifests if r.kind != "Namespace"]
    assert {r.inputs["metadata"]["namespace"] for r in inside} == {namespace.object_name}
    assert [r.name for r in inside if namespace.urn not in r.depends_on] == []


@in_every_case
def test_every_manifest_carries_the_common_labels(registered: Recorded, case: Case) -> None:
    common = {"app.kubernetes.io/part-of": case.entry, "app.kubernetes.io/managed-by": "slipway"}
    bare = [r.name for r in registered.manifests if not common.items() <= r.inputs["metadata"]["labels"].items()]
    assert bare == []


@in_every_case
def test_every_name_and_label_is_one_that_the_api_server_takes(registered: Recorded) -> None:
    name = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
    for resource in registered.manifests:
        assert name.fullmatch(resource.object_name), resource.name
        assert len(resource.object_name) <= LABEL_LENGTH
        for value in resource.inputs["metadata"]["labels"].values():
            assert re.fullmatch(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?", value)
            assert len(value) <= LABEL_LENGTH


@in_every_case
def test_services_and_ingresses_are_not_awaited_and_nothing_else_is_skipped(registered: Recorded) -> None:
    skipped = {
        r.name for r in registered.manifests if "pulumi.com/skipAwait" in r.inputs["metadata"].get("annotations", {})
    }
    assert skipped == {
        r.name for r in registered.manifests if r.kind in ("Service", "Ingress", "PersistentVolumeClaim")
    }


@in_every_case
def test_a_deployments_wait_is_bounded_by_what_its_entry_declares(registered: Recorded, case: Case) -> None:
    for deployment in registered.of_kind("Deployment"):
        service = deployment.inputs["metadata"]["labels"]["app.kubernetes.io/name"]
        rollout = entry(case.entry).service_in(case.environment, service).rollout
        assert deployment.create_timeout == deployment.update_timeout == f"{rollout.timeout}s"
        assert 0 < deployment.inputs["spec"]["progressDeadlineSeconds"] <= rollout.timeout


@in_every_case
def test_a_workload_that_fails_is_explained_by_a_hook_that_exists(registered: Recorded) -> None:
    for workload in workloads(registered):
        assert workload.hooks["on_error"]
        if workload.kind == "Deployment":
            assert workload.hooks["before_update"] == ("one-owner-of-replicas",)
        assert {name for names in workload.hooks.values() for name in names} <= registered.hooks


@in_every_case
def test_every_wait_for_pods_is_bounded(registered: Recorded) -> None:
    for workload in workloads(registered):
        assert workload.create_timeout == workload.update_timeout != ""


def _kind(resource: Registered) -> str:
    return resource.object_name if resource.object_name == "adapter-rules" else resource.type


def test_every_environment_has_the_same_services() -> None:
    for name in {case.entry for case in CASES}:
        runs = [of_program(case) for case in CASES if case.entry == name]
        assert {frozenset(run.outputs["services"]) for run in runs} == {frozenset(entry(name).services)}
        kinds = [
            sorted(_kind(r) for r in of_program(case).manifests) for case in CASES if case.entry == name and case.both
        ]
        # Jobs, hosts that stay stable and what scales are an environment's own choice.
        own = (":Ingress", SCALED, ":ScaledObject", ":Job", ":ServiceAccount", ":NetworkPolicy", "adapter-rules")
        shared = [[k for k in kind if not k.endswith(own)] for kind in kinds]
        assert all(kind == shared[0] for kind in shared)


@in_every_case
def test_the_namespace_enforces_the_restricted_standard_at_a_pinned_version(registered: Recorded) -> None:
    labels = registered.one("Namespace").inputs["metadata"]["labels"]
    for mode in ("enforce", "warn", "audit"):
        assert labels[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert re.fullmatch(r"v1\.\d+", labels[f"pod-security.kubernetes.io/{mode}-version"])
