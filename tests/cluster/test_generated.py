"""The models and the real API server agree: on whole systems, and on values at the edge of each rule."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster import dry_run, scalars
from tests.cluster.stack import Stack
from tests.generated import drawn, run_generated
from tests.rendering import Object, objects, served
from tests.samples import Config, put
from tests.strategies import systems

SYSTEMS = 40
VALUES = 60
"""Number of values for each field; repeated values are sent once."""


@pytest.fixture(scope="module")
def rendered(stack: Stack) -> list[list[Object]]:
    """Return the manifests of each generated system, all in one namespace."""

    def here(given: Config) -> Config:
        return put(put(given, "system.namespace", scalars.NAMESPACE), "cluster.context", "slipway-local")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", stack.env["KUBECONFIG"])
        return [objects(run_generated((here(given), entry))) for given, entry in drawn(systems(), SYSTEMS)]


@pytest.fixture(scope="module", autouse=True)
def _namespace(stack: Stack, rendered: list[list[Object]]) -> Iterator[None]:
    with dry_run.namespace(stack, rendered[0][0]):
        yield


def test_what_the_models_accept_the_api_server_accepts(
    stack: Stack, rendered: list[list[Object]], facts: list[str]
) -> None:
    manifests = [manifest for system in rendered for manifest in served(system)]
    kinds = {manifest["kind"] for manifest in manifests}
    assert kinds >= {"Deployment", "StatefulSet", "Job", "Ingress", "HorizontalPodAutoscaler", "NetworkPolicy", "Role"}
    verdict = dry_run.asked(stack, manifests)
    assert verdict.complaints == ""
    assert len(verdict.accepted) == len(manifests)
    facts.append(f"{len(manifests)} manifests of {len(rendered)} generated systems accepted by the API server")


def values_of(field: scalars.Field) -> list[Any]:
    """Return the field's values, each once."""
    found = drawn(field.values, VALUES)
    return [value for place, value in enumerate(found) if value not in found[:place]]


def test_what_the_api_server_refuses_the_models_refuse(stack: Stack, facts: list[str]) -> None:
    asked = [(label, value) for label, field in scalars.FIELDS.items() for value in values_of(field)]
    manifests = [scalars.FIELDS[label].place(f"value-{place}", value) for place, (label, value) in enumerate(asked)]
    accepted = {name.partition("/")[2] for name in dry_run.asked(stack, manifests).accepted}
    verdicts = [
        (label, value, scalars.FIELDS[label].ours(value), manifest["metadata"]["name"] in accepted)
        for (label, value), manifest in zip(asked, manifests, strict=True)
    ]
    for label in scalars.FIELDS:
        both = {theirs for name, _, _, theirs in verdicts if name == label}
        assert both == {True, False}, f"{label}: the values are all on one side of the rule"
    too_lax = [verdict for verdict in verdicts if verdict[2] and not verdict[3]]
    too_strict = [verdict for verdict in verdicts if scalars.FIELDS[verdict[0]].exact and verdict[3] and not verdict[2]]
    assert (too_lax, too_strict) == ([], [])
    facts.append(f"{len(verdicts)} values of {len(scalars.FIELDS)} fields: models and API server agree")
