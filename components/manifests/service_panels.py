"""The panels of one service: what its users get, what its pods do, and what runs in which slot.

The metrics profile names the counters and histograms; panels without series are left out. If the server itself
reports ``process_…``, CPU and memory do not need cAdvisor. If an alert compares a value, the panel queries the same
value.
"""

from collections.abc import Iterable, Iterator

from components.manifests.objectives import objectives
from components.manifests.panels import RATE_INTERVAL, Panel, Query
from components.manifests.rates import SLOT, Rates, Sum, Which, scale
from components.manifests.watched import Watched
from models.monitoring import Monitoring
from models.profile import BATCH, DURATION, INFERENCE, WAIT, Histogram
from models.quantity import parse, plain

SHOWN = f'{SLOT}=~"$slot"'
"""The slots that the reader selected."""
_BY_SLOT = f"sum by ({SLOT})"
_QUANTILES = (0.5, 0.95, 0.99)
_LEGEND = f"{{{{{SLOT}}}}}"
_POD = "{{pod}}"  # the pod's name contains the slot
_KNOWN = (DURATION, WAIT, INFERENCE, BATCH)


def panels(watched: Watched, monitoring: Monitoring) -> Iterator[Panel]:
    """Yield a monitored service's panels, in the order in which an on-call engineer needs them."""
    series, rates = f"{watched.series},{SHOWN}", watched.rates
    yield from _answers(rates)
    yield from _weights(rates)
    yield from _budgets(watched, monitoring)
    yield from _queue(watched, series)
    yield from _inference(watched)
    yield from _further(rates)
    if watched.spec.profile.scrape:
        yield _pods(watched, series)
    if watched.spec.profile.process:
        yield from _use(watched, series)
    yield from _versions(watched, series)


def _shown(*by: str) -> Sum:
    return Sum(window=RATE_INTERVAL, by=by, shown=f",{SHOWN}")


def _legend(by: Iterable[str]) -> str:
    """Return a legend of the slot and further labels."""
    return " ".join([_LEGEND, *(f"{{{{{label}}}}}" for label in by)])


def _answers(rates: Rates) -> Iterator[Panel]:
    by = (rates.status,) if rates.status else ()
    if (counted := rates.requests(_shown(*by))) is not None:
        yield Panel(
            title="Requests",
            description="Answered requests by slot and status, without probes and scrapes.",
            unit="reqps",
            queries=(Query(expression=counted, legend=_legend(by)),),
        )
    shares = [share for share in (_share(rates, "errors", "5xx"), _share(rates, "refused", "429")) if share]
    if shares:
        refused = ", and share refused with 429 because the queue was full" if len(shares) > 1 else ""
        yield Panel(
            title="Errors",
            description=f"Share of requests answered with a 5xx{refused}.",
            unit="percentunit",
            queries=tuple(shares),
        )
    if (buckets := rates.durations(_shown("le"), "bucket")) is not None:
        own = DURATION in rates.offer.profile.histograms
        yield Panel(
            title="Latency",
            description="Time from the head of a request to the end of its answer, "
            + ("measured in the pod without the proxy." if own else "measured by the proxy."),
            unit="s",
            queries=tuple(_quantile(buckets, share, _unit(rates)) for share in _QUANTILES),
        )


def _unit(rates: Rates) -> str:
    found = rates.offer.profile.histograms.get(DURATION)
    return found.unit if found else "seconds"


def _share(rates: Rates, which: Which, name: str) -> Query | None:
    """Return a query for a share. A slot without any such answer has no series, which means 0, not unknown."""
    some, every = rates.requests(_shown(), which), rates.requests(_shown())
    if some is None or every is None:
        return None
    return Query(expression=f"({some} or 0 * {every}) / {every}", legend=f"{_LEGEND} {name}")


def _weights(rates: Rates) -> Iterator[Panel]:
    """Yield a panel of all slots, regardless of the reader's selection: a share needs the total."""
    by_slot = rates.requests(Sum(window=RATE_INTERVAL))
    whole = rates.requests(Sum(window=RATE_INTERVAL, whole=True))
    if by_slot is None or whole is None:
        return
    yield Panel(
        title="Share of requests by slot",
        description="The measured split: the share of requests that each slot answers.",
        unit="percentunit",
        most=1,
        queries=(Query(expression=f"{by_slot} / ignoring ({SLOT}) group_left {whole}", legend=_LEGEND),),
    )


def _budgets(watched: Watched, monitoring: Monitoring) -> Iterator[Panel]:
    """Yield one panel for all objectives: the budget left of 30 days, or of Prometheus' retention if shorter."""
    every = watched.rates.requests(Sum(window="30d", whole=True))
    measured = list(objectives(watched, monitoring.slo, whole=True)) if monitoring.slo and every else []
    if not measured:
        return
    yield Panel(
        title="Remaining error budget",
        description="Share of the 30-day error budget that is left, for both slots together. If Prometheus keeps less "
        "than 30 days, the share covers that time. Below 0, the objective is missed.",
        unit="percentunit",
        most=1,
        now=True,
        queries=tuple(
            Query(
                expression=f"1 - (({objective.share('30d')}) or 0 * {every}) / {plain(objective.budget)}",
                legend=objective.alert.removesuffix("BudgetBurn").lower(),
            )
            for objective in measured
        ),
    )


