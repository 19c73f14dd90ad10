"""The gate of a stage: what the new slot has shown so far, and whether that is enough to go on or to turn back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.manifests.alerts import LATENCY_BOUNDS
from delivery import webhook
from delivery.errors import MetricsUnavailable, Refused
from delivery.metrics import Prometheus, Target
from models.delivery import Arm, CheckResult, Result
from models.gate import Check, Gate, Webhook
from planning import verdicts

NOBODY = Arm(bad=0, total=0)
_OWN = ("errors", "latency", "webhook")
"""Names under which the gate's own criteria are recorded."""
_BETWEEN_ASKS = 5.0
"""Seconds between two requests to a webhook that gave no answer: a look comes every second."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one look found."""

    result: Result | None
    """None = not enough yet: never a pass, never a fail, and at the deadline inconclusive."""
    checks: dict[str, CheckResult]
    samples: int
    """Requests that the new slot answered in the window."""
    wanted: int
    """Requests that a verdict takes of each slot at the least; 0 = this stage needs none."""
    said: str


@dataclass(frozen=True, kw_only=True)
class _Arms:
    """Both slots in one criterion's numbers."""

    name: str
    candidate: Arm
    live: Arm | None
    """None = the candidate is judged by itself."""
    margin: float

    @property
    def wanted(self) -> int:
        return verdicts.wanted(self.live, self.margin)


class GateKeeper:
    """Looks at one stage again and again; keeps nothing but when the webhook was asked last.

    Raises:
        Refused: a limit that the server's histogram cannot tell, or a check under a name of the gate's own.
    """

    def __init__(
        self,
        spec: Gate,
        metrics: Prometheus,
        target: Target,
        *,
        strategy: str,
        notify: Callable[[], dict[str, Any]],
    ) -> None:
        for fault in faults(spec):
            raise Refused(f"{target.service}: {fault}")
        self._spec, self._metrics, self._target = spec, metrics, target
        self._in_place = strategy == "rolling"
        self._notify = notify
        self._asked: float | None = None

    def look(self, since: float, now: float, *, compared: bool, baseline: Mapping[str, Arm] | None = None) -> Look:
        """Look at everything since a unix time.

        Args:
            since: When the stage's split was seen.
            now: The time.
            compared: Whether the live slot of the same window is what the new one is held against. It is not while a
                roll in place goes on, as there is no other slot; then the candidate is judged by the baseline, or by
                itself: its share of bad answers against the margin. Nor is it where nobody's requests reach the new
                slot (``verify``); then only checks and webhook are asked.
            baseline: By criterion, the live slot's numbers of an *earlier* window, for a stage in which it answers
                nothing more: of the steps before, at weight 100, or those that :meth:`standing` gives. They replace the
                ones of this window, so hand them over at no other stage. Where a criterion has none, the candidate is
                judged by itself.
        """
        checks: dict[str, CheckResult] = {}
        samples = wanted = 0
        try:
            if compared or self._in_place:
                live = None if baseline is None and compared and not self._in_place else (baseline or {})
                arms = list(self._criteria(since, live))
                samples, wanted = min((arm.candidate.total for arm in arms), default=0), _most_wanted(arms)
                checks = {arm.name: _judged(arm) for arm in arms}
            checks |= {name: self._checked(name, check, since, now) for name, check in self._spec.checks.items()}
        except MetricsUnavailable as error:
            return Look(result=None, checks={}, samples=0, wanted=0, said=f"metrics source: {error}")
        if samples < wanted:
            checks |= {name: _early(checks[name]) for name in self._spec.checks}
        if self._spec.webhook is not None:
            checks["webhook"] = self._others(self._spec.webhook, checks, now)
        return _combined(checks, samples, wanted)

    def standing(self, since: float, until: float) -> dict[str, Arm]:
        """Give by criterion what users got before the release, as a baseline; raises MetricsUnavailable."""
        role = "candidate" if self._in_place else "live"
        return {name: arms[role] for name, _, arms in self._counted(since, until) if role in arms}

    def _criteria(self, since: float, baseline: Mapping[str, Arm] | None) -> Iterator[_Arms]:
        for name, margin, arms in self._counted(since):
            live = arms.get("live", NOBODY) if baseline is None else baseline.get(name)
            yield _Arms(name=name, candidate=arms["candidate"], live=live, margin=margin)

    def _counted(self, since: float, until: float | None = None) -> Iterator[tuple[str, float, dict[str, Arm]]]:
        """Give each criterion with its margin and, by role, its bad answers out of all."""
        errors, latency = self._spec.errors, self._spec.latency
        if errors is None and latency is None:
            return
        counts = self._metrics.counts(self._target, since, latency.within if latency else None, until)
        if errors is not None:
            yield "errors", float(errors.margin), {role: _arm(c.errors, c.total) for role, c in counts.items()}
        if latency is not None:
            yield "latency", float(latency.margin), {role: _arm(c.slow, c.timed) for role, c in counts.items()}

    def _checked(self, name: str, check: Check, since: float, now: float) -> CheckResult:
        target = self._target
        filled = check.query
        for placeholder, value in {
            "{namespace}": target.namespace,
            "{service}": target.service,
            "{slot}": target.slots["candidate"],
            "{window}": f"{max(1, int(now - since))}s",
        }.items():
            filled = filled.replace(placeholder, value)
        value = self._metrics.value(filled)
        if value is None:
            return CheckResult(result="inconclusive", said=f"{name}: no data yet")
        low = check.min is not None and value < check.min
        high = check.max is not None and value > check.max
        said = f"{name} {value:.6g}, {_bounds(check)}"
        return CheckResult(result="fail" if low or high else "pass", said=said, value=value)

    def _others(self, asked: Webhook, checks: Mapping[str, CheckResult], now: float) -> CheckResult:
        """Ask the webhook last: it may be a person's time, and its answer ends the stage."""
        if any(check.result != "pass" for check in checks.values()):
            return CheckResult(result="inconclusive", said="webhook: is asked when all else has passed")
        if self._asked is not None and now - self._asked < _BETWEEN_ASKS:
            return CheckResult(result="inconclusive", said="webhook: gave no answer; is asked again")
        self._asked = now
        return webhook.ask(asked, self._notify())


