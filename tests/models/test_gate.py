"""What a gate could never tell is refused where it is written."""

import pytest

from models.gate import Gate
from models.service import ServiceSpec
from tests.samples import Config, accepted, refused, service


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"checks": {"errors": {"query": "x", "min": 1}}}, "checks.errors: 'errors': the gate already uses this"),
        (
            {"histograms": {"drift": {"within": "1s"}}, "checks": {"drift": {"query": "x", "min": 1}}},
            "histograms.drift and checks.drift would be one criterion; rename the check",
        ),
        (
            {"histograms": {"duration": {"within": "1s"}}},
            "histograms.duration: the gate already has a criterion of this kind; set gate.latency instead",
        ),
        ({"checks": {"webhook": {"query": "x", "min": 1}}}, "checks.webhook: 'webhook': the gate already uses this"),
    ],
)
def test_a_criterion_without_an_answer_is_one_line(spec: Config, said: str) -> None:
    (line,) = refused(Gate, spec)
    assert line.startswith(f"given: {said}")
    assert line.endswith(("; choose another name", "; rename the check", "; set gate.latency instead"))


@pytest.mark.parametrize(
    ("braced", "hint"),
    [
        ("{windw}", "; did you mean 'window'?"),
        ("{ window }", "; did you mean 'window'?"),
        ("{Namespace}", "; did you mean 'namespace'?"),
        ("{pod}", ""),
    ],
)
def test_a_misspelt_placeholder_is_refused_with_the_nearest(braced: str, hint: str) -> None:
    query = f'sum(rate(a{{slot="{{slot}}"}}[{braced}]))'
    (line,) = refused(Gate, {"checks": {"own": {"query": query, "min": 1}}})
    said = f"{braced} is not a placeholder ({{namespace}}, {{service}}, {{slot}}, {{window}}){hint}"
    assert line == f"given: checks.own.query: {query!r}: {said}"


@pytest.mark.parametrize(
    "query",
    [
        'a{namespace="{namespace}",pod=~"{service}-{slot}-.*"}[{window}]',
        'a{b=~"[0-9]{3}x{1,2}"}',
        r'a{b=~"\\p{Greek}+"}',
        "a{}",
        '{__name__="a"}',
    ],
)
def test_braces_of_promql_are_no_placeholders(query: str) -> None:
    assert accepted(Gate, {"checks": {"own": {"query": query, "min": 1}}}).checks["own"].query == query


@pytest.mark.parametrize("strategy", ["canary", "blueGreen", "ab"])
def test_a_match_without_a_route_is_one_line(strategy: str) -> None:
    (line,) = refused(ServiceSpec, service(release={"strategy": strategy, "match": {"cookie": "new"}}))
    assert line == "given: release.match: requires a route, because only a proxy reads headers and cookies; remove it"
