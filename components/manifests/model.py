"""How the model gets into a slot's pods: fetched by an init container, or mounted from a claim or an image."""

from collections.abc import Mapping

from components.manifests.container import (
    LAST_WORDS,
    PULL_POLICY,
    SCRATCH,
    USER_ID,
    BoundSecret,
    amounts,
    claim_name,
    locked_down,
    object_storage,
    requirements,
    restricted,
    secret_variables,
    variables,
)
from components.manifests.manifest import Json, Text
from models.companions import LOADER
from models.model import ModelSource
from models.quantity import parse
from models.resources import ResourceList, Resources
from models.service import SlotSpec
from models.system import SystemSpec

STORE = "/models"
"""Where the loader's container sees its volume."""
MEMORY = "128Mi"
"""The loader needs at most 64 MiB; the kernel counts its socket buffers, too."""
_MANIFEST, _HUB = "MODEL_MANIFEST", "HF_ENDPOINT"


def init_containers(
    spec: SlotSpec,
    *,
    system: SystemSpec,
    image: Text,
    loader: Text | None,
    secrets: Mapping[str, BoundSecret],
) -> list[Json]:
    """Return the init container that fetches and verifies the model, or an empty list if the model is mounted.

    Args:
        spec: What the slot runs.
        system: The system.
        image: The service's image, which fetches the model if there is no loader.
        loader: The image of the loader, if the model names one.
        secrets: The Secrets by name.
    """
    model = spec.model
    if model is None or not model.fetched:
        return []
    if loader is None:
        return [_own_fetch(model, system, image, spec.resources, secrets)]
    environment = {
        **(object_storage(system) if model.scheme == "s3" else {}),
        **({_HUB: system.externals[model.external].url} if model.scheme == "hf" and model.external else {}),
        **({_MANIFEST: model.manifest.lines} if model.manifest else {}),
    }
    arguments = [model.uri, STORE, model.folder]
    if model.checksum:
        arguments += ["--checksum", model.checksum]
    if model.cache is None:
        arguments += ["--limit", str(int(parse(model.size)))]
    return [
        {
            "name": LOADER,
            "image": loader,
            "imagePullPolicy": PULL_POLICY,
            "args": arguments,
            "env": [*variables(environment), *secret_variables(model.secrets, secrets)],
            "terminationMessagePolicy": LAST_WORDS,
            "resources": _small(spec.resources),
            "securityContext": restricted(None if spec.user == "namespace" else USER_ID, None),
            "volumeMounts": [{"name": "model", "mountPath": STORE}],
        }
    ]


def _own_fetch(
    model: ModelSource, system: SystemSpec, image: Text, resources: Resources, secrets: Mapping[str, BoundSecret]
) -> Json:
    """Return the fetch by the service's own image, which is a server of Slipway."""
    command = ["python", "-m", "serving.fetch", model.uri, model.path]
    mounts: list[Json] = [{"name": "model", "mountPath": model.path}, SCRATCH]
    if model.checksum:
        command += ["--checksum", model.checksum]
    if model.cache:
        command += ["--cache", model.cache.path]
        mounts.append({"name": "model-cache", "mountPath": model.cache.path})
    environment = object_storage(system) if model.scheme == "s3" else {}
    return {
        "name": LOADER,
        "image": image,
        "imagePullPolicy": PULL_POLICY,
        "command": command,
        "env": [*variables(environment), *secret_variables(model.secrets, secrets)],
        "terminationMessagePolicy": LAST_WORDS,
        "resources": requirements(resources, with_devices=False),
        "securityContext": locked_down(),
        "volumeMounts": mounts,
    }


def _small(resources: Resources) -> Json:
    """Return the server's resources with the loader's memory: a pod whose requests equal its limits stays so."""
    return {
        "requests": amounts(_with_memory(resources.requests)),
        "limits": amounts(_with_memory(resources.limits)),
    }


def _with_memory(given: ResourceList) -> ResourceList:
    return given.model_copy(update={"memory": min(given.memory, MEMORY, key=parse)})


def mount(model: ModelSource) -> Json:
    """Return the read-only mount of the server's model."""
    seen: Json = {"name": "model", "mountPath": model.path, "readOnly": True}
    if model.scheme == "pvc" and (folder := model.claim[1]):
        seen["subPath"] = folder
    if model.loader:
        seen["subPath"] = model.folder
    return seen


def volumes(model: ModelSource, system: SystemSpec) -> list[Json]:
    """Return the volume that contains the model and, for our server's own fetch, the cache that it copies from."""
    if model.scheme == "pvc":
        claim = {"claimName": claim_name(system, model.claim[0]), "readOnly": True}
        return [{"name": "model", "persistentVolumeClaim": claim}]
    if model.scheme == "oci" and model.loader is None:
        reference = model.uri.removeprefix("oci://")
        return [{"name": "model", "image": {"reference": reference, "pullPolicy": PULL_POLICY}}]
    cache = {"claimName": claim_name(system, model.cache.volume)} if model.cache else None
    if cache and model.loader:
        return [{"name": "model", "persistentVolumeClaim": cache}]
    own: Json = {"name": "model", "emptyDir": {"sizeLimit": model.size}}
    return [own, {"name": "model-cache", "persistentVolumeClaim": cache}] if cache else [own]
