"""The value that all components read: a system in one environment, with what each slot runs."""

from collections.abc import Iterator

from pydantic import Field

from models import left_out, long_answers, pod_notices
from models.base import Model
from models.cluster import ClusterSettings
from models.delivery import ServiceDelivery
from models.entry import CatalogueEntry
from models.errors import differ, enumerated
from models.external import External, ObjectStorage, Server
from models.image import ImageBuild, ImageSettings
from models.jobs import JobSpec
from models.release import ServiceRelease
from models.revision import Revision
from models.secrets import SecretSource, SecretSpec
from models.service import ServiceSpec
from models.storage import Volume
from models.stores import StoreSpec
from models.vocabulary import SlotName

NO_SOURCE = (
    "release.gate has no source of metrics, so every release is refused; set slipway:cluster.metricsUrl to the URL of "
    "Prometheus, or slipway:cluster.metrics to direct"
)
"""What the preview says about services whose gate has no metrics to read."""


class DeployedService(Model):
    """A service and its release."""

    spec: ServiceSpec
    """The current catalogue entry; fields that belong to both slots are read from here."""
    release: ServiceRelease
    revisions: dict[SlotName, Revision]
    """What each slot runs besides its image, pinned or not."""
    ran: dict[SlotName, Revision] = Field(default_factory=dict[SlotName, Revision])
    """What each slot ran at the last update. Slots without an entry in the state are missing."""
    judged: dict[str, Revision] = Field(default_factory=dict)
    """The revisions of verdicts, by hash. The next environment compares them with what it would run."""
    delivery: ServiceDelivery = ServiceDelivery()

    def runs(self, slot: SlotName) -> ServiceSpec:
        """Return the service as a slot runs it."""
        return self.spec.with_slot(self.revisions[slot].whole)

    @property
    def every(self) -> list[ServiceSpec]:
        """The service as each slot runs it, the live slot first. Objects that the slots share must fit all of them."""
        return [self.runs(slot) for slot in sorted(self.revisions, key=lambda slot: slot != self.release.live)]

    @property
    def longest(self) -> int:
        """The longest time, in seconds, that an answer may take in either slot."""
        return max(slot.drain.request_timeout for slot in self.every)

    @property
    def loaders(self) -> set[str]:
        """The images of the loaders that fetch models for the slots, by key."""
        models = [revision.spec.model for revision in self.revisions.values()]
        return {model.loader for model in models if model and model.loader}

    @property
    def managed(self) -> bool:
        """Whether a slot serves its metrics at a management port."""
        return any(slot.management_port is not None for slot in self.every)

    @property
    def named(self) -> dict[str, Revision]:
        """Every revision that the stack exports, by hash."""
        return self.judged | {self.name_of(slot): revision for slot, revision in self.revisions.items()}

    def name_of(self, slot: SlotName) -> str:
        """Return the hash of a slot's revision: the one in the stack file, or otherwise the hash of the content."""
        return self.release.slots[slot].pinned or self.revisions[slot].name


class DeployedSecret(Model):
    """A secret of the entry, and its source in this stack."""

    spec: SecretSpec
    source: SecretSource


class SystemSpec(Model):
    """Everything that a deployment depends on."""

    name: str
    environment: str
    namespace: str
    existing_namespace: bool = False
    """Whether somebody else owns the namespace. The stack then neither changes nor deletes it."""
    discard: tuple[str, ...] = ()
    """Objects that an update may delete or replace, including their data, as kind/name."""
    cluster: ClusterSettings
    image: ImageSettings | None
    builds: dict[str, ImageBuild]
    """The images that this stack builds; empty outside the building environment."""
    images: dict[str, str]
    """The images that the stack takes by digest, by image key."""
    services: dict[str, DeployedService]
    stores: dict[str, StoreSpec] = Field(default_factory=dict)
    jobs: dict[str, JobSpec] = Field(default_factory=dict)
    volumes: dict[str, Volume] = Field(default_factory=dict)
    secrets: dict[str, DeployedSecret] = Field(default_factory=dict)
    object_storage: ObjectStorage | None = None
    externals: dict[str, Server] = Field(default_factory=dict)
    tracing: External | None = None
    entry: CatalogueEntry
    """The source of this system. Evidence of another environment is compared with the entry's values there."""
    source: str | None = None
    """The stack whose evidence is required for what runs here."""
    protect: bool = False

    @property
    def pod_security(self) -> str:
        """The Pod Security Standard that every pod of the system satisfies."""
        loosened = (spec.pod_security for service in self.services.values() for spec in service.every)
        return next((one.standard for one in loosened if one), "restricted")

    @property
    def pull_secrets(self) -> list[str]:
        """The Secrets with which the system's pods pull images."""
        own = [name for name, secret in self.secrets.items() if secret.spec.kind == "registry"]
        return [*own, *self.cluster.pull_secrets]


def notices(system: SystemSpec, stack: str) -> Iterator[tuple[str, bool]]:
    """Yield each notice about a stack, and whether it is a warning.

    A Service that bypasses its route or exposes metrics is a warning, and so is what the gate or an alert cannot
    measure. A live slot that does not run the current entry is not.
    """
    if not system.cluster.direct and not system.cluster.prometheus:
        judged = [name for name, service in system.services.items() if service.spec.release.gate.criteria]
        if judged:
            yield f"{enumerated(judged)}: {NO_SOURCE}", False
    for name, service in system.services.items():
        yield from pod_notices.notices(name, service.spec, existing_namespace=system.existing_namespace)
        for line in _exposed(name, service):
            yield line, True
        yield from left_out.notices(name, service.spec, system.cluster)
        yield from long_answers.notices(name, service.spec, system.cluster)
        live = service.release.live
        paths = list(service.revisions[live].changes(service.spec.of_slot))
        if paths:
            yield f"{name}: {differ(paths, live, f'slipway release {stack} {name}', 'releases')}", False


def _exposed(name: str, service: DeployedService) -> Iterator[str]:
    """Yield one line for each way in which clients can bypass the route or read the metrics."""
    exposure, monitoring, profile = service.spec.exposure, service.spec.monitoring, service.spec.profile
    if exposure.public and service.spec.route:
        only = f" from {', '.join(exposure.source_ranges)}" if exposure.source_ranges else ""
        lacking = (
            "no rate limit and no traffic split apply, and the proxy does not count the requests (exposure.direct)"
        )
        yield f"{name}: its {exposure.type} lets clients{only} reach the pods directly: {lacking}"
    here = profile.scrape and profile.port is None
    if not monitoring or not here or all(slot.management_port is not None for slot in service.every):
        return
    path = monitoring.path or profile.path
    ways = [exposure.type] if exposure.public else []
    if service.spec.route and service.spec.route.leads_to(path):
        ways.append("route")
    for way in ways:
        yield (
            f"{name}: its {way} also leads to the metrics at {path}; if the server has a separate port for metrics, as "
            "Slipway's own server has, set managementPort"
        )
