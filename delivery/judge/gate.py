"""The gate of a stage: what the new slot has shown so far, and whether that suffices to continue or to turn back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Any

from delivery.errors import MetricsUnavailable
from delivery.judge import verdicts, webhook
from delivery.judge.baseline_spans import AMPLE, LENGTHS, spans
from delivery.judge.verdicts import NOBODY
from delivery.metrics.counting import Metrics, Tally
from delivery.metrics.sources import Target
from models.delivery import Arm, CheckResult, Past, Result
from models.gate import Check, Gate, Webhook

_BETWEEN_ASKS = 5.0
"""Seconds between two requests to a webhook that gave no answer; looks are more frequent."""
UNASKED = "nothing is judged at this stage"
"""The message of a look that checks nothing: before any traffic, or if the entry's gate names no criterion."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """The result of one look."""

    result: Result | None
    """None = not enough evidence yet; at the deadline this becomes inconclusive."""
    checks: dict[str, CheckResult]
    samples: int
    """Requests that the new slot answered in the window."""
    wanted: int
    """The minimum number of requests per slot for a verdict; 0 = this stage needs none."""
    said: str


@dataclass(frozen=True, kw_only=True)
class _Arms:
    """The counts of both slots for one criterion."""

    name: str
    candidate: Arm
    live: Arm
    """From the same window; if the candidate is ``alone``, from an earlier period."""
    alone: bool
    margin: float

    @property
    def by_itself(self) -> bool:
        """Whether the earlier period has too few requests to compare with."""
        return self.alone and not verdicts.ample(self.live, self.margin)

    @property
    def wanted(self) -> int:
        return verdicts.wanted(None if self.by_itself else self.live, self.margin)


class GateKeeper:
    """The gate of one stage, for repeated looks. It keeps no state except the webhook's."""

    def __init__(
        self,
        spec: Gate,
        metrics: Metrics,
        target: Target,
        *,
        notify: Callable[[], dict[str, Any]],
        answered: CheckResult | None = None,
    ) -> None:
        self._spec, self._metrics, self._target = spec, metrics, target
        self._notify = notify
        self._asked: float | None = None
        self._answered = answered
        """The webhook's pass, after which the webhook is not asked again at this stage."""

    def look(
        self,
        since: float,
        now: float,
        *,
        until: float | None = None,
        judged: bool = True,
        before: Mapping[str, Arm] | None = None,
    ) -> Look:
        """Look at all requests since a Unix time.

        Args:
            since: When the stage's split first acted.
            now: The current time.
            until: The end of the period whose requests count; None = now.
            judged: Whether requests reach the new slot. If none do yet (``verify``), only the checks and the webhook
                count.
            before: The answers of an *earlier* period by criterion, for a stage without a live slot beside the new one:
                from the steps passed, or from :meth:`earlier`. None = compare with the live slot in the same window.
        """
        checks: dict[str, CheckResult] = {}
        samples = wanted = 0
        try:
            if judged:
                arms = list(self._criteria(since, until, before))
                samples, wanted = min((arm.candidate.total for arm in arms), default=0), _most_wanted(arms)
                checks = {arm.name: _judged(arm) for arm in arms}
            checks |= {name: self._checked(name, check, since, now) for name, check in self._spec.checks.items()}
        except MetricsUnavailable as error:
            return silent(error)
        if samples < wanted:
            checks |= {name: _early(checks[name]) for name in self._spec.checks}
        if self._spec.webhook is not None:
            checks["webhook"] = self._others(self._spec.webhook, checks, now)
        return _combined(checks, samples, wanted)

    def earlier(self, since: float, until: float) -> dict[str, Arm]:
        """Return the answers of an earlier period by criterion, as a baseline, or raise MetricsUnavailable."""
        role = "live" if "live" in self._target.slots else "candidate"
        return {name: arms[role] for name, _, arms in self._counted(since, until)}

    @property
    def margins(self) -> dict[str, float]:
        """The margin of each criterion that judges requests, in percentage points."""
        return self._spec.margins

    def _criteria(self, since: float, until: float | None, before: Mapping[str, Arm] | None) -> Iterator[_Arms]:
        for name, margin, arms in self._counted(since, until):
            live = arms.get("live", NOBODY) if before is None else before.get(name, NOBODY)
            yield _Arms(name=name, candidate=arms["candidate"], live=live, alone=before is not None, margin=margin)

    def _counted(self, since: float, until: float | None) -> Iterator[tuple[str, float, dict[str, Arm]]]:
        """Yield each criterion with its margin and, by role, its bad answers out of all answers."""
        timed, margins = self._spec.timed, self.margins
        if not margins:
            return
        within = {histogram: limits.within for histogram, limits in timed.values()}
        counts = self._metrics.counts(self._target, since, within, until)
        for name, margin in margins.items():
            histogram = timed[name][0] if name in timed else None
            yield name, margin, {role: _arm(tally, histogram) for role, tally in counts.items()}

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
        """Ask the webhook last, because a person may answer it, and do not ask again after a pass."""
        if self._answered is not None:
            return self._answered
        if any(check.result != "pass" for check in checks.values()):
            return CheckResult(result="inconclusive", said="webhook: asked after all other checks have passed")
        if self._asked is not None and now - self._asked < _BETWEEN_ASKS:
            return CheckResult(result="inconclusive", said="webhook: no answer yet; retrying")
        self._asked = now
        answer = webhook.ask(asked, self._notify())
        self._answered = answer if answer.result == "pass" else None
        return answer


