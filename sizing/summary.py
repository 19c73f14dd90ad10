"""A sizing in one line, the same in a preview and in `slipway size`."""

from collections.abc import Iterator, Mapping
from math import floor, inf

from models.service import ServiceSpec
from models.system import DeployedService
from sizing.sizing import OutOfReachError, Sizing, size


def advice(services: Mapping[str, DeployedService]) -> Iterator[tuple[str, bool]]:
    """Yield the line of every service that declares a load, and whether the line is a warning."""
    for name, service in services.items():
        try:
            if (found := size(service.spec)) is not None:
                yield summary(name, service.spec, found), any(found.lacks(service.spec.scaling))
        except OutOfReachError as error:
            yield f"{name}: {error}", True


def summary(name: str, spec: ServiceSpec, found: Sizing) -> str:
    """Return the whole line of a service."""
    lacking = "; ".join(found.lacks(spec.scaling))
    return f"{name}: {line(found)}; {declared(spec)}{f': {lacking}' if lacking else ''}"


def line(found: Sizing) -> str:
    """Return the load, the pods it needs, and the resulting times."""
    demand = found.demand
    mean, p95 = found.textbook
    return (
        f"{head(found)} ({objective(found)}M/M/{found.pods * demand.concurrency}: mean {milliseconds(mean)}, "
        f"p95 {milliseconds(p95)}); HPA at {percent(found.target)} busy = {found.per_pod:.3g} req/s per pod, "
        f"{found.least}..{found.most}"
    )


def head(found: Sizing) -> str:
    """Return the first half of the line: pods and times."""
    demand, station = found.demand, found.station
    growing = f", {demand.peak:g} at the peak → {found.most}" if demand.peak > demand.rate else ""
    return (
        f"{demand.rate:g} req/s at {milliseconds(demand.service.seconds)} → {pods(found.pods)} at "
        f"{percent(station.utilization)} busy{growing}; mean {milliseconds(station.mean)}, "
        f"p95 {milliseconds(station.quantile(0.95))}"
    )


def declared(spec: ServiceSpec) -> str:
    """Return the entry's scaling."""
    floor, ceiling = spec.scaling.floor, spec.scaling.ceiling
    return f"entry runs {floor}" if floor == ceiling else f"entry scales {floor}..{ceiling}"


def objective(found: Sizing) -> str:
    """Return the objective and the expected share of requests within it."""
    promised = found.demand.objective
    if promised is None:
        return ""
    within = milliseconds(promised.within)
    share = floor(1e4 * (1 - found.station.late(promised.within))) / 100
    return f"SLO {100 * promised.share:g} % < {within}: held, {share:.2f} %; "


def milliseconds(seconds: float) -> str:
    """Format a time: three significant digits below 10 ms, whole milliseconds above."""
    if seconds == inf:
        return "∞"
    return f"{1000 * seconds:.3g} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"  # noqa: PLR2004 -- see above


def pods(number: int) -> str:
    """Format a number of pods."""
    return f"{number} pod{'' if number == 1 else 's'}"


def percent(share: float) -> str:
    """Format a share as whole percent."""
    return f"{100 * share:.0f} %"
