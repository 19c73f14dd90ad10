"""The provider names one cluster, and nothing in it differs between machines."""

import json

import pytest

from tests.components.deploying import deployed
from tests.samples import entry, job, put, stack, store


def inputs(**cluster: object) -> dict[str, object]:
    run = deployed(stack_data=stack(cluster={"context": "prod-eu", **cluster}))
    return next(r for r in run.resources if r.type == "pulumi:providers:kubernetes").inputs


def test_the_provider_talks_to_the_named_context_and_keeps_the_kubeconfig_out_of_the_state() -> None:
    given = inputs()
    assert (given["context"], given["clusterIdentifier"]) == ("prod-eu", "prod-eu")
    assert given["kubeconfig"] == "", "the SDK would write the value of KUBECONFIG otherwise"


def as_data(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


@pytest.mark.parametrize(("asked", "expected"), [({}, 400), ({"queriesPerSecond": 50}, 50)])
def test_the_client_limits_are_raised_so_that_previews_do_not_wait(asked: dict[str, int], expected: int) -> None:
    assert as_data(inputs(**asked)["kubeClientSettings"]) == {"qps": expected, "burst": 2 * expected}


def test_another_cluster_is_another_identifier() -> None:
    run = deployed(stack_data=put(stack(), "cluster.context", "prod-us"))
    provider = next(r for r in run.resources if r.type == "pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == "prod-us"


def test_every_object_goes_to_the_named_cluster_and_none_to_the_current_context() -> None:
    run = deployed(entry(stores={"queue": store()}, environments={"dev": {"jobs": {"train": job()}}}))
    provider = next(r for r in run.resources if r.type == "pulumi:providers:kubernetes")
    assert {"Deployment", "StatefulSet", "Job", "Namespace"} <= {r.kind for r in run.manifests}
    assert {r.provider.rpartition("::")[0] for r in run.manifests} == {provider.urn}
