"""What a gate could never tell is refused where it is written."""

import pytest

from models.gate import Gate
from models.service import ServiceSpec
from tests.samples import Config, refused, service


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"latency": {"within": "250ms"}}, "latency.within: '250ms': 250ms is not a bound of the server's histogram"),
        ({"checks": {"errors": {"query": "x", "min": 1}}}, "checks.errors: 'errors': the gate already uses this"),
        ({"checks": {"webhook": {"query": "x", "min": 1}}}, "checks.webhook: 'webhook': the gate already uses this"),
    ],
)
def test_a_criterion_without_an_answer_is_one_line(spec: Config, said: str) -> None:
    (line,) = refused(Gate, spec)
    assert line.startswith(f"given: {said}")
    assert line.endswith(("; choose one of them", "; choose another name"))


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "ab"])
def test_a_match_without_a_route_is_one_line(strategy: str) -> None:
    (line,) = refused(ServiceSpec, service(release={"strategy": strategy, "match": {"cookie": "new"}}))
    assert line == "given: release.match: requires a route, because only a proxy reads headers and cookies; remove it"
