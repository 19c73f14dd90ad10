"""The gate at one stage of a release: who is compared with whom, since when, and until when."""

import time
from dataclasses import replace
from functools import cached_property
from typing import Any

from delivery.errors import ClusterUnavailable, MetricsUnavailable
from delivery.events import Event, Listener
from delivery.gate import GateKeeper, Look
from delivery.metrics import Target
from delivery.observe import observed
from delivery.session import Session
from models.delivery import Arm, Run
from models.vocabulary import SlotName
from planning.course import ALL, Stage, pods_needed

_POLL_SECONDS = 0.5
_LONG_SECONDS = 60.0
"""The longest look back for a split, where few requests come."""
_RECENT_SECONDS = 3.0
"""Of requests from which a split is read: as new as possible, and enough of them."""
_USUAL_SECONDS = 60.0
"""Of the live slot's answers before a switch, where no step compared the two."""


class Judge:
    """Looks at one stage."""

    def __init__(self, session: Session, service: str, run: Run, stage: Stage) -> None:
        self._session, self._service, self._run, self._stage = session, service, run, stage
        self.blind = False
        """Whether nobody counts requests."""
        self._restarted: int | None = None
        """How often containers of the new slot had been restarted when the stage was reached; none = not known yet."""

    @cached_property
    def _target(self) -> Target:
        slots: dict[str, SlotName] = {"live": self._run.stable.live, "candidate": self._run.candidate}
        if self._in_place:
            del slots["live"]
        return self._session.target(self._service, slots)

    @cached_property
    def _keeper(self) -> GateKeeper:
        strategy = self._session.service_spec(self._service).release
        metrics = self._session.required_metrics(f"the gate of {self._service}")
        kind = "rolling" if self._in_place else strategy.strategy
        return GateKeeper(strategy.gate, metrics, self._target, strategy=kind, notify=self._told)

    def _told(self) -> dict[str, Any]:
        """What a webhook gets."""
        return {
            "stack": self._session.stack,
            "service": self._service,
            "stage": self._stage.title,
            "weight": self._stage.release.weight,
            "release": self._run.model_dump(mode="json", by_alias=True, include={"id", "image", "target", "began"}),
        }

    def look(self, since: float) -> Look:
        """Look once."""
        compared = not self._in_place and self._stage.name != "verify"
        baseline = self._run.baseline if self.alone else None
        return self._keeper.look(since, time.time(), compared=compared, baseline=baseline)

    @property
    def _in_place(self) -> bool:
        return self._run.candidate == self._run.stable.live

    @property
    def alone(self) -> bool:
        """Whether no live slot answers beside the new one: then what it showed before is what counts."""
        return self._in_place or self._stage.release.weight == ALL

    def usual(self) -> dict[str, Arm]:
        """What the live slot answered in the last minute; nothing where nobody counted."""
        now = time.time()
        try:
            return self._keeper.standing(now - _USUAL_SECONDS, now)
        except MetricsUnavailable:
            return {}

    def seen(self, since: float) -> bool:
        """Whether the newest requests were split as declared; without requests that is unknown, which is no yes."""
        metrics, release = self._session.metrics, self._stage.release
        if metrics is None:
            self.blind = True
            return False
        route = self._session.service_spec(self._service).route
        steered = bool(route and route.session)
        try:
            share = None if route else self._shared()
            # The newest alone forget what the proxy still sent the old way; where few ask, they are too few to tell.
            windows = {_RECENT_SECONDS, max(_RECENT_SECONDS, min(time.time() - since, _LONG_SECONDS))}
            counted = (metrics.recent(self._target, since, seconds) for seconds in sorted(windows))
            return any(observed(recent, release, steered=steered, expected_share=share) for recent in counted)
        except ClusterUnavailable:
            return False
        except MetricsUnavailable:
            self.blind = True
            return False

    def _shared(self) -> float | None:
        """Percent that the new slot's pods are of all, where one Service spreads connections over both."""
        release, run = self._stage.release, self._run
        if release.weight in (0, ALL):
            return None
        pods = {slot: self._session.ready(self._service, slot) for slot in release.slots}
        return 100 * pods[run.candidate] / max(sum(pods.values()), 1)

    def settle(self, since: float, listen: Listener) -> Look:
        """Look until there is a verdict, the split was seen and the hold is over; at the deadline inconclusive."""
        gate = self._session.service_spec(self._service).release.gate
        splits = self._stage.name in ("step", "compare")
        seen, told = not splits, ""
        self._trouble()
        while True:
            look, waited = self._steady(self.look(since)), time.time() - since
            seen = seen or self.seen(since)
            if look.said != told:
                told = look.said
                listen(self._event(look))
            if look.result == "fail":
                return look
            if look.result == "pass" and seen and waited >= self._stage.hold:
                return look
            if waited > gate.deadline + self._stage.hold:
                missing = look.said if look.result is None else f"the split {self._stage.release.weight} % was not seen"
                return replace(look, result="inconclusive", said=f"no verdict within {gate.deadline} s: {missing}")
            time.sleep(_POLL_SECONDS)

    def _steady(self, look: Look) -> Look:
        """Let nothing pass whose pods are away or come and go: a proxy counts no request to a Service without any."""
        trouble = self._trouble() if look.result == "pass" else ""
        return replace(look, result=None, said=f"{trouble}; {look.said}") if trouble else look

    def _trouble(self) -> str:
        """Say what is wrong with the new slot's pods; the first time remembers how often they were restarted before."""
        content = self._stage.release.slots[self._run.candidate]
        needed = pods_needed(self._session.runs(self._service, content), content)
        try:
            ready = self._session.ready(self._service, self._run.candidate)
            restarts = self._session.restarts(self._service, self._run.candidate)
        except ClusterUnavailable as error:
            return str(error)
        # A pod that an autoscaler removes takes its own count along.
        self._restarted = min(restarts, restarts if self._restarted is None else self._restarted)
        if again := restarts - self._restarted:
            return f"{again} containers of the new slot were restarted"
        return "" if ready >= needed else f"{ready} of {needed} pods ready"

    def _event(self, look: Look) -> Event:
        return Event(
            kind="look", service=self._service, stage=self._stage.title, weight=self._stage.release.weight,
            said=look.said, checks=look.checks, samples=look.samples, wanted=look.wanted, run=self._run,
        )  # fmt: skip
