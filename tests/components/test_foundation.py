"""The fences that a system's services share."""

import pytest

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.components.deploying import deployed, registered
from tests.recording import record
from tests.samples import accepted, entry, put, service, stack


def test_the_namespace_enforces_the_clusters_version_of_the_restricted_standard() -> None:
    run = deployed(stack_data=put(stack(), "cluster.podSecurityVersion", "v1.30"))
    labels = run.one("Namespace", "shop-dev").inputs["metadata"]["labels"]
    security = {key.rpartition("/")[2]: value for key, value in labels.items() if "pod-security" in key}
    assert security == {
        "enforce": "restricted", "enforce-version": "v1.30",
        "warn": "restricted", "warn-version": "v1.30",
        "audit": "restricted", "audit-version": "v1.30",
    }  # fmt: skip


def test_the_namespace_says_whose_it_is_so_that_a_second_stack_meets_a_conflict_that_is_explained() -> None:
    spec = resolve(accepted(StackSettings, stack()), accepted(CatalogueEntry, entry()))
    run = record(lambda: System(spec.name, SystemArgs(spec=spec)), stack="theirs")
    namespace = run.one("Namespace", "shop-dev")
    assert namespace.inputs["metadata"]["labels"]["slipway.dev/stack"] == "theirs"
    assert namespace.hooks == {"on_error": ("whose-namespace",)}
    assert "whose-namespace" in run.hooks
    pods = [d.inputs["spec"]["template"]["metadata"]["labels"] for d in run.of_kind("Deployment")]
    assert not any("slipway.dev/stack" in labels for labels in pods), "a stack's name would roll every pod"


@pytest.mark.parametrize("kind", ["ResourceQuota", "LimitRange"])
def test_there_is_one_of_each_fence(kind: str) -> None:
    run = registered()
    assert run.one(kind).parent == run.one("Foundation").urn


def test_a_container_that_declares_nothing_gets_a_small_share_of_everything() -> None:
    (limits,) = deployed().one("LimitRange").inputs["spec"]["limits"]
    assert limits["type"] == "Container"
    assert set(limits["default"]) == set(limits["defaultRequest"]) == {"cpu", "memory", "ephemeral-storage"}


def test_what_a_metrics_adapter_must_be_told_is_handed_over_where_something_scales_on_it() -> None:
    metrics = {"cpu": {"utilization": 70}, "pods": {"http_requests_total": {"average": 20}}}
    scaled = service(scaling={"minReplicas": 1, "maxReplicas": 2, "metrics": metrics})
    rules = deployed(entry(services={"web": scaled})).one("ConfigMap", "adapter-rules")
    assert "http_requests_total" in rules.inputs["data"]["config.yaml"]
    assert [c.object_name for c in deployed().of_kind("ConfigMap") if c.object_name == "adapter-rules"] == []
