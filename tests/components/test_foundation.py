"""The fences that a system's services share."""

import pytest

from tests.components.deploying import deployed
from tests.samples import entry, put, service, stack


def test_the_namespace_enforces_the_clusters_version_of_the_restricted_standard() -> None:
    run = deployed(stack_data=put(stack(), "cluster.podSecurityVersion", "v1.30"))
    labels = run.one("Namespace", "shop-dev").inputs["metadata"]["labels"]
    security = {key.rpartition("/")[2]: value for key, value in labels.items() if "pod-security" in key}
    assert security == {
        "enforce": "restricted", "enforce-version": "v1.30",
        "warn": "restricted", "warn-version": "v1.30",
        "audit": "restricted", "audit-version": "v1.30",
    }  # fmt: skip


def test_there_is_a_policy_for_everything_denied_for_names_and_for_each_service() -> None:
    run = deployed(entry(services={"web": service(), "api": service()}))
    names = {policy.object_name for policy in run.of_kind("NetworkPolicy")}
    assert names == {"default-deny", "dns", "to-web", "to-api"}


@pytest.mark.parametrize("kind", ["ServiceAccount", "ResourceQuota", "LimitRange"])
def test_there_is_one_of_each_fence(kind: str) -> None:
    assert deployed().one(kind).parent == deployed().one("Foundation").urn


def test_a_container_that_declares_nothing_gets_a_small_share_of_everything() -> None:
    (limits,) = deployed().one("LimitRange").inputs["spec"]["limits"]
    assert limits["type"] == "Container"
    assert set(limits["default"]) == set(limits["defaultRequest"]) == {"cpu", "memory", "ephemeral-storage"}


def test_the_account_holds_no_token() -> None:
    account = deployed().one("ServiceAccount")
    assert account.inputs["automountServiceAccountToken"] is False
    assert account.object_name == "workload"
