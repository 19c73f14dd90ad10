"""A small world of processes that count requests, and two readers of it: a Prometheus, and the driver itself.

A process restarts, vanishes, is created, and does not answer, at any time. Its counters follow the rules of a real
client library: a labelled counter does not exist before its first request, and begins anew with its process.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from delivery.errors import MetricsUnavailable
from delivery.metrics.direct import Direct
from delivery.metrics.history import START
from delivery.metrics.sources import Target
from models.cluster import ClusterSettings
from tests.delivery.prometheus import Fake, Sample
from tests.samples import Config

NAMESPACE, SERVICE, PROXIES = "ml", "digits", "ingress-nginx"
Labels = tuple[tuple[str, str], ...]
SERVER = "http_requests_total"
PROXY = "traefik_service_requests_total"
BUCKETS = "http_request_duration_seconds_bucket"


@dataclass
class Process:
    """A pod, by its name."""

    name: str
    slot: str
    """Empty = it is the proxy's."""
    created: float
    started: float
    counts: Counter[tuple[str, Labels]] = field(default_factory=Counter[tuple[str, Labels]])
    silent: bool = False
    gone: bool = False

    def text(self) -> str:
        """What it exposes."""
        lines = ["# TYPE process_start_time_seconds gauge", f"process_start_time_seconds {self.started}"]
        for (metric, labels), value in sorted(self.counts.items()):
            own = ",".join(f'{name}="{said}"' for name, said in labels)
            lines.append(f"{metric}{{{own}}} {value}")
        return "\n".join(lines) + "\n"

    def labels(self) -> dict[str, str]:
        """What a scrape adds to every series."""
        own = {"job": "proxy", "instance": self.name}
        if not self.slot:
            return own
        private = f"{SERVICE}-{self.slot}"
        return {
            **own, "job": private, "namespace": NAMESPACE, "service": private, "slipway_dev_slot": self.slot,
            "pod": self.name,
        }  # fmt: skip

    def pod(self) -> Config:
        """The object in the API server."""
        own = {"app.kubernetes.io/name": SERVICE, "slipway.dev/slot": self.slot, "slipway.dev/metrics": "management"}
        labels = own if self.slot else {"app.kubernetes.io/name": "traefik"}
        ports = [{"name": "web", "containerPort": 5000}, {"name": "management", "containerPort": 9000}]
        return {
            "metadata": {
                "name": self.name,
                "uid": f"{self.name}-{self.created}",
                "labels": labels,
                "creationTimestamp": datetime.fromtimestamp(int(self.created), UTC).isoformat(),
            },
            "spec": {"containers": [{"name": "server", "ports": ports}]},
            "status": {"phase": "Running", "podIP": "10.0.0.7"},
        }


@dataclass
class World:
    """All processes, and the time."""

    now: float = 1000.0
    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    prometheus: Fake = field(default_factory=Fake)
    asked: list[str] = field(default_factory=list[str])
    _series: dict[tuple[str, str, Labels], list[Sample]] = field(
        default_factory=dict[tuple[str, str, Labels], "list[Sample]"]
    )
    _up: dict[str, list[Sample]] = field(default_factory=dict[str, "list[Sample]"])

    def add(self, name: str, slot: str = "", *, created: float | None = None) -> Process:
        """Create a pod."""
        at = self.now if created is None else created
        self.processes[name] = found = Process(name, slot, at, at)
        return found

    def running(self) -> list[Process]:
        return [one for one in self.processes.values() if not one.gone]

    def scraped(self) -> None:
        """Let Prometheus scrape every process now."""
        for one in self.processes.values():
            up = self._up.setdefault(one.name, [])
            answers = not (one.silent or one.gone)
            if not one.gone:
                up.append((self.now, float(answers)))
            elif up and up[-1][1] is not None:
                up.append((self.now, None))
            for (name, metric, labels), samples in self._series.items():
                known = answers and ((metric, labels) in one.counts or metric == START)
                if name == one.name and samples[-1][1] is not None and not known:
                    samples.append((self.now, None))
            if answers:
                for (metric, labels), value in [*one.counts.items(), ((START, ()), one.started)]:
                    self._series.setdefault((one.name, metric, labels), []).append((self.now, float(value)))

    def asks_prometheus(self) -> Fake:
        """Return Prometheus with everything that it has scraped until now."""
        fake = Fake(now=self.now)
        for name, up in self._up.items():
            fake.add({"__name__": "up", **self.processes[name].labels()}, up)
        for (name, metric, labels), samples in self._series.items():
            attached = self.processes[name].labels()
            own = {("exported_" if key in attached else "") + key: value for key, value in labels}
            fake.add({"__name__": metric, **own, **attached}, samples)
        return fake

    def direct(self, **cluster: object) -> Direct:
        """Return the driver's own reader, whose rounds the test begins."""
        settings = ClusterSettings.model_validate({"context": "prod", "metrics": "direct", **cluster})
        return Direct(self, settings, clock=lambda: self.now, threads=False)

    def listed(self, path: str, selector: Mapping[str, str]) -> list[Config]:
        self.asked.append(path)
        proxies = path == f"/api/v1/namespaces/{PROXIES}/pods"
        assert proxies or path == f"/api/v1/namespaces/{NAMESPACE}/pods", path
        pods = [one.pod() for one in self.running() if bool(one.slot) != proxies]
        return [pod for pod in pods if selector.items() <= pod["metadata"]["labels"].items()]

    def text(self, address: str) -> str:
        self.asked.append(address)
        name, _, rest = address.rpartition("/pods/")[2].partition(":")
        one = self.processes[name]
        assert rest == ("9000/proxy/metrics" if one.slot else "9100/proxy/metrics"), address
        if one.silent or one.gone:
            raise MetricsUnavailable(f"{address}: no answer within 0.9 s: timed out")
        return one.text()


def traefik(slot: str, code: str = "200") -> tuple[str, Labels]:
    """The proxy's counter of a slot while blue is live."""
    canary = "" if slot == "blue" else "-canary"
    return PROXY, (
        ("code", code),
        ("service", f"{NAMESPACE}-{SERVICE}-{SERVICE}-blue-web{canary}@kubernetesingressnginx"),
    )


def server(status: str = "200") -> tuple[str, Labels]:
    """A server's counter."""
    return SERVER, (("route", "/predict"), ("status", status))


def bucket(le: str) -> tuple[str, Labels]:
    """A server's histogram."""
    return BUCKETS, (("le", le), ("route", "/predict"))


def watched(direct: Direct, target: Target, **within: int):  # noqa: ANN201 -- a context
    return direct.watching(target, within, "/metrics")
