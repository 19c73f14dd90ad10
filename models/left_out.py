"""What a preview says about criteria, alerts and panels for which a service's metrics profile has no series."""

from collections.abc import Iterator

from models.cluster import ClusterSettings
from models.errors import enumerated
from models.monitoring import Monitoring
from models.offer import Offer
from models.profile import DURATION, INFERENCE, NOTHING, PROXY, WAIT
from models.service import ServiceSpec


def notices(name: str, spec: ServiceSpec, cluster: ClusterSettings) -> Iterator[tuple[str, bool]]:
    """Yield each line about a service, and whether it is a warning: what the gate or an alert cannot measure is one."""
    offer, gate = Offer.of(spec, cluster), spec.release.gate
    if spec.profile in (PROXY, NOTHING):
        read = "Slipway reads the proxy's counters" if offer.proxied else "Slipway reads no counter of requests"
        line = (
            f"no metricsProfile is set, and no profile names the image's build context, so {read}; set "
            "metricsProfile to the server's, or to proxy if the server has no metrics"
        )
        yield f"{name}: {line}", False
    if not gate.criteria:
        line = (
            "nothing is judged: release.gate names no criterion, so every release is promoted, without evidence for "
            "the next environment; set gate.errors, gate.latency, gate.checks or gate.webhook"
        )
        yield f"{name}: {line}", True
    for line in offer.unjudged(gate):
        yield f"{name}: {line}; until then, every release ends before its first request", True
    if spec.monitoring is not None and cluster.monitoring:
        if lost := list(_alerts(offer, spec.monitoring)):
            yield (
                f"{name}: its metrics profile offers no series for {enumerated(lost)}, which {_are(lost)} left out",
                True,
            )
        if shown := list(_panels(offer)) if cluster.dashboards else []:
            yield (
                f"{name}: the dashboard leaves out {enumerated(shown)}, for which the metrics profile has no series",
                False,
            )


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _alerts(offer: Offer, monitoring: Monitoring) -> Iterator[str]:
    """Yield the alerts that the entry sets, or has by default, and for which there are no series."""
    slo, profile = monitoring.slo, offer.profile
    if slo and slo.availability is not None and offer.watched is None:
        yield "AvailabilityBudgetBurn (slo.availability)"
    if slo and slo.latency and offer.times(DURATION) is None:
        yield "LatencyBudgetBurn (slo.latency)"
    if monitoring.mean_latency and profile.mean(INFERENCE) is None:
        yield "HighInferenceLatency (meanLatency)"
    if monitoring.alerts.saturation:
        refused = offer.watched == "server" and profile.requests and profile.requests.refused
        lacking = [*([] if refused else ["refused requests"]), *([] if profile.mean(WAIT) else ["the wait"])]
        if lacking:
            yield f"Saturation by {enumerated(lacking)}"
    if not profile.scrape:
        asked = monitoring.alerts
        usual = {
            "TargetDown": asked.target_down,
            "NoTargetUp": asked.no_target_up,
            "ReplicasAtMax": asked.replicas_at_max,
        }
        yield from (name for name, alert in usual.items() if alert)


def _panels(offer: Offer) -> Iterator[str]:
    profile = offer.profile
    if offer.watched is None:
        yield "requests and errors"
    if offer.times(DURATION) is None:
        yield "latency"
    if profile.queue is None:
        yield "queue"
    if profile.mean(WAIT) is None:
        yield "wait"
    if not profile.process:
        yield "CPU and memory"
