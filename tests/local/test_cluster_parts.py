"""Optional parts: chosen once, kept by the cluster, and served as the API server expects aggregated APIs."""

import base64
import re
from collections import Counter
from typing import Any

import pytest
import yaml
from cryptography import x509

from local import addresses, cluster, configs, parts, pki, scaling, status
from local.daemon import Daemon
from local.errors import LocalError
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import group_of


@pytest.fixture
def scaling_table(prepared: Paths) -> dict[str, Daemon]:
    return {daemon.name: daemon for daemon in scaling.daemons(prepared)}


def objects(prepared: Paths, kind: str) -> list[dict[str, Any]]:
    written = (*yaml.safe_load_all(scaling.objects(prepared)), *yaml.safe_load_all(scaling.apis(prepared)))
    return [one for one in written if one["kind"] == kind]


def test_a_cluster_has_no_part_that_nobody_asked_for(paths: Paths) -> None:
    assert parts.chosen(paths) == ()
    assert parts.daemons(paths) == ()
    assert parts.groups(paths) == ()
    assert parts.objects(paths) == parts.apis(paths) == ()


def test_a_part_once_asked_for_stays_when_up_is_run_without_it(paths: Paths) -> None:
    paths.create()
    parts.add(paths, ["scaling"])
    parts.add(paths, [])
    assert parts.chosen(paths) == ("scaling",)
    assert [daemon.name for daemon in parts.daemons(paths)] == ["metrics-server", "prometheus-adapter"]
    assert [group.name for group in parts.groups(paths)] == ["metrics-server", "prometheus-adapter"]


def test_the_status_and_the_start_of_the_cluster_know_the_chosen_parts(paths: Paths) -> None:
    paths.create()
    pki.create(paths.pki)
    configs.write_all(paths)
    before = status.report(paths)["components"].keys()
    parts.add(paths, ["scaling"])
    assert status.report(paths)["components"].keys() - before == {"metrics-server", "prometheus-adapter"}
    assert {daemon.name for daemon in cluster.daemons(paths)} == status.report(paths)["components"].keys()


def test_an_unknown_part_is_named_with_the_known_ones_and_nothing_is_remembered(paths: Paths) -> None:
    paths.create()
    with pytest.raises(LocalError, match=r"--with gpu: no such part; there are: scaling"):
        parts.add(paths, ["scaling", "gpu"])
    assert parts.chosen(paths) == ()


def test_their_daemons_are_built_and_their_ports_are_nobody_else_s(
    prepared: Paths, scaling_table: dict[str, Daemon]
) -> None:
    assert all(group_of(daemon.binary).version for daemon in scaling_table.values())
    ports = Counter(p.number for d in (*cluster.daemons(prepared), *scaling_table.values()) for p in d.ports)
    assert [port for port, count in ports.items() if count > 1] == []
    listening = " ".join(word for daemon in scaling_table.values() for word in daemon.arguments)
    for daemon in scaling_table.values():
        assert all(re.search(rf"\b{port.number}\b", listening) for port in daemon.ports)


def test_the_api_server_can_believe_who_answers_under_each_service_s_name(prepared: Paths) -> None:
    authority = x509.load_pem_x509_certificate((prepared.pki / "ca.crt").read_bytes())
    apis = objects(prepared, "APIService")
    groups = {"metrics.k8s.io", "custom.metrics.k8s.io", "external.metrics.k8s.io"}
    assert {api["spec"]["group"] for api in apis} == groups
    for api in apis:
        spec = api["spec"]
        assert api["metadata"]["name"] == f"{spec['version']}.{spec['group']}"
        assert x509.load_pem_x509_certificate(base64.b64decode(spec["caBundle"])) == authority
        served = x509.load_pem_x509_certificate((prepared.pki / f"{spec['service']['name']}.crt").read_bytes())
        names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert f"{spec['service']['name']}.kube-system.svc" in names.get_values_for_type(x509.DNSName)


def test_no_api_is_announced_before_its_daemon_answers(paths: Paths) -> None:
    paths.create()
    parts.add(paths, ["scaling"])
    pki.create(paths.pki)
    configs.write_all(paths)
    tasks = {task.name: task for task in cluster.Cluster(paths, Toolchain(paths.cache, Progress()), Progress()).tasks()}
    assert {"metrics-server", "prometheus-adapter", cluster.OBJECTS} <= set(tasks[cluster.APIS].needs)
    assert "APIService" not in "".join(parts.objects(paths))


def test_each_service_leads_to_its_daemon_on_the_bridge(prepared: Paths, scaling_table: dict[str, Daemon]) -> None:
    slices = {one["metadata"]["name"]: one for one in objects(prepared, "EndpointSlice")}
    assert slices.keys() == scaling_table.keys() == {one["metadata"]["name"] for one in objects(prepared, "Service")}
    for name, daemon in scaling_table.items():
        assert slices[name]["endpoints"][0]["addresses"] == [addresses.NODE_IP]
        assert slices[name]["ports"][0]["port"] in {port.number for port in daemon.ports}
        assert slices[name]["metadata"]["labels"]["kubernetes.io/service-name"] == name


def test_the_adapter_reads_the_cluster_s_prometheus(scaling_table: dict[str, Daemon]) -> None:
    assert f"--prometheus-url={addresses.PROMETHEUS_URL}" in scaling_table["prometheus-adapter"].arguments
