"""Carries out one stage: moves traffic, runs the update, waits for the pods, and observes the split."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime

from components import names
from delivery.cluster import valve
from delivery.errors import ClusterUnavailable, UpdateFailed
from delivery.events import Event, Listener
from delivery.judge.gate import Look
from delivery.plan.stages import Stage, pods_needed
from delivery.release import records
from delivery.release.service import Service
from delivery.run.stage_judge import Judge
from models.delivery import Run
from models.release import Match, ServiceRelease

_POLL_SECONDS = 0.5
_SEEN_SECONDS = 15
"""Seconds for which a stage without a gate waits to observe its split; with a gate, the gate's deadline applies."""
_AWAY_SECONDS = 600
"""Seconds to wait for the API server: the upgrade of a single-node control plane takes minutes."""
_RETRIES = 3
"""How often one stage retries an update that lost the API server."""


@dataclass(frozen=True, kw_only=True)
class Reached:
    """A stage that was reached."""

    moved: float
    """Unix time since which the new split acts."""
    failed: Look | None = None
    """The gate's look if it failed while the update was still running (traffic is then closed already), or before any
    traffic moved."""


@dataclass(kw_only=True)
class StageUpdate:
    """One stage to carry out."""

    service: Service
    run: Run
    stage: Stage
    judge: Judge
    before: ServiceRelease
    """The release that was declared before this stage."""
    listen: Listener
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    """Set when nobody waits for the update any more."""
    _away: bool = field(default=False, init=False)
    """Whether the API server was unavailable while the update ran. Pods make no progress in that time and become ready
    late."""

    def reach(self) -> Reached:
        """Bring the cluster and the Pulumi state to what the stage declares.

        Raises:
            UpdateFailed: the update failed, or the pods did not become ready.
        """
        judge = self.judge
        if self.run.reached:
            since = self.run.stage_began.timestamp()
            return Reached(moved=judge.begin(since) if self.stage.gate else since)
        judge.prepare()
        if self.stage.gate and not self.before.weight and (refused := judge.unmeasurable()) is not None:
            return Reached(moved=time.time(), failed=refused)
        moved = self._moved()
        if moved and self.stage.gate:  # before the update, because the new split acts from here on
            moved = judge.begin(moved)
        with ThreadPoolExecutor(1) as pool:
            update = pool.submit(self._update)
            try:
                failed = self._watched(update, judge, moved) if moved and self.stage.gate else None
                self._followed(update)
            finally:  # ^C must not wait for an API server
                self._over.set()
        if failed is not None:  # the update has reopened what was closed meanwhile
            self._close()
        since = moved or time.time()
        self._await_pods()
        if moved and not self.stage.gate:
            self._await_split(judge, since)
        if self.stage.gate:
            since = judge.begin(since)
        records.reached(self.service, datetime.fromtimestamp(int(since), UTC))
        return Reached(moved=since, failed=failed)

    def _update(self) -> None:
        """Run the Pulumi update; retry it if the API server became unavailable meanwhile."""
        for left in reversed(range(_RETRIES + 1)):
            self._away = False
            try:
                self.service.stack.update(self._line)
            except UpdateFailed as failure:
                if not left or not self._came_back(failure):
                    raise
            else:
                return

    def _came_back(self, failure: UpdateFailed) -> bool:
        """Wait for the API server; return whether it was unavailable and answers again."""
        deadline, cluster = time.monotonic() + _AWAY_SECONDS, self.service.stack.cluster
        told, away = False, self._away or failure.lost_the_cluster
        while not cluster.answers() and time.monotonic() < deadline and not self._over.is_set():
            if not told:
                self._line("the API server does not answer; the update waits until it does")
            told = away = True
            time.sleep(_POLL_SECONDS)
        return away and not self._over.is_set() and cluster.answers()

    def _moved(self) -> float | None:
        """Move traffic at once if nothing else changes; return the Unix time, or None if the update has to move it."""
        release = self.stage.release
        if release.live != self.before.live or release.slots != self.before.slots or release == self.before:
            return None
        if not self._valve(release):
            return None
        said = f"weight {release.weight} % is in effect"
        self.listen(Event(kind="moved", service=self.service.name, weight=release.weight, said=said))
        return time.time()

    def _valve(self, release: ServiceRelease) -> bool:
        stack, name = self.service.stack, self.service.name
        try:
            return valve.move(stack.cluster, stack.spec(), name, release, confirm=stack.lock.confirm)
        except ClusterUnavailable:
            return False

    def _close(self) -> None:
        self._valve(self.stage.release.model_copy(update={"weight": 0, "match": Match()}))

    def _watched(self, update: "Future[None]", judge: Judge, moved: float) -> Look | None:
        """Judge the new slot while the update runs, so that a bad slot loses its traffic before the update ends."""
        while not update.done():
            self._look_at_the_cluster()
            look = judge.look(moved)
            if look.result == "fail":
                self._keep_closed(update)
                return look
            wait([update], _POLL_SECONDS)
        return None

    def _followed(self, update: "Future[None]") -> None:
        while not update.done():
            self._look_at_the_cluster()
            wait([update], _POLL_SECONDS)
        update.result()

    def _look_at_the_cluster(self) -> None:
        if not self.service.stack.cluster.answers():
            self._away = True

    def _keep_closed(self, update: "Future[None]") -> None:
        """Close the slot repeatedly until the update is over, because the update applies the step's weight."""
        self._close()
        while not update.done():
            wait([update], _POLL_SECONDS / 2)
            self._close()

    def _await_pods(self) -> None:
        """Wait until each slot has the pods that its share of traffic needs; Pulumi does not wait for autoscalers."""
        started = time.monotonic()
        for slot, content in self.stage.release.slots.items():
            spec = self.service.runs(content)
            deadline = started + spec.rollout.timeout
            left = self.run.kind == "back" and slot == self.run.candidate != self.run.stable.live
            needed = 0 if left else pods_needed(spec, content)
            while (found := self._ready(slot, last=time.monotonic() > deadline)) < needed:
                if time.monotonic() > deadline:
                    pods = f"pod {names.slot_name(self.service.name, slot)}-*"
                    said = f"{pods}: {found} of {needed} ready after {spec.rollout.timeout} s"
                    raise UpdateFailed(self.service.reasons(slot) or said)
                time.sleep(_POLL_SECONDS)

    def _ready(self, slot: str, *, last: bool) -> int:
        """Count a slot's ready pods: 0 if the API server does not answer, unless this is the ``last`` try."""
        try:
            return self.service.ready(slot)
        except ClusterUnavailable:
            if last:
                raise
            return 0

    def _await_split(self, judge: Judge, since: float) -> None:
        """Wait a while to observe the split. Without requests there is none, and nothing depends on it here."""
        weight, deadline = self.stage.release.weight, time.monotonic() + _SEEN_SECONDS
        while time.monotonic() < deadline and not judge.blind:
            if judge.seen(since):
                said = f"{weight} % observed"
                self.listen(Event(kind="observed", service=self.service.name, weight=weight, said=said))
                return
            time.sleep(_POLL_SECONDS)

    def _line(self, line: str) -> None:
        if line.strip():
            title = self.stage.title
            self.listen(Event(kind="update", service=self.service.name, stage=title, said=line.strip()))
