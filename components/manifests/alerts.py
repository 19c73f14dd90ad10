"""The PrometheusRule of a service: error budgets that burn too fast, and inferences that take too long.

Burn rates and windows are those of the SRE workbook (https://sre.google/workbook/alerting-on-slos/, approach 6) for
objectives over 30 days. Every alert is per slot: the live slot's many good answers must not hide a bad canary.
A slot without requests raises none: 0 / 0 is NaN, and no comparison with NaN holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from components import labels, names
from components.manifests.monitor import WITHOUT_PROBES, scraped
from models.cluster import ClusterSettings
from models.monitoring import MeanLatency, Monitoring
from models.system import SystemSpec

LATENCY_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.23, 0.3, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds; upper bounds of ``http_request_duration_seconds`` (LATENCY_BUCKETS of serving/telemetry.py): between two of
them a histogram knows no count."""
MOST_INTERVAL = 75
"""Seconds between two scrapes: the shortest window, five minutes, must hold four samples to bear a lost one."""

SLOT = scraped(labels.SLOT)
_SLOTS = ("blue", "green")
_BY = f"sum by ({SLOT})"


@dataclass(frozen=True)
class BurnRate:
    """How much faster than planned the 30 days' budget goes, seen over a long and a short window."""

    factor: Decimal
    long: str
    short: str
    """The short window ends the alert soon after the errors end."""
    severity: str


BURN_RATES = (
    BurnRate(Decimal("14.4"), "1h", "5m", "critical"),  # 2 % of the budget in an hour: page
    BurnRate(Decimal(6), "6h", "30m", "critical"),  # 5 % in six hours: page
    BurnRate(Decimal(3), "1d", "2h", "warning"),  # 10 % in a day: ticket
    BurnRate(Decimal(1), "3d", "6h", "warning"),  # 10 % in three days: ticket
)
MEAN_WINDOW = "5m"


@dataclass(frozen=True, kw_only=True)
class _Objective:
    """One objective: who burns its budget, and the share of bad requests over a window that is left open."""

    alert: str
    budget: Decimal
    share: str
    summary: str


@dataclass(frozen=True, kw_only=True)
class _Alert:
    """One alert, before what all of them say."""

    name: str
    expression: str
    labels: dict[str, str]
    summary: str
    description: str
    holds: int = 0
    """Seconds; the burn rates' short windows make waiting needless."""


def rule_spec(
    *, service: str, namespace: str, monitoring: Monitoring, cluster: ClusterSettings
) -> dict[str, object] | None:
    """Describe the service's alerts; none = the entry asks for none."""
    series = _series(service, namespace)
    alerts = [
        _burning(objective, rate)
        for objective in _objectives(service, series, monitoring)
        for rate in BURN_RATES
        # With a budget this large even an outage burns slower: a rule that can never fire promises too much.
        if rate.factor * objective.budget < 1
    ]
    if monitoring.mean_latency:
        alerts.append(_slow(service, series, monitoring.mean_latency))
    rules = [_rule(alert, service, cluster.runbook_url) for alert in alerts]
    return {"groups": [{"name": f"{namespace}/{service}", "rules": rules}]} if rules else None


def _series(service: str, namespace: str) -> str:
    """Match the service's series: label ``service`` is the Kubernetes Service that was scraped, a private one."""
    private = "|".join(names.slot_name(service, slot) for slot in _SLOTS)
    return f'namespace="{namespace}",service=~"{private}"'