def faults(spec: Gate) -> Iterator[str]:
    """Give one line for each thing that the gate could never tell."""
    if spec.latency and spec.latency.within / 1000 not in LATENCY_BOUNDS:
        known = ", ".join(f"{1000 * bound:g}" for bound in LATENCY_BOUNDS)
        yield (
            f"gate.latency.within: {spec.latency.within}ms is no bound of the server's histogram, "
            f"which counts requests within {known} ms; take one of them"
        )
    for name in spec.checks:
        if name in _OWN:
            yield f"gate.checks.{name}: the gate records a criterion of its own under this name; take another"


def _arm(bad: int, total: int) -> Arm:
    """Bound the bad by all: a histogram's buckets may be of two scrapes where a pod is gone between them."""
    return Arm(bad=min(max(bad, 0), total), total=total)


def _judged(arms: _Arms) -> CheckResult:
    candidate, live = arms.candidate, arms.live
    result: Result | None = None
    if not candidate.total:
        said = f"{arms.name}: no request to the new slot"
    elif live is not None and not live.total:
        said = f"{arms.name}: no request to the live slot to compare with"
    else:
        result = verdicts.judge(candidate, live or NOBODY, arms.margin, final=False)
        limit = f"against {_percent(live)}, limit +{arms.margin:g}" if live else f"by itself, limit {arms.margin:g} %"
        said = f"{arms.name} {_percent(candidate)} {limit}"
    return CheckResult(result=result or "inconclusive", said=said, candidate=candidate, live=live)


def _most_wanted(arms: Sequence[_Arms]) -> int:
    return max((arm.wanted for arm in arms), default=0)


def _percent(arm: Arm) -> str:
    return f"{100 * arm.bad / arm.total:.2g} %"


def _bounds(check: Check) -> str:
    least = [] if check.min is None else [f"at least {check.min:g}"]
    most = [] if check.max is None else [f"at most {check.max:g}"]
    return " and ".join(least + most)


def _early(check: CheckResult) -> CheckResult:
    """A bound that is broken before the minimum sample proves nothing yet."""
    return check.model_copy(update={"result": "inconclusive"}) if check.result == "fail" else check


def _combined(checks: dict[str, CheckResult], samples: int, wanted: int) -> Look:
    """Any failure is one; only all together are a pass."""
    failed = [check.said for check in checks.values() if check.result == "fail"]
    open_ = [check.said for check in checks.values() if check.result == "inconclusive"]
    if failed:
        result, said = "fail", "; ".join(failed)
    elif open_:
        enough = f"{samples:,} requests, not yet clear" if samples >= wanted else f"{samples:,} of {wanted:,} requests"
        counted = [enough] if wanted else []
        result, said = None, "; ".join(counted + open_)
    else:
        result, said = "pass", "; ".join(check.said for check in checks.values()) or "nothing is asked at this stage"
    return Look(result=result, checks=checks, samples=samples, wanted=wanted, said=said)
