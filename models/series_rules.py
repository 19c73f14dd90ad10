"""Rules by which Prometheus has the series that a system's objectives, alerts and autoscalers need."""

from collections.abc import Iterator

from models.metrics import MATCHERS, ExternalMetric
from models.monitoring import Monitoring
from models.profile import DURATION
from models.scaling import Autoscaled
from models.system import SystemSpec

MOST_INTERVAL = 75
"""Maximum seconds between two scrapes. The shortest window, 5 minutes, needs 4 samples to tolerate a lost one."""


def faults(system: SystemSpec) -> Iterator[str]:
    """Yield one line for each objective, alert or metric that the system's series cannot serve."""
    yield from _gate_faults(system)
    yield from _alert_faults(system)
    yield from _adapter_faults(system)


def _gate_faults(system: SystemSpec) -> Iterator[str]:
    for name, service in system.services.items():
        where = f"catalog/{system.name}.yaml: services.{name}.release.gate"
        yield from (f"{where}.{fault}" for fault in service.spec.release.gate.faults(service.spec.profile))
        if system.cluster.direct and not system.cluster.prometheus:
            for check in service.spec.release.gate.checks:
                yield (
                    f"{where}.checks.{check}: is a query to Prometheus, but slipway:cluster.metrics is direct and no "
                    "Prometheus is named; set slipway:cluster.metricsUrl too, or remove the check"
                )


def _alert_faults(system: SystemSpec) -> Iterator[str]:
    for name, service in system.services.items():
        monitoring, duration = service.spec.monitoring, service.spec.profile.histograms.get(DURATION)
        if monitoring is None or not system.cluster.monitoring:
            continue
        where = f"catalog/{system.name}.yaml: services.{name}.monitoring"
        latency = monitoring.slo.latency if monitoring.slo else None
        if latency and duration and (fault := duration.fault(latency.within)):
            yield f"{where}.slo.latency.within: {fault}"
        if _alerting(monitoring) and monitoring.interval > MOST_INTERVAL:
            yield (
                f"{where}.interval: {monitoring.interval}s between two scrapes leaves too few samples in the "
                f"five-minute windows of the alerts; set at most {MOST_INTERVAL}s, or set each of monitoring.alerts to "
                "null and remove slo and meanLatency"
            )


def _alerting(monitoring: Monitoring) -> bool:
    switches = monitoring.alerts
    usual = (switches.target_down, switches.no_target_up, switches.saturation, switches.replicas_at_max)
    return any((monitoring.slo, monitoring.mean_latency, *usual))


def _adapter_faults(system: SystemSpec) -> Iterator[str]:
    windows: dict[str, tuple[str, int]] = {}
    queries: dict[str, tuple[str, str | None]] = {}
    for service, deployed in system.services.items():
        if not isinstance(deployed.spec.scaling, Autoscaled):
            continue
        metrics = deployed.spec.scaling.metrics
        where = f"catalog/{system.name}.yaml: services.{service}.scaling.metrics"
        if metrics.pods and deployed.spec.monitoring is None:
            yield f"{where}.pods: no Prometheus scrapes {service}, so no HPA can read these metrics; set monitoring"
        for name, metric in metrics.pods.items():
            owner, window = windows.setdefault(name, (service, metric.window))
            if window != metric.window:
                yield (
                    f"{where}.pods.{name}.window: {metric.window}s, but {owner} sets {window}s, and the "
                    "adapter has one rule for each metric name; set the same window"
                )
        for name, metric in metrics.external.items():
            owner, query = queries.setdefault(name, (service, metric.query))
            if query != metric.query:
                yield (
                    f"{where}.external.{name}.query: differs from the query of {owner}, and the adapter has one rule "
                    "for each metric name; set the same query, or choose another name"
                )
            yield from _label_faults(f"{where}.external.{name}", metric)


def _label_faults(where: str, metric: ExternalMetric) -> Iterator[str]:
    if metric.labels and metric.query and MATCHERS not in metric.query:
        yield f"{where}.labels: the query has no placeholder for labels; add {{{MATCHERS}}} after its series"
