"""How the model gets into a slot's pods: fetched by an init container, or mounted from a claim or an image."""

from collections.abc import Mapping

from components.manifests.container import (
    LAST_WORDS,
    PULL_POLICY,
    SCRATCH,
    BoundSecret,
    claim_name,
    locked_down,
    object_storage,
    requirements,
    secret_variables,
    variables,
)
from components.manifests.manifest import Json, Text
from models.model import ModelSource
from models.resources import Resources
from models.system import SystemSpec


def loader(
    model: ModelSource,
    *,
    system: SystemSpec,
    image: Text,
    resources: Resources,
    secrets: Mapping[str, BoundSecret],
) -> list[Json]:
    """Return the init container that fetches and verifies the model, or an empty list if the model is mounted."""
    if not model.fetched:
        return []
    command = ["python", "-m", "serving.fetch", model.uri, model.path]
    mounts: list[Json] = [{"name": "model", "mountPath": model.path}, SCRATCH]
    if model.checksum:
        command += ["--checksum", model.checksum]
    if model.cache:
        command += ["--cache", model.cache.path]
        mounts.append({"name": "model-cache", "mountPath": model.cache.path})
    environment = object_storage(system) if model.scheme == "s3" else {}
    return [
        {
            "name": "model",
            "image": image,
            "imagePullPolicy": PULL_POLICY,
            "command": command,
            "env": [*variables(environment), *secret_variables(model.secrets, secrets)],
            "terminationMessagePolicy": LAST_WORDS,
            "resources": requirements(resources, with_devices=False),
            "securityContext": locked_down(),
            "volumeMounts": mounts,
        }
    ]


def mount(model: ModelSource) -> Json:
    """Return the read-only mount of the server's model."""
    seen: Json = {"name": "model", "mountPath": model.path, "readOnly": True}
    if model.scheme == "pvc" and (folder := model.claim[1]):
        seen["subPath"] = folder
    return seen


def volumes(model: ModelSource, system: SystemSpec) -> list[Json]:
    """Return the volume that contains the model, and the cache volume for fetched models."""
    cache: list[Json] = []
    if model.cache:
        cache.append(
            {"name": "model-cache", "persistentVolumeClaim": {"claimName": claim_name(system, model.cache.volume)}}
        )
    if model.scheme == "pvc":
        claim = {"claimName": claim_name(system, model.claim[0]), "readOnly": True}
        return [{"name": "model", "persistentVolumeClaim": claim}]
    if model.scheme == "oci":
        reference = model.uri.removeprefix("oci://")
        return [{"name": "model", "image": {"reference": reference, "pullPolicy": PULL_POLICY}}]
    return [{"name": "model", "emptyDir": {"sizeLimit": model.size}}, *cache]
