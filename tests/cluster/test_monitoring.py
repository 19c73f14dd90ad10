"""Every alert of Slipway, fired once and resolved again in a Prometheus that the Prometheus operator runs.

Which alerts there are is read from the PrometheusRules: a new one that nothing here provokes fails a test. All are
provoked at once, in services of their own, and nothing else may fire. Windows and thresholds are the shipped ones, as
are the five minutes of TargetDown and NoTargetUp; elsewhere HOLDS stands for up to a quarter of an hour. Each run has a
namespace of its own: windows reach back three days, and an earlier run's good requests would hide the errors.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from components import names
from tests.cluster import faulty, harm, seen
from tests.cluster.copies import MANAGEMENT_PORT, Copy, entry, image, running, service
from tests.cluster.faulty import Fault
from tests.cluster.operated import Key, Kind, Operated, operated, watching
from tests.cluster.releasing import MODEL
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import until

pytestmark = pytest.mark.long

NAME = "alarming"
HOLDS = "30s"
PER_SECOND = 20
FIRE_SECONDS, RESOLVE_SECONDS = 400, 420
"""The longest: five minutes without an answer; five minutes of a window after the last refused request,
or of an HPA that has metrics and keeps a second pod so long."""
NOTICED_SECONDS = 240
"""The operator's reloader looks every three minutes, if the kubelet did not tell it; the rest is the kubelet's."""
SLOW_SECONDS, BUSY_SECONDS = 0.3, 0.5
SLO_PERCENT = 94
"""Its largest burn rate, 14.4, is 86 % of bad requests, so that one burst burns at all four rates."""
MODERATE: Json = {"saturation": {"for": HOLDS}, "replicasAtMax": {"for": HOLDS}}
WINDOWS = ("1h", "6h", "1d", "3d")


@dataclass(frozen=True)
class Burst:
    """A service whose first requests end badly."""

    fault: Fault
    alerts: frozenset[Kind]
    blocks: Json


def burning(alert: str) -> frozenset[Kind]:
    return frozenset(Kind(alert, window, "") for window in WINDOWS)


TARGET_DOWN, NO_TARGET_UP, AT_MAX = (Kind(name, "", "") for name in ("TargetDown", "NoTargetUp", "ReplicasAtMax"))
BURSTS = {
    "failing": Burst(
        fault=Fault(every=1, first=300),
        alerts=burning("AvailabilityBudgetBurn"),
        blocks={"monitoring": {"interval": "1s", "alerts": MODERATE, "slo": {"availability": SLO_PERCENT}}},
    ),
    "slow": Burst(
        fault=Fault(delay=SLOW_SECONDS, first=300),
        alerts=burning("LatencyBudgetBurn"),
        blocks={
            "monitoring": {
                "interval": "1s",
                "alerts": MODERATE,
                "slo": {"latency": {"percent": SLO_PERCENT, "within": "200ms"}},
            }
        },
    ),
    # One worker thread takes 2 requests a second of 20, four more wait for 2 s each, all others are refused.
    "crowded": Burst(
        fault=Fault(busy=BUSY_SECONDS, first=1200),
        alerts=frozenset(
            {
                Kind("Saturation", "", "refused"),
                Kind("Saturation", "", "waiting"),
                Kind("HighInferenceLatency", "", ""),
            }
        ),
        blocks={
            "server": {"queueLimit": 4},
            "monitoring": {
                "interval": "1s",
                "alerts": MODERATE,
                "meanLatency": {"above": "200ms", "for": HOLDS},
            },
        },
    ),
}
HIDDEN, GONE, GROWN = "hidden", "gone", "grown"
QUIET: Json = {"interval": "1s", "alerts": MODERATE}
PROVOKED = {
    **{name: burst.alerts for name, burst in BURSTS.items()},
    HIDDEN: frozenset({TARGET_DOWN}),
    GONE: frozenset({NO_TARGET_UP}),
    GROWN: frozenset({AT_MAX}),
}
"""What each service is to fire, and nothing else."""
REPLICAS = {HIDDEN: 2}


def content() -> Json:
    services = {name: service(f"{NAME}-{name}", MODEL, **burst.blocks) for name, burst in BURSTS.items()}
    services[HIDDEN] = service(f"{NAME}-{HIDDEN}", MODEL, monitoring=QUIET, scaling={"replicas": REPLICAS[HIDDEN]})
    services[GONE] = service(f"{NAME}-{GONE}", MODEL, monitoring=QUIET)
    scaling = {"minReplicas": 1, "maxReplicas": 2, "metrics": {"cpu": {"utilization": 90}}}
    services[GROWN] = service(f"{NAME}-{GROWN}", MODEL, monitoring=QUIET, scaling=scaling)
    return entry(NAME, services)


@dataclass(frozen=True)
class Alarming:
    """The system, and the Prometheus that sees it."""

    copy: Copy
    prometheus: Operated

    def declared(self) -> list[Json]:
        """The rules of its PrometheusRules."""
        rules = self.copy.found("prometheusrules")["items"]
        return [rule for one in rules for group in one["spec"]["groups"] for rule in group["rules"]]

    @contextmanager
    def provoked(self) -> Generator[dict[str, float]]:
        """Do to the services without a load what they are there for; give when (unix times)."""
        with ExitStack() as undone:
            undone.enter_context(harm.hidden_from(self.copy.pods(HIDDEN)[0], self.prometheus.address))
            undone.enter_context(self._scaled(GONE, 0))
            undone.enter_context(self._scaled(GROWN, 2))
            yield dict.fromkeys((HIDDEN, GONE, GROWN), time.time())

    @contextmanager
    def _scaled(self, service: str, replicas: int) -> Generator[None]:
        """Scale a service of one pod, as a person does or an autoscaler."""
        scale = ("scale", "deployment", names.slot_name(service, "blue"))
        self.copy.kubectl(*scale, f"--replicas={replicas}")
        try:
            yield
        finally:
            self.copy.kubectl(*scale, "--replicas=1")


@pytest.fixture(scope="module")
def prometheus(stack: Stack) -> Operated:
    with suppress(AssertionError):
        return until(lambda: operated(stack), 90, "the operator's Prometheus")[1]
    pytest.fail("no ready Prometheus of the operator: make up WITH=monitoring")


@pytest.fixture(scope="module")
def system(stack: Stack, prometheus: Operated, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alarming]:
    bad = {name: faulty.image(image("server"), burst.fault) for name, burst in BURSTS.items()}
    release = {name: {"live": "blue", "slots": {"blue": {"image": one}}} for name, one in bad.items()}
    folder, namespace = tmp_path_factory.mktemp(NAME), f"{NAME}-{time.time():.0f}"
    with running(stack, folder, content(), release, namespace=namespace) as copy:
        yield Alarming(copy, prometheus)


def test_the_operator_s_prometheus_scrapes_every_pod_with_the_labels_that_the_documentation_promises(
    system: Alarming, facts: list[str]
) -> None:
    began = time.time()
    expected = {pod["metadata"]["name"]: (name, pod) for name in PROVOKED for pod in system.copy.pods(name)}
    assert len(expected) == len(PROVOKED) + sum(REPLICAS.values()) - len(REPLICAS)

    def all_up() -> list[Json]:
        found = system.prometheus.targets(system.copy.namespace)
        ready = {target["labels"]["pod"] for target in found if target["health"] == "up"}
        return found if ready == expected.keys() else []

    took, targets = until(all_up, NOTICED_SECONDS, "every pod is scraped")
    facts.append(f"operator: {len(targets)} pods of a new system scraped {took - began:.1f} s after its up")
    assert len(targets) == len(expected)  # each once
    for target in targets:
        labels = target["labels"]
        name, pod = expected[labels["pod"]]
        slot = names.slot_name(name, "blue")
        assert labels == {
            "namespace": system.copy.namespace,
            "pod": pod["metadata"]["name"],
            "container": pod["spec"]["containers"][0]["name"],
            "endpoint": "management",
            "instance": f"{pod['status']['podIP']}:{MANAGEMENT_PORT}",
            "job": slot,
            "service": slot,
            "slipway_dev_slot": "blue",
        }
    series = system.prometheus.asked("query", query=f'up{{namespace="{system.copy.namespace}"}} == 1')["result"]
    assert len(series) == len(expected)


def test_every_declared_rule_is_evaluated(system: Alarming) -> None:
    declared = {(rule["alert"], rule["labels"]["service"], rule["expr"]) for rule in system.declared()}
    assert {service for _, service, _ in declared} == PROVOKED.keys()

    def all_loaded() -> list[Json]:
        rules = system.prometheus.rules(system.copy.namespace)
        return rules if len(rules) == len(system.declared()) and all(r["health"] == "ok" for r in rules) else []

    _, rules = until(all_loaded, NOTICED_SECONDS, "every rule is loaded")
    assert {(rule["name"], rule["labels"]["service"]) for rule in rules} == {(n, s) for n, s, _ in declared}
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []


def test_here_every_kind_of_alert_is_provoked(system: Alarming) -> None:
    declared = {Kind.of(rule["alert"], rule["labels"]) for rule in system.declared()}
    assert declared
    assert declared == {kind for kinds in PROVOKED.values() for kind in kinds}


def test_every_alert_fires_once_and_is_resolved_and_no_other_fires(
    system: Alarming, pictures: list[tuple[bytes, str]], tmp_path: Path, facts: list[str]
) -> None:
    expected = {Key(name, kind) for name, kinds in PROVOKED.items() for kind in kinds}
    began, ended = dict[str, float](), dict[str, float]()
    with watching(system.prometheus, system.copy.namespace) as watch:
        with ExitStack() as loads:
            sent = {
                name: loads.enter_context(
                    seen.running(system.copy.ingress(name), pictures[0][0], tmp_path, per_second=PER_SECOND)
                )
                for name in BURSTS
            }
            with system.provoked() as since:
                _empty(lambda: expected - watch.fired.keys(), FIRE_SECONDS, "not fired")
            ended |= dict.fromkeys(since, time.time())
            _empty(lambda: watch.firing, RESOLVE_SECONDS, "not resolved")
        for name, load in sent.items():
            bad = sorted(load.answers)[: BURSTS[name].fault.first]
            began[name], ended[name] = bad[0].sent, bad[-1].done
        began |= since
    for key in sorted(watch.fired, key=str):
        told = (
            f"after {watch.fired[key] - began[key.service]:.0f} s, resolved {watch.seen[key] - ended[key.service]:.0f}"
        )
        facts.append(f"alert: {key}: fires {told} s after the end of what provoked it")
    assert watch.fired.keys() == expected


def _empty(look: Callable[[], set[Key]], seconds: float, what: str) -> None:
    """Wait until nothing is left, or say what is."""
    deadline = time.monotonic() + seconds
    while left := look():
        assert time.monotonic() < deadline, f"{what} within {seconds:g} s: {', '.join(sorted(map(str, left)))}"
        time.sleep(1)