def baseline(keeper: GateKeeper, history: Sequence[Past], until: datetime) -> dict[str, Arm]:
    """Return, by criterion, the earlier answers of the version live at ``until``, or raise MetricsUnavailable.

    They come from the shortest period with an ample sample for every criterion, or else from the longest period.
    """
    found = dict.fromkeys(keeper.margins, NOBODY)
    for length in LENGTHS if found else ():
        counted = [keeper.earlier(span.began, span.ended) for span in spans(history, until, length)]
        found = {name: reduce(Arm.plus, (one[name] for one in counted), NOBODY) for name in found}
        if all(verdicts.ample(arm, keeper.margins[name], times=AMPLE) for name, arm in found.items()):
            break
    return found


def silent(error: MetricsUnavailable) -> Look:
    """Return the look for a metrics source that does not answer: neither pass nor fail."""
    return Look(result=None, checks={}, samples=0, wanted=0, said=f"metrics source: {error}")


def _arm(tally: Tally, histogram: str | None) -> Arm:
    """Return the answers that a criterion judges: those that a histogram timed, or those that a counter counted."""
    if histogram is not None:
        return tally.times.get(histogram, NOBODY)
    return Arm(bad=min(tally.errors, tally.total), total=tally.total)


def _judged(arms: _Arms) -> CheckResult:
    candidate, live = arms.candidate, arms.live
    judge = verdicts.judge_alone if arms.alone else verdicts.judge
    result: Result | None = None
    if not candidate.total:
        said = f"{arms.name}: no requests to the new slot"
    elif not arms.alone and not live.total:
        said = f"{arms.name}: no requests to the live slot to compare with"
    else:
        result = judge(candidate, live, arms.margin, final=False)
        said = f"{arms.name} {_percent(candidate)} {_limit(arms)}"
    shown = None if arms.by_itself and not live.total else live
    return CheckResult(result=result or "inconclusive", said=said, candidate=candidate, live=shown)


def _limit(arms: _Arms) -> str:
    """Return the text that says what the candidate is compared with."""
    if not arms.by_itself:
        return f"against {_percent(arms.live)}, limit +{arms.margin:g}"
    few = f" ({arms.live.total:,} earlier requests are too few to compare with)" if arms.live.total else ""
    return f"without a baseline, limit {arms.margin:g} %{few}"


def _most_wanted(arms: Sequence[_Arms]) -> int:
    return max((arm.wanted for arm in arms), default=0)


def _percent(arm: Arm) -> str:
    return f"{100 * arm.bad / arm.total:.2g} %"


def _bounds(check: Check) -> str:
    least = [] if check.min is None else [f"at least {check.min:g}"]
    most = [] if check.max is None else [f"at most {check.max:g}"]
    return " and ".join(least + most)


def _early(check: CheckResult) -> CheckResult:
    """Return a failed check as inconclusive: before the minimum sample, a violated bound proves nothing."""
    return check.model_copy(update={"result": "inconclusive"}) if check.result == "fail" else check


def _combined(checks: dict[str, CheckResult], samples: int, wanted: int) -> Look:
    """Combine the checks into a look: one failure fails it, and it passes only if all pass."""
    failed = [check.said for check in checks.values() if check.result == "fail"]
    open_ = [check.said for check in checks.values() if check.result == "inconclusive"]
    if failed:
        result, said = "fail", "; ".join(failed)
    elif open_:
        enough = f"{samples:,} requests, not yet clear" if samples >= wanted else f"{samples:,} of {wanted:,} requests"
        counted = [enough] if wanted else []
        result, said = None, "; ".join(counted + open_)
    else:
        result, said = "pass", "; ".join(check.said for check in checks.values()) or UNASKED
    return Look(result=result, checks=checks, samples=samples, wanted=wanted, said=said)
