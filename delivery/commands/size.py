"""`slipway size`: computes the pods that a load needs, without a cluster."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.progress import Progress

from delivery.commands.options import LOOKING, AnyService, AsJson, StackName
from delivery.commands.output import Report, chosen_services, opened, progress_console, reported
from delivery.errors import DeliveryError
from delivery.release.service import Service
from delivery.report import size_tables
from models.errors import ConfigurationError, faults_of
from models.load import Load
from models.monitoring import LatencyObjective, Monitoring, Slo
from models.parsing import parse
from models.service import ServiceSpec
from sizing import picture, size_report
from sizing.size_report import Sized
from sizing.sizing import OutOfReachError, size
from sizing.summary import head

app = typer.Typer()

_USUAL_PERCENT = 99
"""Percentage of an objective for which only the time is given."""


Rate = Annotated[float | None, typer.Option(help="Requests per second.", show_default=False)]
Peak = Annotated[float | None, typer.Option(help="Peak rate, in requests per second.", show_default=False)]
Ramp = Annotated[
    str | None, typer.Option(help="Time in which the rate grows to the peak, such as 10m.", show_default=False)
]
ServiceTime = Annotated[
    str | None, typer.Option(help="Mean service time of one request, such as 100ms.", show_default=False)
]
Variation = Annotated[
    float | None,
    typer.Option(help="Coefficient of variation of the service time; 1 = exponential.", show_default=False),
]
ColdStart = Annotated[str | None, typer.Option(help="Start time of a new pod, such as 42s.", show_default=False)]
Utilization = Annotated[int | None, typer.Option(help="Highest planned utilization, in percent.", show_default=False)]
Within = Annotated[str | None, typer.Option(help="Latency objective, such as 500ms.", show_default=False)]
Percent = Annotated[
    str | None, typer.Option(help="Percentage of answers that must meet --within, such as 99.", show_default=False)
]
Simulate = Annotated[
    int, typer.Option(metavar="SEEDS", min=0, help="Check the result by simulation with this many seeds.")
]
Plot = Annotated[Path | None, typer.Option(metavar="FILE.svg", help="Write the plot to this file.", show_default=False)]


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """Options that replace values of the entry; None = not given."""

    rate: float | None
    peak: float | None
    ramp: str | None
    service_time: str | None
    cv: float | None
    cold_start: str | None
    utilization: int | None
    within: str | None
    percent: str | None


@app.command("size", rich_help_panel=LOOKING)
def show_size(
    context: typer.Context,
    stack: StackName,
    service: AnyService = None,
    rate: Rate = None,
    peak: Peak = None,
    ramp: Ramp = None,
    service_time: ServiceTime = None,
    cv: Variation = None,
    cold_start: ColdStart = None,
    utilization: Utilization = None,
    within: Within = None,
    percent: Percent = None,
    simulate: Simulate = 0,
    plot: Plot = None,
    as_json: AsJson = False,
) -> None:
    """Show how many pods the declared load needs, the HPA's target, and whether the entry's range is large enough.

    The options replace what the entry declares for one service. Exits with 1 if the entry allows too few pods, or if
    the simulation meets the objective in less than 95 % of the seeds.

    Example: slipway size prod classifier --rate 200 --simulate 50 --plot classifier.svg
    """
    what_if = WhatIf(
        rate=rate, peak=peak, ramp=ramp, service_time=service_time, cv=cv, cold_start=cold_start,
        utilization=utilization, within=within, percent=percent,
    )  # fmt: skip
    with reported("size", stack, service, as_json=as_json) as report:
        found = list(_sized(chosen_services(opened(context, stack), service), what_if))
        if plot and len(found) != 1:
            raise DeliveryError(f"--plot draws one service, but {len(found)} of {stack} declare a load; name one")
        if simulate:
            found = [_simulated(one, simulate) for one in found]
        if plot:
            (one,) = found
            plot.write_text(picture.picture(one.name, head(one.sizing), one.curve), "utf-8")
        _tell(report, found)


def _sized(services: Sequence[Service], what_if: WhatIf) -> Iterator[Sized]:
    asks = what_if != WhatIf(**dict.fromkeys(WhatIf.__dataclass_fields__))
    if asks and len(services) != 1:
        known = ", ".join(service.name for service in services)
        raise DeliveryError(f"{services[0].stack.name}: these options apply to one service; name one of {known}")
    for service in services:
        spec = _changed(service.spec, what_if, f"{service}: ") if asks else service.spec
        try:
            if (found := size(spec)) is not None:
                _ = found.most, found.target  # raises OutOfReachError here if no number of pods is enough
                yield Sized(name=service.name, spec=spec, sizing=found)
        except OutOfReachError as error:
            raise DeliveryError(f"{service}: {error}") from error


def _changed(spec: ServiceSpec, what_if: WhatIf, where: str) -> ServiceSpec:
    """Return the service with the options applied, validated by every rule of the entry."""
    if spec.load is None and (what_if.rate is None or what_if.service_time is None):
        raise DeliveryError(f"{where}declares no load; set at least --rate and --service-time")
    changes: dict[str, Any] = {"load": _load(spec.load, what_if)}
    if what_if.within or what_if.percent:
        changes["monitoring"] = _monitoring(spec, what_if, where)
    try:
        return ServiceSpec.model_validate({**dict(spec), **changes})
    except ValidationError as error:
        raise ConfigurationError(faults_of(error, ServiceSpec, where)) from error


def _load(load: Load | None, what_if: WhatIf) -> dict[str, Any]:
    """Return a load with the options applied, in the notation of a catalogue entry."""
    declared: dict[str, Any] = {}
    served: dict[str, Any] = {}
    if load:
        declared = load.model_dump(by_alias=True, exclude={"service", "ramp", "cold_start"}, exclude_none=True)
        declared["ramp"] = f"{load.ramp}s"
        served = {"mean": f"{load.service.mean}ms", "cv": load.service.cv}
        if load.cold_start is not None:
            declared["coldStart"] = f"{load.cold_start}s"
    asked = {
        "rate": what_if.rate, "peak": what_if.peak, "ramp": what_if.ramp, "coldStart": what_if.cold_start,
        "utilization": what_if.utilization,
    }  # fmt: skip
    served |= _given({"mean": what_if.service_time, "cv": what_if.cv})
    return {**declared, **_given(asked), "service": served}


def _monitoring(spec: ServiceSpec, what_if: WhatIf, where: str) -> Monitoring:
    held = spec.objective
    if held is None and what_if.within is None:
        raise DeliveryError(f"{where}declares no latency objective; --percent requires --within")
    latency = {
        "within": what_if.within or f"{held.within if held else 0}ms",
        "percent": what_if.percent or str(held.percent if held else _USUAL_PERCENT),
    }
    found = parse(LatencyObjective, latency, f"{where}monitoring.slo.latency.")
    monitoring = spec.monitoring or Monitoring()
    slo = monitoring.slo.model_copy(update={"latency": found}) if monitoring.slo else Slo(latency=found)
    return monitoring.model_copy(update={"slo": slo})


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None}


def _simulated(one: Sized, seeds: int) -> Sized:
    with Progress(console=progress_console(), transient=True) as progress:
        task = progress.add_task(f"{one.name}: {seeds} seeds of {size_report.REQUESTS} requests", total=seeds)
        return replace(one, simulated=size_report.simulate(one.sizing, seeds, lambda: progress.advance(task)))


def _tell(report: Report, found: list[Sized]) -> None:
    report.document["services"] = {one.name: one.document() for one in found}
    if not found:
        report.show(f"{report.stack}: no service declares a load; set `load` in the catalogue entry, or --rate")
        return
    report.show(size_tables.table(found), *(size_tables.plot(one.name, one.curve) for one in found))
    lacking = [f"{one.name}: {lack}" for one in found for lack in one.lacks]
    lacking += [
        f"{one.name}: the simulation met the objective in {one.simulated.held} of {one.simulated.seeds} seeds"
        for one in found
        if one.simulated and not one.simulated.enough
    ]
    if lacking:
        report.fail(f"{report.stack} {'; '.join(lacking)}", DeliveryError.exit_code)