def _queue(watched: Watched, series: str) -> Iterator[Panel]:
    profile, rates, server = watched.spec.profile, watched.rates, watched.spec.owned
    if profile.queue:
        yield Panel(
            title="Queue",
            description=f"Admitted requests that no worker thread has started, in the pod with the most; from "
            f"{server.queue_limit} on, a pod answers further requests with 429."
            if server and profile.requests and profile.requests.refused
            else "Requests that wait, in the pod with the most.",
            unit="short",
            queries=(Query(expression=f"max by ({SLOT}) ({profile.queue}{{{series}}})", legend=_LEGEND),),
        )
    if wait := _times(rates, WAIT):
        yield Panel(
            title="Wait for a worker",
            description=f"Time that a request waits for a worker thread, of the {watched.spec.drain.request_timeout} s "
            "that the request may take.",
            unit="s",
            queries=wait,
        )
    if profile.in_flight:
        yield Panel(
            title="In flight",
            description="Requests in progress, including probes.",
            unit="short",
            queries=(Query(expression=f"{_BY_SLOT} ({profile.in_flight}{{{series}}})", legend=_LEGEND),),
        )


def _times(rates: Rates, name: str) -> tuple[Query, ...]:
    """Return queries for the mean of a time and, with a histogram, its 95th percentile; empty = no series has it."""
    profile = rates.offer.profile
    mean, histogram = profile.mean(name), profile.histograms.get(name)
    if mean is None:
        return ()
    found = Query(expression=rates.mean(mean, _shown()), legend=f"{_LEGEND} mean")
    return (found, _percentile(rates, histogram, 0.95)) if histogram else (found,)


def _percentile(rates: Rates, histogram: Histogram, share: float) -> Query:
    return _quantile(rates.histogram(histogram, _shown("le"), "bucket"), share, histogram.unit)


def _quantile(buckets: str, share: float, unit: str) -> Query:
    return Query(
        expression=f"histogram_quantile({share}, {buckets}){scale(unit)}", legend=f"{_LEGEND} p{100 * share:g}"
    )


def _inference(watched: Watched) -> Iterator[Panel]:
    """Yield the panels of the model. A service without a model in the entry may have one inside its image."""
    rates, profile = watched.rates, watched.spec.profile
    if profile.build is not None and not watched.spec.model:
        return
    if times := _times(rates, INFERENCE):
        yield Panel(
            title="Inference",
            description="Inference time of one request, without the wait for a worker.",
            unit="s",
            queries=times,
        )
    if (batch := profile.mean(BATCH)) is not None:
        yield Panel(
            title="Batch",
            description="Average number of requests in one batch.",
            unit="short",
            queries=(Query(expression=rates.mean(batch, _shown()), legend=f"{_LEGEND} mean"),),
        )


def _further(rates: Rates) -> Iterator[Panel]:
    """Yield a panel for each further histogram of the profile, such as the time to the first token."""
    for name, histogram in rates.offer.profile.histograms.items():
        if name not in _KNOWN:
            yield Panel(
                title=name.replace("-", " ").capitalize(),
                description=f"The histogram {name} of the metrics profile ({histogram.metric}).",
                unit="s",
                queries=tuple(_percentile(rates, histogram, share) for share in _QUANTILES),
            )


def _pods(watched: Watched, series: str) -> Panel:
    scaling = watched.spec.scaling
    return Panel(
        title="Pods",
        description="Pods that answer Prometheus, pods that do not, and the declared minimum and maximum.",
        unit="short",
        queries=(
            Query(expression=f"{_BY_SLOT} (up{{{series}}})", legend=f"{_LEGEND} up"),
            Query(expression=f"count by ({SLOT}) (up{{{series}}} == 0)", legend=f"{_LEGEND} down"),
            Query(expression=f"vector({scaling.floor})", legend="minimum"),
            Query(expression=f"vector({scaling.ceiling})", legend="maximum"),
        ),
    )


def _use(watched: Watched, series: str) -> Iterator[Panel]:
    limits = watched.spec.resources.limits
    yield Panel(
        title="CPU per pod",
        description="Cores that the server process uses, and their limit.",
        unit="short",
        queries=(
            Query(
                expression=f"sum by ({SLOT}, pod) (rate(process_cpu_seconds_total{{{series}}}[{RATE_INTERVAL}]))",
                legend=_POD,
            ),
            Query(expression=f"vector({parse(limits.cpu):f})", legend="limit"),
        ),
    )
    yield Panel(
        title="Memory per pod",
        description="Resident memory of the server process, and its limit.",
        unit="bytes",
        queries=(
            Query(expression=f"sum by ({SLOT}, pod) (process_resident_memory_bytes{{{series}}})", legend=_POD),
            Query(expression=f"vector({parse(limits.memory):f})", legend="limit"),
        ),
    )


def _versions(watched: Watched, series: str) -> Iterator[Panel]:
    if (build := watched.spec.profile.build) is None:
        return
    yield Panel(
        title="Running versions",
        description="Pods by slot, version (of image and model) and settings hash.",
        unit="short",
        queries=(
            Query(
                expression=f"count by ({', '.join((SLOT, *build.labels))}) ({build.metric}{{{series}}})",
                legend=_legend(build.labels),
            ),
        ),
    )
