"""A manifest: one object that a stack declares in Kubernetes, as plain data with the API's own names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.system import SystemSpec

Json = dict[str, Any]

API_VERSIONS = {
    "ConfigMap": "v1",
    "Deployment": "apps/v1",
    "ExternalSecret": "external-secrets.io/v1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "Ingress": "networking.k8s.io/v1",
    "Job": "batch/v1",
    "LimitRange": "v1",
    "Namespace": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "PersistentVolumeClaim": "v1",
    "PodDisruptionBudget": "policy/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
    "ResourceQuota": "v1",
    "Role": "rbac.authorization.k8s.io/v1",
    "RoleBinding": "rbac.authorization.k8s.io/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "Secret": "v1",
    "Service": "v1",
    "ServiceAccount": "v1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "StatefulSet": "apps/v1",
}
"""Version of the API in which each kind is written."""
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
"""For Services (an await takes ten seconds and passes without endpoints) and Ingresses (some proxies never write a
status). Requests prove that a slot serves; a status field does not."""
WAIT_ELSEWHERE = {"pulumi.com/waitFor": "jsonpath={.metadata.annotations['pulumi.com/waitFor']}"}
"""For Deployments: the program waits for the pods, and the plugin only until it sees this annotation on the object and
the controller has observed the change. With ``skipAwait``, the plugin would not wait for deletions either, and an
object that is declared again too early would disappear."""


@dataclass(frozen=True)
class Later:
    """A text that is known once an image is built."""

    image: str
    """The image's key in the catalogue entry."""
    read: Callable[[str], str] = str
    """Return the text, from the image's reference ``repository@sha256:…``."""


Text = str | Later


def read_from(reference: Text, read: Callable[[str], str]) -> Text:
    """Return a text that is read from an image's reference, now or after the build."""
    if isinstance(reference, str):
        return read(reference)
    return Later(reference.image, lambda built: read(reference.read(built)))


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One object of Kubernetes, and what an update needs to know about it."""

    part: "Part"
    resource: str
    """Name of the Pulumi resource."""
    document: Json
    """The object. Leaves are plain data or :class:`Later`."""
    after: tuple[str, ...] = ()
    """The ``id`` of each manifest that must be ready before this object is written."""
    wait: int | None = None
    """Maximum seconds until the object is ready; None = the provider's default."""
    gone: int | None = None
    """Maximum seconds until the object is deleted; None = the provider's default."""

    @property
    def id(self) -> str:
        """The manifest's name in ``after``, unique in a system."""
        return f"{self.part.kind}/{self.resource}"

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.document["kind"])

    @property
    def token(self) -> str:
        """The type of the Pulumi resource: ``kubernetes:apps/v1:Deployment``."""
        version = self.document["apiVersion"]
        return f"kubernetes:{f'core/{version}' if '/' not in version else version}:{self.kind}"


@dataclass(frozen=True)
class Part:
    """The objects that Pulumi shows under one component."""

    kind: str
    """Type of the component, such as Slot."""
    name: str

    def id_of(self, role: str) -> str:
        """Return the ``id`` of the part's manifest with this role."""
        return f"{self.kind}/{self._resource(role)}"

    def manifest(
        self,
        role: str,
        document: Json,
        after: tuple[str, ...] = (),
        *,
        wait: int | None = None,
        gone: int | None = None,
    ) -> Manifest:
        """Return a manifest of the part. Its resource is named after the part and the role."""
        return Manifest(part=self, resource=self._resource(role), document=document, after=after, wait=wait, gone=gone)

    def _resource(self, role: str) -> str:
        return f"{self.name}-{role}"


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the manifests of a system contain besides its specification."""

    images: Mapping[str, Text]
    """The reference of each image by digest, by the image's key in the catalogue entry."""
    secrets: Mapping[str, Mapping[str, str]]
    """The values of each Secret that the stack writes itself, by the secret's key in the entry."""
    stack: str
    """Name of the Pulumi stack that owns the namespace."""


def written(kind: str, described: Json, **fields: object) -> Json:
    """Return an object of a kind with this metadata and these further fields."""
    return {"apiVersion": API_VERSIONS[kind], "kind": kind, "metadata": described, **fields}


def metadata(
    system: SystemSpec, name: Text, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Json:
    """Return the metadata of an object in the system's namespace."""
    described: Json = {"name": name, "namespace": system.namespace, "labels": dict(labels)}
    if annotations:
        described["annotations"] = dict(annotations)
    return described
