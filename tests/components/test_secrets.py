"""Secrets: marked as such, named by content, and never anywhere but in their objects."""

import json

import pulumi
import pytest

from components import registration
from components.manifests.secrets import named_by_content
from tests.components.deploying import registered
from tests.recording import Recorded, Secret
from tests.samples import Config, entry, service, stack

PLANTED = "planted-93b1"


def system(source: Config, kind: Config | None = None, into: Recorded | None = None) -> Recorded:
    secrets = {"login": kind or {"keys": ["API_KEY"]}}
    users = {} if kind else {"secrets": ["login"]}
    shop = entry(services={"web": service(**users)}, secrets=secrets)
    return registered(shop, {**stack(), "secrets": {"login": source}}, into=into)


def test_a_given_value_is_marked_as_secret_and_stands_nowhere_else() -> None:
    run = system({"values": {"API_KEY": PLANTED}})
    secret = run.one("Secret")
    assert secret.inputs["stringData"] == {"API_KEY": PLANTED}
    assert isinstance(secret.inputs["stringData"]["API_KEY"], Secret)
    assert secret.inputs["type"] == "Opaque"
    assert secret.secret_outputs == ("data", "stringData")
    others = [r.inputs for r in run.resources if r is not secret]
    assert PLANTED not in json.dumps([others, run.outputs])


def test_each_value_is_wrapped_by_itself_for_a_secret_map_shows_its_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, object]] = []

    class Seen(registration.KubernetesObject):
        def __init__(self, token: str, name: str, properties: Config, opts: pulumi.ResourceOptions) -> None:
            given.append(properties.get("stringData", {}))
            super().__init__(token, name, properties, opts)

    monkeypatch.setattr(registration, "KubernetesObject", Seen)
    system({"values": {"API_KEY": PLANTED}}, into=Recorded())
    assert [type(value) for values in given for value in values.values()] == [pulumi.Output]


def test_a_pod_gets_each_key_under_its_own_name_and_waits_for_the_secret() -> None:
    run = system({"values": {"API_KEY": PLANTED}})
    deployment, secret = run.one("Deployment"), run.one("Secret")
    (server,) = deployment.inputs["spec"]["template"]["spec"]["containers"]
    reference = {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": secret.object_name, "key": "API_KEY"}}}
    assert reference in server["env"]
    assert secret.urn in deployment.depends_on


def test_other_values_are_another_object_so_that_pods_start_anew() -> None:
    names = [system({"values": {"API_KEY": value}}).one("Secret").object_name for value in ("a", "b", "a")]
    assert names[0] == names[2] != names[1]
    assert named_by_content("x", "login", {"K": "a"}) != named_by_content("y", "login", {"K": "a"})


def test_a_value_from_the_environment_is_as_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_API_KEY", PLANTED)
    secret = system({"environment": {"API_KEY": "CI_API_KEY"}}).one("Secret")
    assert secret.inputs["stringData"] == {"API_KEY": PLANTED}
    assert isinstance(secret.inputs["stringData"]["API_KEY"], Secret)


def test_an_external_secret_is_a_reference_and_pulumi_never_sees_the_value() -> None:
    run = system({"externalSecret": {"store": "vault", "key": "ml/web", "refresh": "10m", "kind": "SecretStore"}})
    assert run.of_kind("Secret") == []
    external = run.one("ExternalSecret")
    assert external.inputs["apiVersion"] == "external-secrets.io/v1"
    assert external.inputs["spec"] == {
        "refreshInterval": "600s",
        "secretStoreRef": {"name": "vault", "kind": "SecretStore"},
        "target": {"name": "login", "template": {"type": "Opaque"}},
        "data": [{"secretKey": "API_KEY", "remoteRef": {"key": "ml/web", "property": "API_KEY"}}],
    }
    (server,) = run.one("Deployment").inputs["spec"]["template"]["spec"]["containers"]
    assert {"name": "API_KEY", "valueFrom": {"secretKeyRef": {"name": "login", "key": "API_KEY"}}} in server["env"]


def test_registry_credentials_pull_every_pods_image() -> None:
    run = system({"values": {".dockerconfigjson": "{}"}}, {"kind": "registry"})
    secret = run.one("Secret")
    assert (secret.object_name, secret.inputs["type"]) == ("login", "kubernetes.io/dockerconfigjson")
    pod = run.one("Deployment").inputs["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "login"}]
    assert "API_KEY" not in json.dumps(pod)


def test_an_environment_with_an_open_registry_needs_no_credentials() -> None:
    run = registered(entry(secrets={"login": {"kind": "registry"}}))
    assert run.of_kind("Secret") == []
    assert "imagePullSecrets" not in run.one("Deployment").inputs["spec"]["template"]["spec"]


def test_existing_pull_secrets_of_the_namespace_are_named_too() -> None:
    data = stack(cluster={"context": "prod", "pullSecrets": ["theirs"]})
    pod = registered(stack_data=data).one("Deployment").inputs["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "theirs"}]


def test_a_system_without_secrets_has_their_component_too_as_every_state_so_far() -> None:
    run = registered(entry())
    assert run.of_kind("Secret") == []
    assert [r.name for r in run.resources if r.type == "slipway:components:Secrets"] == ["shop-secrets"]
