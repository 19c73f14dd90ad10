"""The loader in a pod: one volume, one folder per model, credentials for it alone, and nothing new for old entries."""

from typing import Any

import pytest

from models.errors import ConfigurationError
from tests.components.deploying import deployed, system
from tests.components.test_model_sources import KEYS, STORAGE, mount, pod, volume
from tests.declared import Declared, Objects
from tests.recording import DIGEST
from tests.samples import IMAGE, Config, entry, put, service, stack

COMMIT = "5f0c" * 10
HUB = f"hf://acme/tiny@{COMMIT}"
OTHER: Config = {
    "server": "other",
    "health": {"ready": "/health", "live": "/health"},
    "env": {"AWS_REGION": "of-the-server"},
}
IMAGES: Config = {"server": {"context": "app"}, "loader": {"context": "loader"}}
EXTERNALS: Config = {"hub": {"url": "https://hub.example.com", "networks": ["192.0.2.0/24"]}}


def given(source: Config, **changes: object) -> tuple[Config, Config]:
    model = {"name": "tiny", "loader": "loader", "secrets": ["keys"], "path": "/srv/model", **source}
    described = entry(
        images=IMAGES,
        services={"web": service(model=model, **{**OTHER, **changes})},
        secrets={"keys": {"keys": list(KEYS["values"])}},
        volumes={"hub": {"size": "1Gi"}},
    )
    beside: Config = {"externals": EXTERNALS} if "external" in source else {"objectStorage": STORAGE}
    return described, {**stack(), **beside, "secrets": {"keys": KEYS}}


def refusals(described: Config, settings: Config) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        system(described, settings)
    return raised.value.faults


def loading(source: Config, **changes: object) -> Objects[Declared]:
    return deployed(*given(source, **changes))


S3: Config = {"uri": "s3://models/digits/7"}
HUGGING: Config = {"uri": HUB, "external": "hub"}


def containers(run: Objects[Declared]) -> tuple[dict[str, Any], dict[str, Any]]:
    (loader,), (server,) = pod(run)["initContainers"], pod(run)["containers"]
    return loader, server


def test_the_loader_fetches_into_a_volume_and_the_server_mounts_the_models_folder_of_it() -> None:
    run = loading({**S3, "size": "300Mi"})
    loader, server = containers(run)
    uri, store, folder, *rest = loader["args"]
    assert (uri, store, rest) == ("s3://models/digits/7", "/models", ["--limit", str(300 << 20)])
    assert "command" not in loader
    assert loader["volumeMounts"] == [{"name": "model", "mountPath": "/models"}]
    seen = {"name": "model", "mountPath": "/srv/model", "readOnly": True, "subPath": folder}
    assert mount(server, "model") == seen
    assert volume(run, "model") == {"name": "model", "emptyDir": {"sizeLimit": "300Mi"}}


def test_a_cache_is_mounted_and_not_copied_from() -> None:
    run = loading({**S3, "cache": {"volume": "hub"}})
    loader, server = containers(run)
    assert "--limit" not in loader["args"]
    assert volume(run, "model")["persistentVolumeClaim"] == {"claimName": "hub"}
    assert [one["name"] for one in pod(run)["volumes"]] == ["model", "scratch"]
    assert mount(server, "model")["subPath"] == loader["args"][2]
    assert run.one("PersistentVolumeClaim").urn in run.one("Deployment").depends_on


def test_only_the_loader_has_the_keys_and_the_servers_variables_are_its_own() -> None:
    loader, server = containers(loading(S3))
    assert [one["name"] for one in loader["env"]] == ["AWS_ENDPOINT_URL", "AWS_REGION", *KEYS["values"]]
    assert {one["name"]: one.get("value") for one in server["env"] if one["name"].startswith("AWS")} == {
        "AWS_REGION": "of-the-server"
    }


def test_the_loader_asks_the_hub_of_the_stack_and_the_policy_admits_it_alone() -> None:
    run = loading({**HUGGING, "secrets": []})
    loader, server = containers(run)
    assert loader["env"] == [{"name": "HF_ENDPOINT", "value": "https://hub.example.com"}]
    assert not any("hub.example.com" in str(one.get("value")) for one in server["env"])
    egress = run.one("NetworkPolicy", "flows-web").inputs["spec"]["egress"]
    assert {"ports": [{"protocol": "TCP", "port": 443}], "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]} in egress


def test_a_manifest_and_a_checksum_reach_the_loader() -> None:
    files = {"b.txt": {"size": 2, "sha256": "b" * 64}, "a/a.bin": {"size": 1, "sha256": "a" * 64}}
    loader, _ = containers(loading({**HUGGING, "secrets": [], "manifest": {"uri": HUB, "files": files}}))
    assert loader["env"][-1] == {"name": "MODEL_MANIFEST", "value": f"{'a' * 64} 1 a/a.bin\n{'b' * 64} 2 b.txt\n"}
    loader, _ = containers(loading({**S3, "checksum": DIGEST}))
    assert loader["args"][3:5] == ["--checksum", DIGEST]


def test_the_loader_is_small_and_restricted() -> None:
    loader, _ = containers(loading(S3))
    assert loader["resources"]["limits"] == {"cpu": "2", "memory": "128Mi", "ephemeral-storage": "1Gi"}
    assert loader["resources"]["requests"]["memory"] == "128Mi"
    assert loader["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "runAsUser": 10001,
        "runAsGroup": 10001,
    }


def test_a_cluster_that_assigns_users_assigns_the_loaders_too() -> None:
    loader, _ = containers(loading(S3, user="namespace"))
    assert "runAsUser" not in loader["securityContext"]


def test_the_stack_builds_the_loader_beside_the_service() -> None:
    described, settings = given(S3)
    assert set(system(described, settings).builds) == {"server", "loader"}
    loader, _ = containers(deployed(described, settings))
    assert "/loader@" in str(loader["image"])


def test_a_later_environment_takes_the_loader_by_digest() -> None:
    described, settings = given(S3)
    later = put(put(settings, "system.environment", "prod"), "images", {"server": IMAGE})
    (line,) = refusals(described, later)
    assert line == (
        "slipway:images.loader: required by web, because only dev builds images; set the repository@sha256:<64 hex> "
        "that dev runs"
    )
    loader, _ = containers(deployed(described, put(later, "images.loader", f"registry.example.com/loader@{DIGEST}")))
    assert loader["image"] == f"registry.example.com/loader@{DIGEST}"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        (
            {**S3, "loader": "loadr"},
            "services.web.model.loader: 'loadr' is not a key under images (server, loader); did you mean 'loader'?",
        ),
        (
            {**HUGGING, "external": "hup"},
            "slipway:externals.hup: required by web; set at least its url",
        ),
    ],
)
def test_a_name_that_nothing_has_is_refused(source: Config, line: str) -> None:
    assert any(line in found for found in refusals(*given(source)))


def test_a_slot_brings_no_manifest_to_an_entry_without_a_loader() -> None:
    manifest = {"uri": "s3://models/digits/8", "files": {"a": {"size": 1, "sha256": "a" * 64}}}
    data = put(
        {**stack(), "objectStorage": STORAGE},
        "release.web",
        {"slots": {"blue": {}, "green": {"model": {"uri": "s3://models/digits/8", "manifest": manifest}}}},
    )
    described = entry(services={"web": service(model={"name": "digits", "uri": "s3://models/digits/7"})})
    (line,) = refusals(described, data)
    assert line == (
        "slipway:release.web.slots.green.model.manifest: is read by the loader, but the entry's model has none; set "
        "model.loader there"
    )
