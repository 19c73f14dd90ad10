"""Alerts on a service's objectives: error budgets that burn too fast, and inferences that take too long.

Burn rates and windows are those of the SRE workbook (https://sre.google/workbook/alerting-on-slos/, approach 6) for
objectives over 30 days. A slot without requests raises no alert: 0 / 0 is NaN, and no comparison with NaN is true.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from components.manifests.alert import Alert
from components.manifests.pod_alerts import OVER
from components.manifests.rates import SLOT, Sum
from components.manifests.watched import Watched
from models.monitoring import MeanLatency, Monitoring, Slo
from models.profile import INFERENCE, Mean
from models.quantity import plain


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


def alerts(watched: Watched, monitoring: Monitoring) -> Iterator[Alert]:
    """Yield the alerts of each objective, and HighInferenceLatency if the entry sets a limit."""
    for objective in objectives(watched, monitoring.slo) if monitoring.slo else ():
        for rate in BURN_RATES:
            # With a budget this large, even an outage burns more slowly, so the rule could never fire.
            if rate.factor * objective.budget < 1:
                yield _burning(objective, rate)
    inference = watched.spec.profile.mean(INFERENCE)
    if monitoring.mean_latency and inference:
        yield _slow(watched, inference, monitoring.mean_latency)


def objectives(watched: Watched, slo: Slo, *, whole: bool = False) -> Iterator[Objective]:
    """Yield the objectives that can be measured, each with its share of bad requests: per slot, or for both slots."""
    service, rates, how = watched.service, watched.rates, Sum(window="WINDOW", whole=whole)
    failed, every = rates.requests(how, "errors"), rates.requests(how)
    if slo.availability is not None and failed and every:
        yield Objective(
            alert="AvailabilityBudgetBurn",
            budget=1 - slo.availability / 100,
            bad=f"{failed} / {every}",
            summary=f"{service} answers too many requests with a 5xx to meet {slo.availability} % availability",
        )
    timed = rates.durations(how, "count")
    if slo.latency and timed:
        yield Objective(
            alert="LatencyBudgetBurn",
            budget=1 - slo.latency.percent / 100,
            bad=f"1 - {rates.durations(how, 'bucket', slo.latency.within)} / {timed}",
            summary=f"{service} answers fewer than {slo.latency.percent} % of requests within {slo.latency.within} ms",
        )


def _burning(objective: Objective, rate: BurnRate) -> Alert:
    most = plain(rate.factor * objective.budget)
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


def _slow(watched: Watched, inference: Mean, latency: MeanLatency) -> Alert:
    mean = watched.rates.mean(inference, Sum(window=MEAN_WINDOW), divide=OVER)
    return Alert(
        name="HighInferenceLatency",
        expression=f"{mean}\n> {plain(Decimal(latency.above) / 1000)}",
        labels={"severity": latency.severity},
        summary=f"{watched.service} takes more than {latency.above} ms per inference on average",
        description=f"An inference in slot {{{{ $labels.{SLOT} }}}} has taken {{{{ $value | humanizeDuration }}}} on "
        f"average over {MEAN_WINDOW}, for {latency.holds} s or longer.",
        holds=latency.holds,
    )
