"""How a model gets into the pods: fetched and verified, or mounted, and never writable by the server."""

from typing import Any

import pytest

from tests.components.deploying import deployed, with_service
from tests.declared import Declared, Objects
from tests.recording import DIGEST
from tests.samples import Config, entry, put, service, stack

S3: Config = {"name": "digits", "uri": "s3://models/digits/7", "path": "/data"}
STORAGE: Config = {"url": "https://s3.example.com", "region": "eu-1"}
KEYS = {"values": {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}}


def pod(run: Objects[Declared], name: str = "web-blue") -> dict[str, Any]:
    return run.one("Deployment", name).inputs["spec"]["template"]["spec"]


def volume(run: Objects[Declared], name: str) -> dict[str, Any]:
    (found,) = [volume for volume in pod(run)["volumes"] if volume["name"] == name]
    return found


def mount(container: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [mount for mount in container["volumeMounts"] if mount["name"] == name]
    return found


def from_s3(**source: object) -> Objects[Declared]:
    secrets = {"object-storage": {"keys": list(KEYS["values"])}}
    model = {**S3, "secrets": ["object-storage"], **source}
    given = entry(services={"web": service(model=model)}, secrets=secrets, volumes={"hub": {"size": "1Gi"}})
    return deployed(given, {**stack(), "objectStorage": STORAGE, "secrets": {"object-storage": KEYS}})


def test_the_init_container_fetches_the_model_and_the_server_may_only_read_it() -> None:
    run = from_s3()
    (loader,), (server,) = pod(run)["initContainers"], pod(run)["containers"]
    assert loader["command"] == ["python", "-m", "serving.fetch", "s3://models/digits/7", "/data"]
    assert mount(server, "model") == {"name": "model", "mountPath": "/data", "readOnly": True}
    assert mount(loader, "model") == {"name": "model", "mountPath": "/data"}
    assert volume(run, "model") == {"name": "model", "emptyDir": {"sizeLimit": "128Mi"}}


def test_only_the_init_container_holds_the_keys_to_object_storage() -> None:
    run = from_s3()
    (loader,), (server,) = pod(run)["initContainers"], pod(run)["containers"]
    secret = run.one("Secret").object_name
    assert loader["env"] == [
        {"name": "AWS_ENDPOINT_URL", "value": "https://s3.example.com"},
        {"name": "AWS_REGION", "value": "eu-1"},
        *({"name": key, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}} for key in KEYS["values"]),
    ]
    assert [v["name"] for v in server["env"] if v["name"].startswith("AWS")] == []


def test_a_checksum_and_a_cache_are_handed_to_the_fetch() -> None:
    checksum = "sha256:" + "a" * 64
    run = from_s3(checksum=checksum, cache={"volume": "hub", "path": "/hub"})
    (loader,) = pod(run)["initContainers"]
    assert loader["command"][5:] == ["--checksum", checksum, "--cache", "/hub"]
    assert mount(loader, "model-cache") == {"name": "model-cache", "mountPath": "/hub"}
    assert volume(run, "model-cache")["persistentVolumeClaim"] == {"claimName": "hub"}
    assert run.one("PersistentVolumeClaim").urn in run.one("Deployment").depends_on


def test_the_room_for_a_fetched_model_is_the_entrys() -> None:
    assert volume(from_s3(size="300Mi"), "model")["emptyDir"] == {"sizeLimit": "300Mi"}


@pytest.mark.parametrize(("uri", "folder"), [("pvc://hub", None), ("pvc://hub/digits/7", "digits/7")])
def test_a_model_on_a_claim_is_mounted_without_an_init_container(uri: str, folder: str | None) -> None:
    model = {"name": "digits", "uri": uri}
    run = deployed(entry(services={"web": service(model=model)}, volumes={"hub": {"size": "1Gi"}}))
    assert "initContainers" not in pod(run)
    seen = mount(pod(run)["containers"][0], "model")
    assert (seen["readOnly"], seen.get("subPath")) == (True, folder)
    assert volume(run, "model")["persistentVolumeClaim"] == {"claimName": "hub", "readOnly": True}
    assert run.one("PersistentVolumeClaim").urn in run.one("Deployment").depends_on


def test_a_model_in_an_image_of_its_own_is_mounted_by_digest() -> None:
    run = with_service(model={"name": "digits", "uri": f"oci://registry.example.com/models/digits@{DIGEST}"})
    assert "initContainers" not in pod(run)
    assert volume(run, "model")["image"] == {
        "reference": f"registry.example.com/models/digits@{DIGEST}",
        "pullPolicy": "IfNotPresent",
    }
    assert mount(pod(run)["containers"][0], "model")["readOnly"] is True


def test_a_service_without_a_model_has_nothing_of_one() -> None:
    data = service()
    del data["model"]
    run = deployed(entry(services={"web": data}))
    assert "initContainers" not in pod(run)
    assert [v["name"] for v in pod(run)["volumes"]] == ["settings", "scratch"]
    (settings,) = [c for c in run.of_kind("ConfigMap") if "settings.json" in c.inputs["data"]]
    assert "modelName" not in settings.inputs["data"]["settings.json"]


def test_a_slot_may_serve_another_version_of_the_model_than_the_entry_names() -> None:
    data = put(
        {**stack(), "objectStorage": STORAGE},
        "release.web",
        {"slots": {"blue": {}, "green": {"model": {"uri": "s3://models/digits/8"}}}, "weight": 10},
    )
    run = deployed(entry(services={"web": service(model=S3, route={"host": "web.example.com"})}), data)
    commands = {slot: pod(run, f"web-{slot}")["initContainers"][0]["command"][3] for slot in ("blue", "green")}
    assert commands == {"blue": "s3://models/digits/7", "green": "s3://models/digits/8"}
