"""Alerts on a service's objectives: error budgets that burn too fast, and inferences that take too long.

Burn rates and windows are those of the SRE workbook (https://sre.google/workbook/alerting-on-slos/, approach 6) for
objectives over 30 days. A slot without requests raises no alert: 0 / 0 is NaN, and no comparison with NaN is true.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from components.manifests.alert import BY_SLOT, SLOT, Alert, mean_above, series_of
from components.manifests.monitor import WITHOUT_PROBES
from models.monitoring import MeanLatency, Monitoring, Slo


@dataclass(frozen=True)
class BurnRate:
    """How much faster than planned the 30-day budget burns, measured over a long and a short window."""

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
class Objective:
    """One objective: its error budget, and the query for the share of bad requests."""

    alert: str
    budget: Decimal
    """The share of requests in 30 days that may be bad."""
    bad: str
    """The expression for the share of bad requests, with ``WINDOW`` in place of the window."""
    summary: str

    def share(self, window: str) -> str:
        """Return the expression for the share of bad requests over a window."""
        return self.bad.replace("WINDOW", window)


def alerts(service: str, namespace: str, monitoring: Monitoring) -> Iterator[Alert]:
    """Yield the alerts of each objective, and HighInferenceLatency if the entry sets a limit."""
    for objective in objectives(service, namespace, monitoring.slo) if monitoring.slo else ():
        for rate in BURN_RATES:
            # With a budget this large, even an outage burns more slowly, so the rule could never fire.
            if rate.factor * objective.budget < 1:
                yield _burning(objective, rate)
    if monitoring.mean_latency:
        yield _slow(service, namespace, monitoring.mean_latency)


def objectives(service: str, namespace: str, slo: Slo, *, summed: str = BY_SLOT) -> Iterator[Objective]:
    """Yield the service's objectives, each with its share of bad requests: per slot, or ``sum`` for both slots."""
    requests = f"{series_of(service, namespace)},{WITHOUT_PROBES}"
    if slo.availability is not None:
        failed = f'{summed} (rate(http_requests_total{{{requests},status=~"5.."}}[WINDOW]))'
        yield Objective(
            alert="AvailabilityBudgetBurn",
            budget=1 - slo.availability / 100,
            bad=f"{failed} / {summed} (rate(http_requests_total{{{requests}}}[WINDOW]))",
            summary=f"{service} answers too many requests with a 5xx to meet {slo.availability} % availability",
        )
    if slo.latency:
        duration, bound = "http_request_duration_seconds", slo.latency.within / 1000
        quick = f'{summed} (rate({duration}_bucket{{{requests},le="{bound}"}}[WINDOW]))'
        yield Objective(
            alert="LatencyBudgetBurn",
            budget=1 - slo.latency.percent / 100,
            bad=f"1 - {quick} / {summed} (rate({duration}_count{{{requests}}}[WINDOW]))",
            summary=f"{service} answers fewer than {slo.latency.percent} % of requests within {slo.latency.within} ms",
        )


def _burning(objective: Objective, rate: BurnRate) -> Alert:
    most = f"{(rate.factor * objective.budget).normalize():f}"
    long, short = (f"({objective.share(window)}) > {most}" for window in (rate.long, rate.short))
    return Alert(
        name=objective.alert,
        expression=f"{long}\nand\n{short}",
        labels={"severity": rate.severity, "window": rate.long},
        summary=objective.summary,
        description=f"{{{{ $value | humanizePercentage }}}} of requests to slot {{{{ $labels.{SLOT} }}}} missed the "
        f"objective over {rate.long}, and too many over the last {rate.short}: the error budget burns at more than "
        f"rate {rate.factor} (at rate 1 it lasts 30 days).",
    )


def _slow(service: str, namespace: str, latency: MeanLatency) -> Alert:
    series, most = series_of(service, namespace), Decimal(latency.above) / 1000
    return Alert(
        name="HighInferenceLatency",
        expression=mean_above("inference_duration_seconds", series, MEAN_WINDOW, most),
        labels={"severity": latency.severity},
        summary=f"{service} takes more than {latency.above} ms per inference on average",
        description=f"An inference in slot {{{{ $labels.{SLOT} }}}} has taken {{{{ $value | humanizeDuration }}}} on "
        f"average over {MEAN_WINDOW}, for {latency.holds} s or longer.",
        holds=latency.holds,
    )
