"""What a system declares in Kubernetes, from the renderer alone: no engine, no component, nothing awaited."""

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from components import names, secrets
from components.manifests.manifest import Given
from components.manifests.render import render
from models.system import SystemSpec

DIGEST = "sha256:" + "5f0c" * 16
"""The digest of every image that is built."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One object."""

    urn: str
    """Its identity in ``depends_on``."""
    type: str
    name: str
    inputs: dict[str, Any]
    depends_on: frozenset[str]

    @property
    def kind(self) -> str:
        """The last part of the type, such as Deployment."""
        return self.type.rpartition(":")[2]

    @property
    def object_name(self) -> str:
        """Its ``metadata.name``."""
        return str(self.inputs["metadata"]["name"])


D_co = TypeVar("D_co", bound=Declared, covariant=True)


@dataclass
class Objects(Generic[D_co]):
    """Objects, and how tests find them."""

    resources: list[D_co] = field(default_factory=list[Any])

    def of_kind(self, kind: str) -> list[D_co]:
        """All objects of a kind."""
        return [r for r in self.resources if r.kind == kind]

    def one(self, kind: str, name: str | None = None) -> D_co:
        """The only object of a kind, or the one with this ``metadata.name``."""
        found = [r for r in self.of_kind(kind) if name is None or r.object_name == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}: {[r.name for r in found]}"
        return found[0]

    @property
    def manifests(self) -> list[D_co]:
        """What reaches the API server."""
        return [r for r in self.resources if r.type.startswith("kubernetes:")]


class Secret(str):
    """A leaf that was marked as secret: the engine encrypts it in the state and shows it as [secret]."""

    __slots__ = ()


def declared(system: SystemSpec, stack: str = "dev") -> Objects[Declared]:
    """Render a system. Images that the stack builds have one digest."""
    registry = system.image.registry if system.image else ""
    built = {key: f"{names.repository(registry, system.name, key)}@{DIGEST}" for key in system.builds}
    values = {key: {k: Secret(v) for k, v in given.items()} for key, given in secrets.values(system).items()}
    given = Given(images={**system.images, **built}, secrets=values, stack=stack)
    return Objects(
        [
            Declared(
                urn=manifest.id,
                type=manifest.token,
                name=manifest.resource,
                inputs=deepcopy(manifest.document),
                depends_on=frozenset(manifest.after),
            )
            for manifest in render(system, given)
        ]
    )
