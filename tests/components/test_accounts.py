"""Each workload is somebody of its own, with no rights but those that its entry declares."""

import pytest

from tests.components.deploying import deployed, with_service
from tests.samples import entry, service


def test_every_service_has_an_account_without_a_token() -> None:
    run = deployed(entry(services={"web": service(), "api": service()}))
    accounts = {account.object_name: account.inputs for account in run.of_kind("ServiceAccount")}
    assert set(accounts) == {"web", "api"}
    assert all(account["automountServiceAccountToken"] is False for account in accounts.values())
    for name in accounts:
        pod = run.one("Deployment", f"{name}-blue").inputs["spec"]["template"]["spec"]
        assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == (name, False)
    assert run.of_kind("Role") == []


def test_declared_permissions_are_a_role_in_the_systems_own_namespace_and_bring_the_token() -> None:
    permissions = [
        {"resources": ["configmaps"], "names": ["flags"], "verbs": ["get", "watch"]},
        {"group": "batch", "resources": ["jobs"], "verbs": ["create"]},
    ]
    run = with_service(account={"permissions": permissions})
    assert run.one("Role", "web").inputs["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "watch"], "resourceNames": ["flags"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create"]},
    ]
    bound = run.one("RoleBinding", "web")
    assert bound.depends_on >= {run.one("Role", "web").urn, run.one("ServiceAccount", "web").urn}
    binding = bound.inputs
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "web"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "web", "namespace": "shop-dev"}]
    assert run.one("Deployment").inputs["spec"]["template"]["spec"]["automountServiceAccountToken"] is True


@pytest.mark.parametrize("annotations", [{}, {"iam.example.com/role": "reader"}])
def test_a_cloud_role_is_an_annotation_of_the_account(annotations: dict[str, str]) -> None:
    account = with_service(account={"annotations": annotations}).one("ServiceAccount")
    assert account.inputs["metadata"].get("annotations", {}) == annotations
