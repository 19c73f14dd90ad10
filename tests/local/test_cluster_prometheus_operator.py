"""Part `monitoring`: the operator, and the Prometheus that it is told to run, agree with the rest of the cluster."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local import cluster, configs, images, parts, pki, prometheus_operator
from local.daemon import Daemon
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import group_of
from models.cluster import ClusterSettings


@pytest.fixture
def operator(prepared: Paths) -> Daemon:
    (daemon,) = prometheus_operator.daemons(prepared)
    return daemon


@pytest.fixture
def objects(prepared: Paths) -> dict[tuple[str, str], dict[str, Any]]:
    written = yaml.safe_load_all(prometheus_operator.objects(prepared))
    return {(one["kind"], one["metadata"]["name"]): one for one in written}


@pytest.fixture
def resource(prepared: Paths) -> dict[str, Any]:
    """The Prometheus."""
    return yaml.safe_load(prometheus_operator.dependents(prepared))


def test_the_operator_is_built_listens_on_loopback_and_acts_as_its_own_user(operator: Daemon, prepared: Paths) -> None:
    assert group_of(operator.binary).name == "prometheus-operator"
    (port,) = operator.ports
    assert f"-web.listen-address=127.0.0.1:{port.number}" in operator.arguments
    kubeconfig = yaml.safe_load((prepared.pki / "prometheus-operator.kubeconfig").read_text())
    assert operator.environment == {"KUBECONFIG": str(prepared.pki / "prometheus-operator.kubeconfig")}
    assert kubeconfig["users"][0]["user"]["client-certificate"] == str(prepared.pki / "prometheus-operator.crt")


def test_it_starts_after_what_it_acts_on_is_defined_and_its_prometheus_comes_after_it(paths: Paths) -> None:
    paths.create()
    parts.remember(paths, ["monitoring"])
    pki.create(paths.pki, paths.addresses)
    configs.write_all(paths)
    tasks = {task.name: task for task in cluster.Cluster(paths, Toolchain(paths.cache, Progress()), Progress()).tasks()}
    assert cluster.DEFINITIONS in tasks["prometheus-operator"].needs
    assert {"prometheus-operator", cluster.DEFINITIONS, cluster.IMAGES} <= set(tasks[cluster.DEPENDENTS].needs)
    assert "registry" in tasks[cluster.IMAGES].needs
    assert "kind: Prometheus\n" not in "".join(parts.objects(paths))
    assert [source.module for source in parts.definitions(paths)] == [
        "github.com/prometheus-operator/prometheus-operator"
    ]


def test_its_prometheus_takes_every_monitor_and_rule_of_every_namespace(resource: dict[str, Any]) -> None:
    chosen = ("serviceMonitorSelector", "serviceMonitorNamespaceSelector", "ruleSelector", "ruleNamespaceSelector")
    assert [resource["spec"][key] for key in chosen] == [{}, {}, {}, {}]


def test_its_prometheus_runs_where_network_policies_admit_one(
    resource: dict[str, Any], objects: dict[tuple[str, str], dict[str, Any]], operator: Daemon
) -> None:
    admitted = ClusterSettings(context="some").monitoring_namespace
    assert resource["metadata"]["namespace"] == admitted
    assert ("Namespace", admitted) in objects
    assert f"-prometheus-instance-namespaces={admitted}" in operator.arguments


def test_the_pod_has_rights_to_find_targets_and_none_to_change_anything(
    resource: dict[str, Any], objects: dict[tuple[str, str], dict[str, Any]]
) -> None:
    account = resource["spec"]["serviceAccountName"]
    assert ("ServiceAccount", account) in objects
    binding = objects["ClusterRoleBinding", "slipway:prometheus-pod"]
    assert binding["subjects"] == [
        {"kind": "ServiceAccount", "name": account, "namespace": resource["metadata"]["namespace"]}
    ]
    always = yaml.safe_load_all((Path(cluster.__file__).parent / "manifests/monitoring.yaml").read_text())
    (role,) = [one for one in always if one["kind"] == "ClusterRole"]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"list", "watch"}


def test_the_pod_s_images_are_pushed_under_the_names_that_it_is_told(
    prepared: Paths, resource: dict[str, Any], operator: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: dict[str, str] = {}

    def seed(_paths: Paths, program: str, place: str, *, repository: str, tag: str) -> None:
        pushed[f"{prepared.addresses.registry}/{repository}:{tag}"] = f"{program} as {place}"

    class Built:
        def wait(self, name: str) -> str:
            return name

    monkeypatch.setattr(images, "seed_program", seed)
    prometheus_operator.seed_images(prepared, Built())  # pyright: ignore[reportArgumentType] -- all that is asked of it
    (reloader,) = (re.sub(r".*=", "", word) for word in operator.arguments if "config-reloader" in word)
    assert pushed == {
        resource["spec"]["image"]: "prometheus as bin/prometheus",
        reloader: "prometheus-config-reloader as bin/prometheus-config-reloader",
    }
    # The operator reads from the version which flags and which configuration this Prometheus takes.
    assert resource["spec"]["image"].endswith(f":{resource['spec']['version']}")
