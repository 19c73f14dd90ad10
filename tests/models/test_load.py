"""The load that a service is planned for, alone and beside the objective that it must hold."""

import pytest

from models.entry import CatalogueEntry
from models.load import Load, ServiceTime
from models.service import ServiceSpec
from tests.models.tables import (
    AT_LEAST_1,
    LATENCY,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import Config, accepted, entry, refused, service

SERVICE: Config = {"mean": "100ms"}
LOAD: Config = {"rate": 50, "service": SERVICE}
ACCEPTED: Accepted = [
    (Load, LOAD),
    (Load, {**LOAD, "rate": 0.5, "peak": 0.5}),
    (Load, {**LOAD, "peak": 150, "ramp": "10m", "coldStart": "42s", "concurrency": 4, "utilization": 100}),
    (ServiceTime, {"mean": "1ms", "cv": 0.05}),
    (ServiceTime, {"mean": "2s", "cv": 4}),
]
REFUSED: Refused = [
    (Load, {"rate": 50}, f"service: {REQUIRED}"),
    (Load, {"service": SERVICE}, f"rate: {REQUIRED}"),
    (Load, {**LOAD, "rate": 0}, "rate: 0: must be greater than 0"),
    (Load, {**LOAD, "rate": "50"}, "rate: '50': must be a number"),
    (Load, {**LOAD, "rate": True}, "rate: True: must be a number"),
    (Load, {**LOAD, "rate": float("inf")}, "rate: inf: must be a finite number"),
    (Load, {**LOAD, "peak": 49}, "peak 49 is below rate 50; raise it, or remove it if the rate does not grow"),
    (Load, {**LOAD, "ramp": "10m"}, "ramp 600s requires a peak above rate 50; set peak"),
    (Load, {**LOAD, "peak": 50, "ramp": "1s"}, "ramp 1s requires a peak above rate 50; set peak"),
    (Load, {**LOAD, "concurrency": 0}, f"concurrency: 0: {AT_LEAST_1}"),
    (Load, {**LOAD, "utilization": 101}, "utilization: 101: must be at most 100"),
    (ServiceTime, {"mean": 100}, f"mean: 100: {LATENCY}"),
    (ServiceTime, {"mean": "0ms"}, f"mean: 0: {AT_LEAST_1}"),
    (ServiceTime, {"mean": "1ms", "cv": 0.04}, "cv: 0.04: must be at least 0.05"),
    (ServiceTime, {"mean": "1ms", "cv": 4.1}, "cv: 4.1: must be at most 4"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


def promising(within: str, percent: float = 99, **load: object) -> Config:
    slo = {"latency": {"percent": percent, "within": within}}
    return service(load={**LOAD, **load}, monitoring={"slo": slo})


@pytest.mark.parametrize(
    "given",
    [
        promising("500ms"),  # 0.67 % of exponential times of 100 ms are longer
        promising("150ms", service={"mean": "100ms", "cv": 0.1}),
        service(load=LOAD),
        service(load=LOAD, monitoring={"slo": {"availability": 99.9}}),
        service(load=LOAD, monitoring=None),
    ],
)
def test_an_objective_that_the_service_time_alone_holds_is_accepted(given: Config) -> None:
    assert accepted(ServiceSpec, given)


def test_an_objective_that_no_number_of_pods_could_hold_is_refused() -> None:
    assert refused(ServiceSpec, promising("400ms")) == (
        (
            "given: load.service: with a mean of 100ms and cv 1, 1.8 % of the requests take longer than 400ms even "
            "without waiting, but monitoring.slo.latency allows only 1 %, so no number of pods is enough; make the "
            "server faster or the objective wider"
        ),
    )


def test_an_environment_has_a_load_of_its_own_or_none() -> None:
    smaller = {**LOAD, "rate": 1}
    found = accepted(
        CatalogueEntry,
        entry(
            services={"web": service(load=LOAD)},
            environments={
                "dev": {"services": {"web": {"load": None}}},
                "staging": {"services": {"web": {"load": smaller}}},
                "prod": {},
            },
        ),
    )
    loads = {name: found.service_in(name, "web").load for name in found.environments}
    assert {name: load and load.rate for name, load in loads.items()} == {"dev": None, "staging": 1, "prod": 50}
