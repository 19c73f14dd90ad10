"""The provider names one cluster, and nothing in it differs between machines."""

import inspect
import json
import re

import pytest
from pulumi_kubernetes import provider as k8s_provider

from components.cluster import READ_BY_THE_PLUGIN, variable_faults
from tests.components.deploying import registered
from tests.samples import entry, job, stack, store


def inputs(**cluster: object) -> dict[str, object]:
    run = registered(stack_data=stack(cluster={"context": "prod-eu", **cluster}))
    return next(r for r in run.resources if r.type == "pulumi:providers:kubernetes").inputs


def test_no_argument_of_the_provider_depends_on_the_contexts_name_or_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = inputs()
    assert given["kubeconfig"] == ".slipway/kube/dev", "the engine starts the plugin in the project's folder"
    assert "context" not in given
    monkeypatch.setenv("KUBECONFIG", "/elsewhere/config")
    assert inputs(context="prd") == given


VARIABLES = {
    **dict.fromkeys(
        (
            "PULUMI_K8S_DELETE_UNREACHABLE",
            "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
            "PULUMI_K8S_ENABLE_PATCH_FORCE",
            "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
            "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
            "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
            "PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS",
            "PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS",
            "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
        ),
        ("true", "false"),
    ),
    **dict.fromkeys(("PULUMI_K8S_CLIENT_BURST", "PULUMI_K8S_CLIENT_QPS", "PULUMI_K8S_CLIENT_TIMEOUT"), ("7", "9")),
    "KUBECONFIG": ("/elsewhere/config", ""),
}


@pytest.mark.parametrize("which", [0, 1])
def test_no_variable_of_a_users_shell_changes_an_argument(which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    without = inputs()
    for name, values in VARIABLES.items():
        monkeypatch.setenv(name, values[which])
    assert inputs() == without


def test_every_variable_that_the_sdk_reads_is_among_them() -> None:
    read = set(re.findall(r"get_env\w*\('(\w+)'\)", inspect.getsource(k8s_provider)))
    assert len(read) > 5
    assert read <= VARIABLES.keys()


@pytest.mark.parametrize("name", READ_BY_THE_PLUGIN)
def test_a_variable_that_no_argument_overrides_is_refused(name: str) -> None:
    (fault,) = variable_faults({name: "true", "PULUMI_K8S_CLIENT_QPS": "1"})
    assert fault.startswith(f"the variable {name} is true: ")
    assert fault.endswith(f"; unset {name}")
    assert list(variable_faults({name: "false"})) == []


def test_the_provider_is_never_replaced_also_where_the_state_has_an_identifier_of_an_earlier_version() -> None:
    """A changed identifier replaces every object; with one that stays the plugin plans no replacement at all."""
    run = registered()
    (provider,) = (r for r in run.resources if r.type == "pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == "slipway"
    assert provider.ignores == ("clusterIdentifier",)


def as_data(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


@pytest.mark.parametrize(("asked", "expected"), [({}, 400), ({"queriesPerSecond": 50}, 50)])
def test_the_client_limits_are_raised_so_that_previews_do_not_wait(asked: dict[str, int], expected: int) -> None:
    assert as_data(inputs(**asked)["kubeClientSettings"]) == {
        "qps": expected,
        "burst": 2 * expected,
        "timeout": 0,
    }


def test_every_object_goes_to_the_named_cluster_and_none_to_the_current_context() -> None:
    run = registered(entry(stores={"queue": store()}, environments={"dev": {"jobs": {"train": job()}}}))
    provider = next(r for r in run.resources if r.type == "pulumi:providers:kubernetes")
    assert {"Deployment", "StatefulSet", "Job", "Namespace"} <= {r.kind for r in run.manifests}
    assert {r.provider.rpartition("::")[0] for r in run.manifests} == {provider.urn}
