"""One service of a system: the fields that a release pins, and the fields that both slots share."""

from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from models import container_rules, drain_rules, mount_rules, pod_size, protocol
from models.access import Account
from models.base import Model
from models.companions import InitContainer, Sidecar
from models.container import ContainerSpec, Home
from models.errors import Faults
from models.exposure import Exposure
from models.file_mounts import FileMounts
from models.files import ConfigFiles
from models.lifecycle import Drain, Health, Rollout
from models.limits import Arguments, Command
from models.load import Load
from models.load import faults as load_faults
from models.metadata import PodMetadata
from models.model import ModelSource
from models.monitoring import LatencyObjective, Monitoring
from models.ports import PRIVATE_PORT
from models.profile import NOTHING, ChosenProfile, MetricsProfile
from models.quantity import Bytes, bytes_text, parse
from models.release import Match
from models.resources import LOG_ROOM, Resources
from models.routing import Route
from models.scaling import Disruption, Scaling, unreachable
from models.scheduling import Scheduling
from models.security import User
from models.server import OTHER, Server, ServerSettings
from models.storage import Folders
from models.strategy import Rolling, Strategy
from models.variables import EnvironmentVariables
from models.vocabulary import MEMORY_PATH, SCRATCH_PATH, MountPath, Name, Port


class SlotSpec(ContainerSpec):
    """What a slot runs besides its image: every field that affects an object of the slot.

    A release pins these fields (:mod:`models.revision`), so an edit reaches users only through a release. The fields
    of :class:`ServiceSpec` belong to both slots, and an update applies an edit at once.
    """

    image: Name = Field(description="key under images")
    port: Port = Field(
        description="the server's HTTP port; a worker serves its health and metrics there", examples=[5000]
    )
    management_port: Port | None = Field(
        default=None,
        description="port for the metrics, which no Service exposes; Slipway's own server opens it; none = port serves "
        "the metrics",
        examples=[9090],
    )
    args: Arguments = Field(default=(), description="arguments of the image's entry point")
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
    scratch: Bytes = Field(default="64Mi", description="size of /tmp, which is always writable")
    shared_memory: Bytes | None = Field(default=None, description="size of /dev/shm, counted as memory; none = 64Mi")
    pods: PodMetadata = PodMetadata()
    externals: tuple[Name, ...] = Field(
        default=(), description="servers under slipway:externals that the service calls"
    )
    resources: Resources
    scaling: Scaling
    server: Server = Field(
        default=ServerSettings(),
        description="settings of Slipway's own server; other = another server, which gets no settings file and no "
        "SLIPWAY_… variables, and must set health.ready and health.live",
    )
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
        if self.management_port == self.port:
            yield f"managementPort: {self.port} is also port, which Services expose; choose another, such as 9090"
        yield from self._startup_faults()
        yield from self._disruption_faults()
        yield from self._volume_faults()
        yield from self._storage_faults()
        yield from unreachable(self.scaling, self.resources)
        yield from container_rules.faults(self, self._numbers, self.health, self.mounts)
        yield from pod_size.faults(self, self.args, self.env, self.health)
        owned = self.owned is not None
        yield from protocol.faults(self.app_protocol, self.health, owned=owned and self.entrance is None)
        yield from drain_rules.faults(self.drain, own_arguments=bool(self.args or self.command), owned=owned)
        yield from self._foreign_faults()

    def _startup_faults(self) -> Iterator[str]:
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
        if self.health.starting and startup < (period := self.health.starting.period):
            yield f"health.startup: {startup}s is shorter than one health.starting.period {period}s; raise it"

    def _disruption_faults(self) -> Iterator[str]:
        floor = max(self.scaling.floor, 1)
        if self.disruption.kept(floor) >= floor:
            yield (
                f"disruption.minAvailable: {self.disruption.min_available} leaves no pod evictable at "
                f"{self.scaling.floor} replicas, so a node drain would hang; lower it, or raise the replicas"
            )

    def _volume_faults(self) -> Iterator[str]:
        folders = [("model.path", self.model.path)] if self.model else []
        folders += [("files.path", self.files.path)] if self.files else []
        folders += [(f"mounts.{name}", path) for name, path in self.mounts.items()]
        folders += [("home.path", self.home.path)] if self.home else []
        folders += [("writable", path) for path in self.writable or {}]
        own = {MEMORY_PATH: "the shared memory"} if self.shared_memory else {}
        files = [("fileMounts", path) for path in self.file_mounts or {}]
        yield from mount_rules.faults(folders, files, {SCRATCH_PATH, *self.folders}, own)

    def _foreign_faults(self) -> Iterator[str]:
        """Yield one line for each setting that an image that was not built for Slipway needs or cannot have."""
        if self.owned:
            return
        for field in ("ready", "live"):
            if field not in self.health.model_fields_set:
                yield (
                    f"health.{field}: required with server: {OTHER}, because only Slipway's own server has a default; "
                    "set a path, or one of http, grpc, tcp and exec"
                )
        if self.model and self.model.fetched and self.model.loader is None:
            yield (
                f"model.uri: {self.model.scheme}:// is fetched by a program that only Slipway's own images contain; "
                + ("set model.loader, or " if self.model.scheme == "s3" else "")
                + "use pvc:// or oci://, or let the image fetch its model"
            )
        if self.files and self.files.on_change == "reload":
            yield f"files.onChange: reload is a function of Slipway's own server, but server is {OTHER}; set rollout"

    def _storage_faults(self) -> Iterator[str]:
        memory = self.resources.limits.memory
        if self.shared_memory and parse(self.shared_memory) >= parse(memory):
            yield (
                f"sharedMemory: {self.shared_memory} must be less than limits.memory {memory}, which includes it; "
                "raise the limit"
            )
        # The loader fetches into the cache itself; our server's own fetch copies from it.
        model = self.model if self.model and self.model.fetched else None
        fetched = parse(model.size) if model and not (model.cache and model.loader) else 0
        own = sum(map(parse, self.folders.values()))
        written, limit = parse(self.scratch) + fetched + own + parse(LOG_ROOM), self.resources.limits.ephemeral_storage
        if written > parse(limit):
            parts = "scratch, model.size, home, writable" if own else "scratch, model.size"
            yield (
                f"resources.limits.ephemeral-storage: {limit} is less than {parts} and {LOG_ROOM} of logs "
                f"together ({bytes_text(written)}), so the kubelet would evict the pod; raise it"
            )

    @property
    def _numbers(self) -> dict[int, str]:
        management = {self.management_port: "managementPort"} if self.management_port is not None else {}
        return {**management, self.port: "port"}

    @property
    def reached(self) -> tuple[str, ...]:
        """The servers under slipway:externals that the pod calls: the service's own, and that of its model."""
        loading = (self.model.external,) if self.model and self.model.external else ()
        return tuple(dict.fromkeys((*self.externals, *loading)))

    @property
    def owned(self) -> ServerSettings | None:
        """The settings of Slipway's own server; None if the image contains another server."""
        return None if self.server == OTHER else self.server


