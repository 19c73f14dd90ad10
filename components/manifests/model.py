"""How the model gets into a slot's pods: fetched by an init container, or mounted from a claim or an image."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.manifests.container import (
    LAST_WORDS,
    PULL_POLICY,
    SCRATCH,
    BoundSecret,
    Reference,
    claim_name,
    locked_down,
    object_storage,
    requirements,
    secret_variables,
    variables,
)
from models.model import ModelSource
from models.resources import Resources
from models.system import SystemSpec

if TYPE_CHECKING:
    from pulumi_kubernetes.core.v1 import ContainerArgsDict, VolumeArgsDict, VolumeMountArgsDict


def loader(
    model: ModelSource,
    *,
    system: SystemSpec,
    image: Reference,
    resources: Resources,
    secrets: Mapping[str, BoundSecret],
) -> "list[ContainerArgsDict]":
    """Return the init container that fetches and verifies the model, or an empty list if the model is mounted."""
    if not model.fetched:
        return []
    command = ["python", "-m", "serving.fetch", model.uri, model.path]
    mounts: list[VolumeMountArgsDict] = [{"name": "model", "mount_path": model.path}, SCRATCH]
    if model.checksum:
        command += ["--checksum", model.checksum]
    if model.cache:
        command += ["--cache", model.cache.path]
        mounts.append({"name": "model-cache", "mount_path": model.cache.path})
    environment = object_storage(system) if model.scheme == "s3" else {}
    return [
        {
            "name": "model",
            "image": image,
            "image_pull_policy": PULL_POLICY,
            "command": command,
            "env": [*variables(environment), *secret_variables(model.secrets, secrets)],
            "termination_message_policy": LAST_WORDS,
            "resources": requirements(resources, with_devices=False),
            "security_context": locked_down(),
            "volume_mounts": mounts,
        }
    ]


def mount(model: ModelSource) -> "VolumeMountArgsDict":
    """Return the read-only mount of the server's model."""
    seen: VolumeMountArgsDict = {"name": "model", "mount_path": model.path, "read_only": True}
    if model.scheme == "pvc" and (folder := model.claim[1]):
        seen["sub_path"] = folder
    return seen


def volumes(model: ModelSource, system: SystemSpec) -> "list[VolumeArgsDict]":
    """Return the volume that contains the model, and the cache volume for fetched models."""
    cache: list[VolumeArgsDict] = []
    if model.cache:
        cache.append(
            {"name": "model-cache", "persistent_volume_claim": {"claim_name": claim_name(system, model.cache.volume)}}
        )
    if model.scheme == "pvc":
        claim = {"claim_name": claim_name(system, model.claim[0]), "read_only": True}
        return [{"name": "model", "persistent_volume_claim": claim}]  # pyright: ignore[reportReturnType]
    if model.scheme == "oci":
        reference = model.uri.removeprefix("oci://")
        return [{"name": "model", "image": {"reference": reference, "pull_policy": PULL_POLICY}}]
    return [{"name": "model", "empty_dir": {"size_limit": model.size}}, *cache]