def _objectives(service: str, series: str, monitoring: Monitoring) -> Iterator[_Objective]:
    requests = f"{series},{WITHOUT_PROBES}"
    slo = monitoring.slo
    if slo and slo.availability is not None:
        failed = f'{_BY} (rate(http_requests_total{{{requests},status=~"5.."}}[WINDOW]))'
        yield _Objective(
            alert="AvailabilityBudgetBurn",
            budget=1 - slo.availability / 100,
            share=f"{failed} / {_BY} (rate(http_requests_total{{{requests}}}[WINDOW]))",
            summary=f"{service} answers too many requests with a 5xx for {slo.availability} % availability",
        )
    if slo and slo.latency:
        duration, bound = "http_request_duration_seconds", slo.latency.within / 1000
        quick = f'{_BY} (rate({duration}_bucket{{{requests},le="{bound}"}}[WINDOW]))'
        yield _Objective(
            alert="LatencyBudgetBurn",
            budget=1 - slo.latency.percent / 100,
            share=f"1 - {quick} / {_BY} (rate({duration}_count{{{requests}}}[WINDOW]))",
            summary=f"{service} answers fewer than {slo.latency.percent} % of the requests in {slo.latency.within} ms",
        )


def _burning(objective: _Objective, rate: BurnRate) -> _Alert:
    most = f"{(rate.factor * objective.budget).normalize():f}"
    long, short = (f"({objective.share.replace('WINDOW', window)}) > {most}" for window in (rate.long, rate.short))
    return _Alert(
        name=objective.alert,
        expression=f"{long}\nand\n{short}",
        labels={"severity": rate.severity, "window": rate.long},
        summary=objective.summary,
        description=f"{{{{ $value | humanizePercentage }}}} of the requests to slot {{{{ $labels.{SLOT} }}}} over "
        f"{rate.long}, and too many over the last {rate.short}: the error budget burns at rate {rate.factor} "
        "(at rate 1 it lasts 30 days).",
    )


def _slow(service: str, series: str, latency: MeanLatency) -> _Alert:
    spent, counted = (
        f"{_BY} (rate(inference_duration_seconds_{part}{{{series}}}[{MEAN_WINDOW}]))" for part in ("sum", "count")
    )
    most = f"{(Decimal(latency.above) / 1000).normalize():f}"
    return _Alert(
        name="HighInferenceLatency",
        expression=f"{spent}\n/\n{counted}\n> {most}",
        labels={"severity": latency.severity},
        summary=f"{service} takes more than {latency.above} ms for an inference on average",
        description=f"Slot {{{{ $labels.{SLOT} }}}} takes {{{{ $value | humanizeDuration }}}} on average over "
        f"{MEAN_WINDOW}, for {latency.holds} s or longer.",
        holds=latency.holds,
    )


def _rule(alert: _Alert, service: str, runbook: str | None) -> dict[str, object]:
    """Write an alert down with who it is about, and where a person who is paged reads on."""
    page = {"runbook_url": f"{runbook}#{alert.name.lower()}"} if runbook else {}
    return {
        "alert": alert.name,
        "expr": alert.expression,
        **({"for": f"{alert.holds}s"} if alert.holds else {}),
        "labels": {**alert.labels, "service": service, "slot": f"{{{{ $labels.{SLOT} }}}}"},
        "annotations": {"summary": alert.summary, "description": alert.description, **page},
    }


def faults(system: SystemSpec) -> Iterator[str]:
    """Give one line for each objective that the series cannot answer."""
    for name, service in system.services.items():
        monitoring = service.spec.monitoring
        if monitoring is None or not system.cluster.monitoring:
            continue
        where = f"catalog/{system.name}.yaml: services.{name}.monitoring"
        latency = monitoring.slo.latency if monitoring.slo else None
        if latency and latency.within / 1000 not in LATENCY_BOUNDS:
            known = ", ".join(f"{1000 * bound:g}" for bound in LATENCY_BOUNDS)
            yield (
                f"{where}.slo.latency.within: {latency.within}ms is no bound of the server's histogram, "
                f"which counts requests within {known} ms; take one of them"
            )
        if (monitoring.slo or monitoring.mean_latency) and monitoring.interval > MOST_INTERVAL:
            yield (
                f"{where}.interval: {monitoring.interval}s between two scrapes leaves the alerts' five-minute "
                f"windows too few samples; at most {MOST_INTERVAL}s"
            )