class ServiceSpec(SlotSpec):
    """A service: a model server, a gateway in front of other services, or a worker that takes its work from a queue."""

    exposure: Exposure = Exposure()
    route: Route | None = Field(default=None, description="none = no Ingress")
    monitoring: Monitoring | None = Field(default=Monitoring(), description="null = no ServiceMonitor and no alerts")
    metrics_profile: ChosenProfile | None = Field(
        default=None,
        description="names of the server's metrics: a profile of catalog/profiles or of the entry, or a profile in the "
        "same form; none = that of the image's build context, or else the proxy's counters",
        examples=["fastapi"],
    )
    release: Strategy = Field(default=Rolling(), description="strategy of the service's releases")
    load: Load | None = Field(default=None, description="the load to plan for; none = no sizing")

    @property
    def objective(self) -> LatencyObjective | None:
        """The latency objective, if there is one."""
        return self.monitoring.slo.latency if self.monitoring and self.monitoring.slo else None

    @property
    def profile(self) -> MetricsProfile:
        """The metrics profile. :meth:`models.entry.CatalogueEntry.service_in` has put it in place of its name."""
        return self.metrics_profile if isinstance(self.metrics_profile, MetricsProfile) else NOTHING

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
        if self.route and self.exposure.public and not self.exposure.direct:
            yield (
                f"exposure.type: {self.exposure.type} leads to the pods and bypasses the route's rate limit, traffic "
                "split and gate; remove it, so that all requests pass the proxy, or set exposure.direct to true"
            )
        taken = {PRIVATE_PORT: "the slots' private Services", self.exposure.port: "exposure.port"}
        for name, number in self.open_ports.items():
            if number in taken:
                where = f"ports.{name}" if name in (self.ports or {}) else f"sidecars: the port {name}"
                yield f"{where}: {number} is already the port of {taken[number]}; choose another port"
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

    command: Command | None = None
    args: Arguments | None = None
    user: User | None = None
    home: Home | None = None
    writable: Folders | None = None
    file_mounts: FileMounts | None = None
    sidecars: tuple[Sidecar, ...] | None = None
    init: tuple[InitContainer, ...] | None = None
    env: EnvironmentVariables | None = None
    secrets: tuple[Name, ...] | None = None
    model: ModelSource | None = None
    files: ConfigFiles | None = None
    pods: PodMetadata | None = None
    resources: Resources | None = None
    scaling: Scaling | None = None
    server: Server | None = None
    health: Health | None = None
    rollout: Rollout | None = None
    drain: Drain | None = None
    disruption: Disruption | None = None
    scheduling: Scheduling | None = None
    account: Account | None = None
    exposure: Exposure | None = None
    route: Route | None = None
    monitoring: Monitoring | None = None
    metrics_profile: ChosenProfile | None = None
    release: Strategy | None = None
    load: Load | None = None
