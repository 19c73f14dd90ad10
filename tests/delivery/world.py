"""A stack whose Pulumi, cluster and Prometheus are kept in memory; its file, models and driver are the real ones.

The cluster has what updates and the valve brought into it, and not what the stack file says: who answers which requests
follows from that alone (``users.py``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml

from delivery.errors import ClusterUnavailable, UpdateFailed
from delivery.events import Event
from delivery.release.new_run import new_run
from delivery.release.service import Service
from delivery.release.stack import Stack
from delivery.run import driver
from models.delivery import fingerprint
from models.release import ServiceRelease, SlotRelease
from models.revision import Revision
from tests.delivery.leases import Leases
from tests.delivery.users import Killed, Prometheus, Version
from tests.samples import IMAGE, OTHER_IMAGE, Config, accepted

SERVICE, STACK = "web", "prod"
GATE: Config = {"errors": {"margin": 1}, "deadline": "1s"}
CANARY: Config = {"strategy": "canary", "steps": [20, 100], "warm": "0s", "gate": GATE}
TARGET = accepted(SlotRelease, {"image": OTHER_IMAGE})
RESOURCES = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}


def version(content: SlotRelease, tree: str) -> Version:
    """What a slot with this content runs; without an image of its own, what the tree builds."""
    return Version(content.image or tree, content.pinned or fingerprint(content))


@dataclass
class Cluster:
    """Two Deployments that are as ready as anybody wants, and the canary Ingress."""

    pods: int = 99
    missing: str = ""
    """A slot of which no pod gets ready."""
    weights: list[int] = field(default_factory=list[int])
    """Every weight that was written to the API server without Pulumi."""
    users: Prometheus = field(default_factory=Prometheus)
    """Whose requests the proxy splits."""
    runs: dict[str, Version] = field(default_factory=dict[str, Version])
    """By slot, what is really there."""
    live: str = "blue"
    """The slot to which the main route leads."""
    away: int = 0
    """Questions that the API server does not answer before it does again."""
    restarted: list[int] = field(default_factory=list[int])
    """How often containers were restarted, at each question; then as often as at the last."""
    why: str = ""
    """Why pods are not ready."""
    space: str = "first"
    """Identity of the namespace, which exists once something runs in it."""
    leases: Leases = field(default_factory=Leases)
    """The API server's; shared by the checkouts of one stack."""

    def brought(self, release: ServiceRelease, tree: str) -> None:
        """Bring about what an update declares; a slot without an image of its own gets what the tree builds now."""
        self.runs = {slot: version(content, tree) for slot, content in release.slots.items()}
        self.live = release.live
        self.split(release.weight)

    def split(self, weight: int) -> None:
        """Let the proxy give the other slot so many percent of the requests."""
        other = {slot: weight / 100 for slot in self.runs if slot != self.live}
        self.users.told(self.runs, {self.live: 1 - sum(other.values()), **other})

    def _asked(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise ClusterUnavailable("context none: the API server does not answer")

    def answers(self) -> bool:
        try:
            self._asked()
        except ClusterUnavailable:
            return False
        return True

    def reasons(self, namespace: str, selector: Mapping[str, str]) -> str:
        assert (namespace, selector["app.kubernetes.io/name"]) == ("web-prod", SERVICE)
        return self.why

    def ready(self, namespace: str, deployment: str) -> int:
        self._asked()
        assert (namespace, deployment.rpartition("-")[0]) == ("web-prod", SERVICE)
        slot = deployment.removeprefix(f"{SERVICE}-")
        return 0 if slot == self.missing or slot not in self.runs else self.pods

    def restarts(self, namespace: str, selector: Mapping[str, str]) -> int:
        self._asked()
        assert (namespace, selector["app.kubernetes.io/name"]) == ("web-prod", SERVICE)
        return self.restarted.pop(0) if len(self.restarted) > 1 else sum(self.restarted)

    def create(self, path: str, body: Config) -> Config | None:
        self._answers_for_leases()
        return self.leases.create(path, body)

    def replace(self, path: str, body: Config) -> Config | None:
        self._answers_for_leases()
        return self.leases.replace(path, body)

    def _answers_for_leases(self) -> None:
        """Not counted as questions: the driver renews its Lease whenever it likes."""
        if self.away > 0:
            raise ClusterUnavailable("context none: the API server does not answer")

    def get(self, path: str) -> Config | None:
        if "/leases/" in path:
            self._answers_for_leases()
            return self.leases.get(path)
        if path == "/api/v1/namespaces/web-prod":
            self._answers_for_leases()
            return {"metadata": {"uid": self.space}} if self.runs else None
        self._asked()
        assert path == "/apis/networking.k8s.io/v1/namespaces/web-prod/ingresses/web-canary"
        return {"metadata": {"annotations": {"other": "kept"}}} if len(self.runs) > 1 else None

    def apply(self, path: str, found: Config) -> None:
        self._asked()
        assert path.endswith("web-canary")
        annotations = found["metadata"]["annotations"]
        assert annotations["other"] == "kept"
        self.weights.append(int(annotations["nginx.ingress.kubernetes.io/canary-weight"]))
        self.split(self.weights[-1])


@dataclass
class Engine:
    """Records what each update declared; may fail, or have the driver killed."""

    stack: Stack
    cluster: Cluster
    tree: str = IMAGE
    """What the stack's source builds at this moment."""
    declared: list[ServiceRelease] = field(default_factory=list[ServiceRelease])
    stages: list[str] = field(default_factory=list[str])
    killed_at: int | None = None
    """The number of the update during which the driver is killed, before it has changed anything."""
    killed_after: int | None = None
    """The number of the update after which the driver is killed, before it could note so."""
    fails: Mapping[str, str] = field(default_factory=dict[str, str])
    """Stage → what Pulumi says there."""
    lost: int = 0
    """Updates that do not reach the API server."""
    during: Callable[[int], None] = lambda _: None
    """Is called with the number of each update while it runs, from 1 on."""

    def up(self, on_line: Callable[[str], None]) -> None:
        on_line("Updating")
        service = Service(self.stack, SERVICE)
        delivery, release = service.record(), service.release()
        stage = "none" if delivery.run is None else f"{delivery.run.kind} {delivery.run.stage}"
        self.declared.append(release)
        self.stages.append(stage)
        if self.killed_at == len(self.declared):
            self.killed_at = None
            raise Killed
        self.during(len(self.declared))
        if self.lost:
            self.lost -= 1
            raise UpdateFailed("dial tcp 10.0.0.1:443: connect: connection refused")
        if said := self.fails.get(stage):
            raise UpdateFailed(said)
        self.cluster.brought(release, self.tree)
        if self.killed_after == len(self.declared):
            self.killed_after = None
            raise Killed

    def outputs(self) -> Config:
        slots = {slot: {"image": version.image} for slot, version in self.cluster.runs.items()}
        return {"services": {SERVICE: {"slots": slots}}}


@dataclass
class World:
    """Everything together."""

    stack: Stack
    engine: Engine
    cluster: Cluster
    prometheus: Prometheus
    events: list[Event] = field(default_factory=list[Event])

    @property
    def file(self) -> Config:
        """The stack file's configuration."""
        return cast("Config", yaml.safe_load((self.stack.project / f"Pulumi.{STACK}.yaml").read_text())["config"])

    @property
    def revision(self) -> str:
        """Of the entry as it was laid out."""
        return Revision.of(self.service.spec, SlotRelease()).name

    @property
    def service(self) -> Service:
        return Service(self.stack, SERVICE)

    @property
    def release(self) -> ServiceRelease:
        return self.service.release()

    def begin(self, target: SlotRelease = TARGET, **how: Any) -> None:
        run = new_run(self.service, target, driver.now(), **how)
        driver.begin(self.service, run, self.events.append)

    def go(self, steps: int | None = None) -> driver.Outcome:
        return driver.go(self.service, self.events.append, steps=steps)

    def released(self, **how: Any) -> driver.Outcome:
        self.begin(**how)
        return self.go()


def world(folder: Path, strategy: Config = CANARY, *, deployed: bool = True, **changes: Any) -> World:
    """Lay the project out: one service in prod, which runs IMAGE in its blue slot."""
    service: Config = {
        "image": "server", "port": 5000, "resources": {"requests": RESOURCES, "limits": RESOURCES},
        "scaling": {"replicas": 3}, "route": {"host": "web.example.com"}, "release": strategy, **changes,
    }  # fmt: skip
    entry: Config = {"name": "web", "images": {"server": {"context": "serving"}}, "services": {SERVICE: service}}
    (folder / "catalog").mkdir(parents=True)
    (folder / "catalog" / "web.yaml").write_text(yaml.safe_dump(entry | {"environments": {"dev": {}, "prod": {}}}))
    config: Config = {
        "slipway:system": {"entry": "web", "environment": "prod"},
        "slipway:cluster": {"context": "none", "prometheusUrl": "http://none:9090"},
    }
    if deployed:
        config["slipway:release"] = {SERVICE: {"slots": {"blue": {"image": IMAGE}}}}
    (folder / f"Pulumi.{STACK}.yaml").write_text("# kept\n" + yaml.safe_dump({"config": config}))
    stack = Stack.open(folder, STACK)
    users = Prometheus(released=lambda: _released(stack))
    cluster = Cluster(users=users)
    engine = Engine(stack, cluster)
    if deployed:
        cluster.brought(Service(stack, SERVICE).release(), engine.tree)
    stack.__dict__.update(engine=engine, cluster=cluster, metrics=users)
    return World(stack, engine, cluster, users)


def _released(stack: Stack) -> Version | None:
    run = Service(stack, SERVICE).record().run
    return None if run is None else version(run.target, IMAGE)
