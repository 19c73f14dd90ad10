"""The containers beside a slot's server: sidecars and init containers.

A sidecar is an init container with ``restartPolicy: Always``. It starts before the server, and it stops after it: the
kubelet ends sidecars in reverse order once the server has exited, so a proxy serves until the last answer is sent.
"""

from collections.abc import Mapping, Sequence

from components import names
from components.manifests import container, file_mounts, probes
from components.manifests.container import BoundSecret
from components.manifests.manifest import Json, Text
from models.companions import Companion, Sidecar
from models.ports import WEB
from models.service import ServiceSpec
from models.variables import texts


def sidecars(spec: ServiceSpec, image: Text, secrets: Mapping[str, BoundSecret], shared: Sequence[Json]) -> list[Json]:
    """Return the sidecars in the order in which they start.

    Args:
        spec: The service as a slot runs it.
        image: The service's image, for sidecars without one of their own.
        secrets: The Secrets of the system.
        shared: The server's mounts, some of which a sidecar may share.
    """
    return [_sidecar(sidecar, spec, image, secrets, shared) for sidecar in spec.sidecars or ()]


def init(spec: ServiceSpec, image: Text, secrets: Mapping[str, BoundSecret], shared: Sequence[Json]) -> list[Json]:
    """Return the init containers in their order. The arguments are those of :func:`sidecars`."""
    return [_companion(one, spec, image, secrets, shared) for one in spec.init or ()]


def volumes(spec: ServiceSpec) -> list[Json]:
    """Return the volumes of the folders that the companions write to."""
    return [
        container.bounded(folder_name(path, companion.name), size)
        for companion in spec.companions
        for path, size in companion.writable.items()
    ]


def folder_name(path: str, *owner: str) -> str:
    """Return the name of the volume behind a writable folder of a container."""
    return names.joined("folder", *owner, names.content_hash(path))


def _sidecar(
    sidecar: Sidecar, spec: ServiceSpec, image: Text, secrets: Mapping[str, BoundSecret], shared: Sequence[Json]
) -> Json:
    described = {**_companion(sidecar, spec, image, secrets, shared), "restartPolicy": "Always"}
    ports = {**({WEB: spec.port} if sidecar.entrance else {}), **sidecar.ports}
    if ports:
        described["ports"] = container.ports(ports)
    if sidecar.ready is not None:
        starting = {"period": 1, "timeout": sidecar.timeout, "failures": sidecar.startup}
        running = {"period": sidecar.period, "timeout": sidecar.timeout, "failures": sidecar.failures}
        described["startupProbe"] = probes.probe(sidecar.ready, ports, **starting)
        described["readinessProbe"] = probes.probe(sidecar.ready, ports, **running)
    return described


def _companion(
    companion: Companion,
    spec: ServiceSpec,
    image: Text,
    secrets: Mapping[str, BoundSecret],
    shared: Sequence[Json],
) -> Json:
    described: Json = {
        "name": companion.name,
        "image": companion.image or image,
        "imagePullPolicy": container.PULL_POLICY,
        "env": [
            *container.variables(texts(companion.env)),
            *container.secret_variables(companion.secrets, secrets),
        ],
        "terminationMessagePolicy": container.LAST_WORDS,
        "resources": container.requirements(companion.resources),
        "securityContext": container.restricted(companion.user, spec.pod_security),
        "volumeMounts": [
            container.SCRATCH,
            *(one for one in shared if one["mountPath"] in companion.paths),
            *({"name": folder_name(path, companion.name), "mountPath": path} for path in companion.writable),
            *file_mounts.mounts(companion.name, companion.file_mounts or {}),
        ],
    }
    if companion.command:
        described["command"] = list(companion.command)
    if companion.args:
        described["args"] = list(companion.args)
    return described
