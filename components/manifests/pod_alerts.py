"""Alerts on a service's pods, independent of its objectives: unreachable, saturated, or at the maximum number.

An empty slot has no private Service, so it is not scraped and none of these alerts fires for it. For a slot that may
scale to zero, no alert requires a pod.
"""

from collections.abc import Iterator
from decimal import Decimal

from components.manifests.alert import Alert
from components.manifests.rates import SLOT, Sum
from components.manifests.watched import Watched
from models.monitoring import Alerts, NoTargetUp, ReplicasAtMax, Saturation, TargetDown
from models.profile import WAIT
from models.quantity import plain
from models.service import ServiceSpec
from models.vocabulary import SlotName

LEAST_DOWN = 300
"""Seconds without an answer before a pod counts as down. A restart takes less time."""
MOST_REFUSED = Decimal("0.01")
"""Share of the requests that a full queue may refuse: bursts cause refusals, and clients retry."""
MOST_WAITING = Decimal("0.1")
"""Average share of its timeout (``drain.requestTimeout``) that a request may wait for a worker thread."""
WINDOW = "5m"
OVER = "\n/\n"
"""The division of an alert's expression, on a line of its own."""
_HERE = f"{{{{ $labels.{SLOT} }}}}"


def alerts(watched: Watched, asked: Alerts) -> Iterator[Alert]:
    """Yield the alerts of a monitored service, except those that the entry turns off or the profile cannot serve."""
    scraped = watched.spec.profile.scrape
    if asked.target_down and scraped:
        yield _target_down(watched, asked.target_down)
    for slot in watched.release.slots if scraped else ():
        if asked.no_target_up and watched.scaling(slot).floor > 0:
            yield _no_target_up(watched, slot, asked.no_target_up)
    if asked.saturation:
        yield from _refused(watched, asked.saturation)
        yield from _waiting(watched, asked.saturation)
    for slot in watched.release.slots if scraped else ():
        # If minimum and maximum are equal, as during a release, the slot is at its maximum on purpose.
        if asked.replicas_at_max and watched.scaling(slot).floor < watched.scaling(slot).ceiling:
            yield _at_max(watched, slot, asked.replicas_at_max)


def _target_down(watched: Watched, asked: TargetDown) -> Alert:
    holds = _held(asked, watched.spec)
    return Alert(
        name="TargetDown",
        # One series per pod, each with its own timer: in a rolling update, one pod after the other is briefly away.
        expression=f"max by ({SLOT}, pod) (up{{{watched.series}}}) == 0",
        labels={"severity": asked.severity},
        summary=f"Prometheus cannot scrape a pod of {watched.service}",
        description=f"Pod {{{{ $labels.pod }}}} of slot {_HERE} has not answered a scrape for {holds} s or longer.",
        holds=holds,
    )


def _no_target_up(watched: Watched, slot: SlotName, asked: NoTargetUp) -> Alert:
    """Return an alert that also fires without scrapes: without series, no ``up`` is 0 and there is no error rate."""
    holds = _held(asked, watched.spec)
    return Alert(
        name="NoTargetUp",
        expression=f"absent(up{{{watched.series_in(slot)}}} == 1)",
        labels={"severity": asked.severity if watched.gets_requests(slot) else "warning"},
        summary=f"Prometheus cannot scrape any pod of {watched.service}",
        description=f"Slot {slot} should have pods, but none has answered a scrape for {holds} s or longer: all pods "
        "are down, or none is scraped.",
        holds=holds,
        slot=slot,
    )


def _refused(watched: Watched, asked: Saturation) -> Iterator[Alert]:
    """Yield an alert on requests that a full queue refused, if the profile can tell them."""
    every = watched.rates.requests(Sum(window=WINDOW))
    refused = watched.rates.requests(Sum(window=WINDOW), "refused")
    if every is None or refused is None:
        return
    yield Alert(
        name="Saturation",
        expression=f"{refused}\n/\n{every}\n> {MOST_REFUSED}",
        labels={"severity": asked.severity, "signal": "refused"},
        summary=f"{watched.service} rejects requests because its queue is full",
        description=f"Slot {_HERE} has answered {{{{ $value | humanizePercentage }}}} of its requests with 429 "
        f"for {asked.holds} s or longer.",
        holds=asked.holds,
    )


def _waiting(watched: Watched, asked: Saturation) -> Iterator[Alert]:
    """Yield an alert on the wait for a worker. With slow inferences, requests time out before the queue is full."""
    limit, wait = watched.spec.drain.request_timeout, watched.spec.profile.mean(WAIT)
    if wait is None:
        return
    yield Alert(
        name="Saturation",
        expression=f"{watched.rates.mean(wait, Sum(window=WINDOW), divide=OVER)}\n> {plain(MOST_WAITING * limit)}",
        labels={"severity": asked.severity, "signal": "waiting"},
        summary=f"Requests to {watched.service} wait too long for a worker",
        description=f"Requests to slot {_HERE} have waited {{{{ $value | humanizeDuration }}}} on average for "
        f"{asked.holds} s or longer; the time limit of a request is {limit} s.",
        holds=asked.holds,
    )


def _at_max(watched: Watched, slot: SlotName, asked: ReplicasAtMax) -> Alert:
    """Return an alert that compares the number of pods that answer with the declared maximum.

    kube-state-metrics would report the HPA's own numbers, but not every cluster has it (the embedded one does not). The
    alert misses pods that were requested but found no node.
    """
    most = watched.scaling(slot).ceiling
    return Alert(
        name="ReplicasAtMax",
        expression=f"sum by ({SLOT}) (up{{{watched.series_in(slot)}}}) >= {most}",
        labels={"severity": asked.severity},
        summary=f"{watched.service} runs its maximum number of replicas",
        description=f"Slot {slot} has had {{{{ $value }}}} pods for {asked.holds} s or longer; its maximum is {most}, "
        "so it cannot scale up under more load.",
        holds=asked.holds,
        slot=slot,
    )


def _held(asked: TargetDown | NoTargetUp, spec: ServiceSpec) -> int:
    """Return how many seconds a pod may be silent. A starting pod has until the rollout's deadline."""
    return asked.holds if asked.holds is not None else max(LEAST_DOWN, spec.rollout.progress_deadline)
