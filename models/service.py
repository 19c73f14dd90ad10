"""One service of a system: the fields that a release pins, and the fields that both slots share."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from models.access import Account
from models.base import Model
from models.errors import Faults
from models.exposure import Exposure
from models.files import ConfigFiles
from models.lifecycle import Drain, Health, Rollout
from models.load import Load
from models.load import faults as load_faults
from models.metadata import PodMetadata
from models.model import ModelSource
from models.monitoring import LatencyObjective, Monitoring
from models.quantity import Quantity, bytes_text, parse
from models.release import Match
from models.resources import LOG_ROOM, Resources
from models.routing import Route
from models.scaling import Disruption, Scaling
from models.scheduling import Scheduling
from models.server import ServerSettings
from models.strategy import Rolling, Strategy
from models.vocabulary import EnvironmentVariables, MountPath, Name, Port


class SlotSpec(Model):
    """What a slot runs besides its image: every field that affects an object of the slot.

    A release pins these fields (:mod:`models.revision`), so an edit reaches users only through a release. The fields
    of :class:`ServiceSpec` belong to both slots, and an update applies an edit at once.
    """

    image: Name = Field(description="key under images")
    port: Port = Field(
        description="the server's HTTP port; a worker serves its health and metrics there", examples=[5000]
    )
    args: tuple[str, ...] = Field(default=(), description="arguments of the image's entry point")
    env: EnvironmentVariables = Field(
        default_factory=dict, description="environment variables with literal values; never secrets"
    )
    secrets: tuple[Name, ...] = Field(default=(), description="keys under secrets, as environment variables")
    calls: tuple[Name, ...] = Field(
        default=(), description="services and stores that the service calls; all other connections are denied"
    )
    model: ModelSource | None = Field(default=None, description="none = a service without a model")
    files: ConfigFiles | None = Field(default=None, description="configuration files of the payload")
    mounts: dict[Name, MountPath] = Field(default_factory=dict, description="volumes that the server writes to")
    scratch: Quantity = Field(default="64Mi", description="size of /tmp, the only other writable folder")
    shared_memory: Quantity | None = Field(default=None, description="size of /dev/shm, counted as memory; none = 64Mi")
    pods: PodMetadata = PodMetadata()
    externals: tuple[Name, ...] = Field(
        default=(), description="servers under slipway:externals that the service calls"
    )
    resources: Resources
    scaling: Scaling
    server: ServerSettings = ServerSettings()
    health: Health = Health()
    rollout: Rollout = Rollout()
    drain: Drain = Drain()
    disruption: Disruption = Disruption(max_unavailable=1)
    scheduling: Scheduling = Scheduling()
    account: Account = Account()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if faults := list(self._faults()):
            raise Faults(faults)
        return self

    def _faults(self) -> Iterator[str]:
        yield from self._budget_faults()
        yield from self._disruption_faults()
        yield from self._volume_faults()
        yield from self._storage_faults()

    def _budget_faults(self) -> Iterator[str]:
        startup, deadline, timeout = self.health.startup, self.rollout.progress_deadline, self.rollout.timeout
        if startup > deadline:
            yield (
                f"health.startup: {startup}s exceeds rollout.progressDeadline {deadline}s, so slow starts would fail; "
                "lower it, or raise rollout.progressDeadline"
            )
        if deadline > timeout:
            yield (
                f"rollout.progressDeadline: {deadline}s exceeds rollout.timeout {timeout}s, so Pulumi would give up "
                "first; lower it, or raise rollout.timeout"
            )
        if self.health.startup < self.health.period:
            yield f"health.startup: {startup}s is shorter than one health.period {self.health.period}s; raise it"

    def _disruption_faults(self) -> Iterator[str]:
        keep, floor = self.disruption.min_available, self.scaling.floor
        if keep is not None and keep >= max(floor, 1):
            yield (
                f"disruption.minAvailable: {keep} leaves no pod evictable at {floor} replicas, so "
                "a node drain would hang; lower it, or raise the replicas"
            )

    def _volume_faults(self) -> Iterator[str]:
        places = {"/tmp": "the scratch folder", "/etc/slipway": "the settings folder"}  # noqa: S108 -- volumes of the pod
        own = [("model.path", self.model.path)] if self.model else []
        own += [("files.path", self.files.path)] if self.files else []
        for where, path in (*own, *((f"mounts.{name}", path) for name, path in self.mounts.items())):
            for taken, owner in places.items():
                if path == taken:
                    yield f"{where}: {path} is already {owner}; choose another path"
                elif path.startswith(f"{taken}/") or taken.startswith(f"{path}/"):
                    yield f"{where}: {path} and {owner} {taken} are nested; choose separate paths"
            places.setdefault(path, where)

    def _storage_faults(self) -> Iterator[str]:
        memory = self.resources.limits.memory
        if self.shared_memory and parse(self.shared_memory) >= parse(memory):
            yield (
                f"sharedMemory: {self.shared_memory} must be less than limits.memory {memory}, which includes it; "
                "raise the limit"
            )
        fetched = parse(self.model.size) if self.model and self.model.fetched else 0
        written, limit = parse(self.scratch) + fetched + parse(LOG_ROOM), self.resources.limits.ephemeral_storage
        if written > parse(limit):
            yield (
                f"resources.limits.ephemeral-storage: {limit} is less than scratch, model.size and {LOG_ROOM} of logs "
                f"together ({bytes_text(written)}), so the kubelet would evict the pod; raise it"
            )


class ServiceSpec(SlotSpec):
    """A service: a model server, a gateway in front of other services, or a worker that takes its work from a queue."""

    exposure: Exposure = Exposure()
    route: Route | None = Field(default=None, description="none = no Ingress")
    monitoring: Monitoring | None = Monitoring()
    release: Strategy = Field(default=Rolling(), description="strategy of the service's releases")
    load: Load | None = Field(default=None, description="the load to plan for; none = no sizing")

    @property
    def objective(self) -> LatencyObjective | None:
        """The latency objective, if there is one."""
        return self.monitoring.slo.latency if self.monitoring and self.monitoring.slo else None

    @property
    def of_slot(self) -> SlotSpec:
        """The fields that a release pins."""
        return SlotSpec.model_construct(**{field: getattr(self, field) for field in SlotSpec.model_fields})

    def with_slot(self, pinned: SlotSpec) -> "ServiceSpec":
        """Return the service as a slot with these pinned fields runs it. The combination is not validated again."""
        return self.model_copy(update=dict(pinned))

    def _faults(self) -> Iterator[str]:
        yield from super()._faults()
        yield from self._retry_faults()
        if self.route is None and getattr(self.release, "match", Match()) != Match():
            yield "release.match: requires a route, because only a proxy reads headers and cookies; remove it"
        if self.load and self.objective:
            yield from load_faults(self.load, self.objective)

    def _retry_faults(self) -> Iterator[str]:
        """Yield a fault if the proxy would repeat requests that a pod still works on, which would multiply the load."""
        limit, route = self.drain.request_timeout, self.route
        if route and route.timeout and route.retries and route.retries.idempotent and route.timeout <= limit:
            yield (
                f"route.timeout: {route.timeout}s must be longer than drain.requestTimeout {limit}s, because "
                "retries.idempotent would repeat requests that a pod still works on; raise it, or lower "
                "drain.requestTimeout"
            )


class ServiceOverlay(Model):
    """The blocks of a service that an environment may change. Each given block replaces the entry's whole block."""

    args: tuple[str, ...] | None = None
    env: EnvironmentVariables | None = None
    secrets: tuple[Name, ...] | None = None
    model: ModelSource | None = None
    files: ConfigFiles | None = None
    pods: PodMetadata | None = None
    resources: Resources | None = None
    scaling: Scaling | None = None
    server: ServerSettings | None = None
    health: Health | None = None
    rollout: Rollout | None = None
    drain: Drain | None = None
    disruption: Disruption | None = None
    scheduling: Scheduling | None = None
    account: Account | None = None
    exposure: Exposure | None = None
    route: Route | None = None
    monitoring: Monitoring | None = None
    release: Strategy | None = None
    load: Load | None = None
