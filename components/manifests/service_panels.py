"""The panels of one service: what its users get, what its pods do, and what runs in which slot.

serving/telemetry/metrics.py defines the counters and histograms. The server itself reports ``process_…``, so CPU and
memory do not need cAdvisor. If an alert compares a value, the panel queries the same value.
"""

from collections.abc import Iterator

from components.manifests.alert import BY_SLOT, SLOT
from components.manifests.monitor import WITHOUT_PROBES
from components.manifests.objectives import objectives
from components.manifests.panels import RATE_INTERVAL, Panel, Query
from components.manifests.pod_alerts import Watched
from models.monitoring import Monitoring
from models.quantity import parse

SHOWN = f'{SLOT}=~"$slot"'
"""The slots that the reader selected."""
_QUANTILES = (0.5, 0.95, 0.99)
_LEGEND = f"{{{{{SLOT}}}}}"
_POD = "{{pod}}"  # the pod's name contains the slot


def panels(watched: Watched, monitoring: Monitoring) -> Iterator[Panel]:
    """Yield a monitored service's panels, in the order in which an on-call engineer needs them."""
    requests = f"{watched.series},{WITHOUT_PROBES}"
    series = f"{watched.series},{SHOWN}"
    yield from _answers(f"{requests},{SHOWN}")
    yield _weights(requests)
    yield from _budgets(watched, monitoring, requests)
    yield from _queue(watched, series)
    if watched.spec.model:
        yield from _inference(series)
    yield _pods(watched, series)
    yield from _use(watched, series)
    yield _versions(series)


def _answers(requests: str) -> Iterator[Panel]:
    yield Panel(
        title="Requests",
        description="Answered requests by slot and status, without probes and scrapes.",
        unit="reqps",
        queries=(
            Query(
                expression=f"sum by ({SLOT}, status) ({_rate('http_requests_total', requests)})",
                legend=f"{_LEGEND} {{{{status}}}}",
            ),
        ),
    )
    yield Panel(
        title="Errors",
        description="Share of requests answered with a 5xx, and share refused with 429 because the queue was full.",
        unit="percentunit",
        queries=(_share_of(requests, 'status=~"5.."', "5xx"), _share_of(requests, 'status="429"', "429")),
    )
    yield Panel(
        title="Latency",
        description="Time from the head of a request to the end of its answer, measured in the pod without the proxy.",
        unit="s",
        queries=tuple(_quantile("http_request_duration_seconds", requests, share) for share in _QUANTILES),
    )


def _share_of(requests: str, status: str, name: str) -> Query:
    """Return a query for a share. A slot without any such answer has no series, which means 0, not unknown."""
    some, every = (f"{BY_SLOT} ({_rate('http_requests_total', which)})" for which in (f"{requests},{status}", requests))
    return Query(expression=f"({some} or 0 * {every}) / {every}", legend=f"{_LEGEND} {name}")


def _weights(requests: str) -> Panel:
    """Return a panel of all slots, regardless of the reader's selection: a share needs the total."""
    rate = _rate("http_requests_total", requests)
    return Panel(
        title="Share of requests by slot",
        description="The measured split: the share of requests that each slot answers.",
        unit="percentunit",
        most=1,
        queries=(Query(expression=f"{BY_SLOT} ({rate}) / ignoring ({SLOT}) group_left sum ({rate})", legend=_LEGEND),),
    )


def _budgets(watched: Watched, monitoring: Monitoring, requests: str) -> Iterator[Panel]:
    """Yield one panel for all objectives: the budget left of 30 days, or of Prometheus' retention if shorter."""
    if monitoring.slo is None:
        return
    none = f"0 * sum (rate(http_requests_total{{{requests}}}[30d]))"
    yield Panel(
        title="Remaining error budget",
        description="Share of the 30-day error budget that is left, for both slots together. If Prometheus keeps less "
        "than 30 days, the share covers that time. Below 0, the objective is missed.",
        unit="percentunit",
        most=1,
        now=True,
        queries=tuple(
            Query(
                expression=f"1 - (({objective.share('30d')}) or {none}) / {objective.budget.normalize():f}",
                legend=objective.alert.removesuffix("BudgetBurn").lower(),
            )
            for objective in objectives(watched.service, watched.namespace, monitoring.slo, summed="sum")
        ),
    )


def _queue(watched: Watched, series: str) -> Iterator[Panel]:
    yield Panel(
        title="Queue",
        description=f"Admitted requests that no worker thread has started, in the pod with the most; from "
        f"{watched.spec.server.queue_limit} on, a pod answers further requests with 429.",
        unit="short",
        queries=(Query(expression=f"max by ({SLOT}) (inference_queue_depth{{{series}}})", legend=_LEGEND),),
    )
    yield Panel(
        title="Wait for a worker",
        description=f"Time that a request waits for a worker thread, of the {watched.spec.drain.request_timeout} s "
        "that the request may take.",
        unit="s",
        queries=(
            _mean("inference_queue_wait_seconds", series),
            _quantile("inference_queue_wait_seconds", series, 0.95),
        ),
    )
    yield Panel(
        title="In flight",
        description="Requests in progress, including probes.",
        unit="short",
        queries=(Query(expression=f"{BY_SLOT} (http_requests_in_flight{{{series}}})", legend=_LEGEND),),
    )


def _inference(series: str) -> Iterator[Panel]:
    yield Panel(
        title="Inference",
        description="Inference time of one request, without the wait for a worker.",
        unit="s",
        queries=(_mean("inference_duration_seconds", series), _quantile("inference_duration_seconds", series, 0.95)),
    )
    yield Panel(
        title="Batch",
        description="Average number of requests in one batch.",
        unit="short",
        queries=(_mean("inference_batch_size", series),),
    )


def _pods(watched: Watched, series: str) -> Panel:
    scaling = watched.spec.scaling
    return Panel(
        title="Pods",
        description="Pods that answer Prometheus, pods that do not, and the declared minimum and maximum.",
        unit="short",
        queries=(
            Query(expression=f"{BY_SLOT} (up{{{series}}})", legend=f"{_LEGEND} up"),
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
            Query(expression=f"sum by ({SLOT}, pod) ({_rate('process_cpu_seconds_total', series)})", legend=_POD),
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


def _versions(series: str) -> Panel:
    return Panel(
        title="Running versions",
        description="Pods by slot, version (of image and model) and settings hash.",
        unit="short",
        queries=(
            Query(
                expression=f"count by ({SLOT}, version, config) (slipway_build_info{{{series}}})",
                legend=f"{_LEGEND} {{{{version}}}} {{{{config}}}}",
            ),
        ),
    )


def _rate(counter: str, series: str) -> str:
    return f"rate({counter}{{{series}}}[{RATE_INTERVAL}])"


def _quantile(histogram: str, series: str, share: float) -> Query:
    buckets = f"sum by ({SLOT}, le) ({_rate(f'{histogram}_bucket', series)})"
    return Query(expression=f"histogram_quantile({share}, {buckets})", legend=f"{_LEGEND} p{100 * share:g}")


def _mean(histogram: str, series: str) -> Query:
    spent, counted = (f"{BY_SLOT} ({_rate(f'{histogram}_{part}', series)})" for part in ("sum", "count"))
    return Query(expression=f"{spent} / {counted}", legend=f"{_LEGEND} mean")
