"""The gate at one stage of a release: which slots it compares, since when, and until when."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from math import ceil
from typing import Any

from delivery.errors import ClusterUnavailable, MetricsUnavailable
from delivery.events import Event, Listener
from delivery.judge import gate as gates
from delivery.judge.gate import GateKeeper, Look, silent
from delivery.judge.split import observed
from delivery.metrics.offered import Offered
from delivery.metrics.sources import Target
from delivery.plan.stages import ALL, Stage, pods_needed
from delivery.release import windows
from delivery.release.service import Service
from models.delivery import Arm, CheckResult, Run
from models.gate import Gate
from models.service import ServiceSpec
from models.vocabulary import SlotName

_POLL_SECONDS = 0.5
_LONG_SECONDS = 60.0
"""The longest period in which a split is observed, for services with few requests."""
_RECENT_SECONDS = 3.0
"""The shortest period in which a split is observed: as recent as possible, with enough requests."""
_LEAST_SECONDS = 60.0
"""The least time for which a driver looks before it gives up, unless the deadline is shorter. The previous driver may
have been gone for hours, and the metrics source may not answer this driver's first look."""


class Judge:
    """The gate of one stage."""

    def __init__(self, service: Service, run: Run, stage: Stage) -> None:
        self._service, self._run, self._stage = service, run, stage
        self.blind = False
        """Whether there are no counts of requests: no metrics source, or one that does not answer."""
        self._restarted: int | None = None
        """Container restarts in the new slot when the stage was reached; None = not known yet."""
        self._baseline: Mapping[str, Arm] | None = run.baseline or None
        self._kept, self._answered = False, self._webhook is not None

    @cached_property
    def _target(self) -> Target:
        slots: dict[str, SlotName] = {"live": self._run.stable.live, "candidate": self._run.candidate}
        if self._in_place:
            del slots["live"]
        return self._service.target(slots)

    @cached_property
    def _keeper(self) -> GateKeeper:
        metrics = self._service.stack.required_metrics(f"the gate of {self._service.name}")
        return GateKeeper(self._gate, metrics, self._target, notify=self._told, answered=self._webhook)

    @property
    def _webhook(self) -> CheckResult | None:
        """The webhook's pass for this stage, from the record; None = no pass yet."""
        window = self._run.window(self._run.stage)
        return window.webhook if window else None

    @cached_property
    def _spec(self) -> ServiceSpec:
        return self._service.spec

    @property
    def _gate(self) -> Gate:
        return self._spec.release.gate

    def _told(self) -> dict[str, Any]:
        """Return the body of a webhook request."""
        return {
            "stack": self._service.stack.name,
            "service": self._service.name,
            "stage": self._stage.title,
            "weight": self._stage.release.weight,
            "release": self._run.model_dump(mode="json", by_alias=True, include={"id", "image", "target", "began"}),
        }

    @property
    def _in_place(self) -> bool:
        return self._run.candidate == self._run.stable.live

    @property
    def compared(self) -> bool:
        """Whether both slots answer requests, so that they are compared in the same window."""
        return not self._in_place and self._stage.name != "verify" and self._stage.release.weight != ALL

    @property
    def _alone(self) -> bool:
        return self._in_place or self._stage.release.weight == ALL

    def begin(self, moved: float) -> float:
        """Return the Unix time since which this stage is judged: the recorded one, or else ``moved``, recorded now."""
        at = datetime.fromtimestamp(ceil(1000 * moved) / 1000, UTC)  # round up: the old split acted before
        return windows.begun(self._service, at, compared=self.compared).began.timestamp()

    def look(self, since: float, until: float | None = None) -> Look:
        """Look once at the answers since a Unix time, until now or ``until``."""
        try:
            before = self._before() if self._alone else None
        except MetricsUnavailable as error:
            return silent(error)
        judged = self._stage.name != "verify"
        return self._keeper.look(since, time.time(), until=until, judged=judged, before=before)

    def unmeasurable(self) -> Look | None:
        """Return a look that ends the release before the new slot's first request: it lacks a bound of the gate.

        The slot has pods already. Series that begin with the first request are missing still, and prove nothing.
        """
        metrics, stage = self._service.stack.metrics, self._stage
        if metrics is None or self._in_place or stage.waits or stage.name != "step":
            return None
        faults = list[str]()
        with suppress(MetricsUnavailable):
            faults = list(Offered(metrics, self._target, self._run.candidate).faults(self._gate, time.time()))
        said = f"before the first request: {'; '.join(faults)}"
        return Look(result="inconclusive", checks={}, samples=0, wanted=0, said=said) if faults else None

    def _guess(self) -> str:
        """Return the series that the new slot lacks, as the end of a message."""
        with suppress(MetricsUnavailable):
            if metrics := self._service.stack.metrics:
                found = Offered(metrics, self._target, self._run.candidate).guess(self._gate)
                return f"; {found}" if found else ""
        return ""

    def prepare(self) -> None:
        """Record the baseline from before the release while the metrics source has it, unless it does not answer."""
        if self._stage.gate and self._alone:
            with suppress(MetricsUnavailable):
                self._before()
            self._keep({})

    def _keep(self, checks: Mapping[str, CheckResult]) -> None:
        """Record what a later driver must not query again. A look does not write: an update may be running."""
        if self._baseline and not self._run.baseline and not self._kept:
            windows.compared_with(self._service, self._baseline)
            self._kept = True
        answer = checks.get("webhook")
        if answer is not None and answer.result == "pass" and not self._answered:
            windows.answered(self._service, answer)
            self._answered = True

    def _before(self) -> Mapping[str, Arm]:
        """Return the baseline: the live slot's answers at the steps passed, or before the release.

        Its period comes from the record, so a driver that resumes the release uses the same baseline.
        """
        if self._baseline is None:
            delivery = self._service.record()
            self._baseline = gates.baseline(self._keeper, delivery.history, self._run.began)
        return self._baseline

    def seen(self, since: float) -> bool:
        """Return whether the newest requests were split as declared; False if there are too few requests to tell."""
        metrics, release = self._service.stack.metrics, self._stage.release
        if metrics is None:
            self.blind = True
            return False
        route = self._spec.route
        steered = bool(route and route.session)
        try:
            share = None if route else self._shared()
            # The short period excludes requests that the proxy still sent by the old split. With few requests, only the
            # long period has enough of them.
            windows = {_RECENT_SECONDS, max(_RECENT_SECONDS, min(time.time() - since, _LONG_SECONDS))}
            counted = (metrics.recent(self._target, since, seconds) for seconds in sorted(windows))
            return any(observed(recent, release, steered=steered, expected_share=share) for recent in counted)
        except ClusterUnavailable:
            return False
        except MetricsUnavailable:
            self.blind = True
            return False

    def _shared(self) -> float | None:
        """Return the new slot's percentage of all pods, for one Service over both slots; None at 0 % and 100 %."""
        release, run = self._stage.release, self._run
        if release.weight in (0, ALL):
            return None
        pods = {slot: self._service.ready(slot) for slot in release.slots}
        return 100 * pods[run.candidate] / max(sum(pods.values()), 1)

    def settle(self, since: float, listen: Listener) -> Look:
        """Look until there is a verdict, the split was observed and the hold is over; at the deadline, inconclusive.

        A stage that has passed already and waits for a person only has to keep from failing. Its evidence was
        sufficient, and the deadline does not limit the person.
        """
        splits = self._stage.name in ("step", "compare")
        passed = self._passed
        seen, told, began = passed or not splits, "", time.time()
        self._trouble()
        while True:
            found = self.look(since) if passed else self._in_time(since)
            self._keep(found.checks)
            look = self._steady(replace(found, result="pass") if passed and self._open(found) else found)
            seen = seen or self.seen(since)
            if look.said != told:
                told = look.said
                listen(self._event(look))
            if look.result == "fail":
                return look
            if look.result == "pass" and seen and (passed or time.time() - since >= self._stage.hold):
                return look
            if time.time() > self._end(since, began, passed=passed):
                weight = self._stage.release.weight
                missing = look.said if look.result is None else f"the split of {weight} % was not observed"
                said = f"no verdict within {self._gate.deadline} s: {missing}{self._guess()}"
                return replace(look, result="inconclusive", said=said)
            time.sleep(_POLL_SECONDS)

    def _in_time(self, since: float) -> Look:
        """Look at all answers; after the deadline, later answers can no longer make the stage pass.

        After hours without a driver, there are more requests than a driver would have waited for. They may show that
        the version is bad. But a release with few requests ends as it would have ended with a driver.
        """
        found, deadline = self.look(since), since + self._gate.deadline + self._stage.hold
        if found.result == "fail" or self._stage.waits or time.time() <= deadline:
            return found
        return self.look(since, deadline)

    @property
    def _passed(self) -> bool:
        window = self._run.window(self._run.stage)
        return window is not None and window.passed is not None

    def _open(self, look: Look) -> bool:
        """Return whether the metrics source answered and the result is still open."""
        return look.result is None and bool(look.checks)

    def _end(self, since: float, began: float, *, passed: bool) -> float:
        """Return the Unix time of the deadline.

        It counts from when the split acted, not from an approval or a resume. For a stage that has passed, it counts
        from ``began``.
        """
        deadline = self._gate.deadline
        return max((began if passed else since) + deadline + self._stage.hold, began + min(deadline, _LEAST_SECONDS))

    def _steady(self, look: Look) -> Look:
        """Withhold a pass while pods are missing or restarting: a proxy counts no requests to a Service without any."""
        trouble = self._trouble() if look.result == "pass" else ""
        return replace(look, result=None, said=f"{trouble}; {look.said}") if trouble else look

    def _trouble(self) -> str:
        """Return what is wrong with the new slot's pods, or nothing; the first call stores their restarts so far."""
        content = self._stage.release.slots[self._run.candidate]
        needed = pods_needed(self._service.runs(content), content)
        try:
            ready = self._service.ready(self._run.candidate)
            restarts = self._service.restarts(self._run.candidate)
        except ClusterUnavailable as error:
            return str(error)
        # When an autoscaler removes a pod, the pod's restarts no longer count.
        self._restarted = min(restarts, restarts if self._restarted is None else self._restarted)
        if again := restarts - self._restarted:
            return f"container restarts in the new slot: {again}"
        return "" if ready >= needed else f"{ready} of {needed} pods ready"

    def _event(self, look: Look) -> Event:
        return Event(
            kind="look", service=self._service.name, stage=self._stage.title, weight=self._stage.release.weight,
            said=look.said, checks=look.checks, samples=look.samples, wanted=look.wanted, run=self._run,
        )  # fmt: skip
