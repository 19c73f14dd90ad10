"""Optional parts: chosen once, kept by the cluster, and served as the API server expects aggregated APIs."""

import base64
import re
from collections import Counter
from typing import Any

import pytest
import yaml
from cryptography import x509

from local import addresses, cluster, configs, definitions, keda, parts, pki, scaling, status
from local.daemon import Daemon
from local.errors import LocalError
from local.parts import PARTS
from local.paths import Paths
from local.progress import Progress
from local.toolchain.build import Toolchain
from local.toolchain.groups import group_of

EXTERNAL = "v1beta1.external.metrics.k8s.io"
SERVED = {
    "scaling": {
        "metrics-server": {"metrics.k8s.io"},
        "prometheus-adapter": {"custom.metrics.k8s.io", "external.metrics.k8s.io"},
    },
    "keda": {"keda-metrics-apiserver": {"external.metrics.k8s.io"}},
    "monitoring": {},
}


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def objects(prepared: Paths, part: str, kind: str) -> list[dict[str, Any]]:
    written = (PARTS[part].objects(prepared), PARTS[part].dependents(prepared))
    return [one for text in written for one in yaml.safe_load_all(text) if one["kind"] == kind]


def asked_for(paths: Paths, *names: str) -> Paths:
    paths.create()
    parts.remember(paths, parts.wanted(paths, names))
    pki.create(paths.pki, paths.addresses)
    configs.write_all(paths)
    return paths


def test_a_cluster_has_no_part_that_nobody_asked_for(paths: Paths) -> None:
    assert parts.chosen(paths) == ()
    assert parts.daemons(paths) == ()
    assert parts.groups(paths) == ()
    assert parts.objects(paths) == parts.dependents(paths) == parts.definitions(paths) == ()


def test_a_part_once_asked_for_stays_when_up_is_run_without_it(paths: Paths) -> None:
    paths.create()
    parts.remember(paths, parts.wanted(paths, ["scaling"]))
    parts.remember(paths, parts.wanted(paths, []))
    assert parts.chosen(paths) == ("scaling",)
    assert [daemon.name for daemon in parts.daemons(paths)] == ["metrics-server", "prometheus-adapter"]
    assert [group.name for group in parts.groups(paths)] == ["metrics-server", "prometheus-adapter"]


def test_the_status_and_the_start_of_the_cluster_know_the_chosen_parts(paths: Paths) -> None:
    asked_for(paths)
    before = status.report(paths)["components"].keys()
    parts.remember(paths, parts.wanted(paths, PARTS))
    added = {daemon.name for part in PARTS.values() for daemon in part.daemons(paths)}
    assert status.report(paths)["components"].keys() - before == added
    assert {daemon.name for daemon in cluster.daemons(paths)} == status.report(paths)["components"].keys()


def test_an_unknown_part_is_named_with_the_known_ones_and_nothing_is_remembered(paths: Paths) -> None:
    paths.create()
    with pytest.raises(LocalError, match=r"--with gpu: unknown part; choose one of: scaling, keda"):
        parts.wanted(paths, ["scaling", "gpu"])
    assert parts.chosen(paths) == ()


def test_the_daemons_of_a_part_are_built_for_it_and_each_port_is_one_daemon_s(prepared: Paths) -> None:
    rows = {name: part.daemons(prepared) for name, part in PARTS.items()}
    for name, daemons in rows.items():
        built = {group_of(program) for program in PARTS[name].programs}
        assert {group_of(daemon.binary) for daemon in daemons} <= built
    of_parts = [daemon for daemons in rows.values() for daemon in daemons]
    ports = Counter(p.number for d in (*cluster.daemons(prepared), *of_parts) for p in d.ports)
    assert [port for port, count in ports.items() if count > 1] == []
    for daemon in of_parts:
        listening = " ".join(daemon.arguments)
        assert daemon.ports
        assert all(re.search(rf"\b{port.number}\b", listening) for port in daemon.ports)


def test_the_api_server_can_believe_who_answers_under_each_service_s_name(prepared: Paths, part: str) -> None:
    authority = x509.load_pem_x509_certificate((prepared.pki / "ca.crt").read_bytes())
    found: dict[str, set[str]] = {}
    for api in objects(prepared, part, "APIService"):
        spec, service = api["spec"], api["spec"]["service"]
        found.setdefault(service["name"], set()).add(spec["group"])
        assert api["metadata"]["name"] == f"{spec['version']}.{spec['group']}"
        assert x509.load_pem_x509_certificate(base64.b64decode(spec["caBundle"])) == authority
        assert f"{service['name']}.{service['namespace']}.svc" in names_of(prepared, service["name"])
    assert found == SERVED[part]


def names_of(prepared: Paths, certificate: str) -> list[str]:
    served = x509.load_pem_x509_certificate((prepared.pki / f"{certificate}.crt").read_bytes())
    names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]


def test_no_api_is_announced_before_its_daemon_answers(paths: Paths) -> None:
    asked_for(paths, *PARTS)
    tasks = {task.name: task for task in cluster.Cluster(paths, Toolchain(paths.cache, Progress()), Progress()).tasks()}
    serving = {name for served in SERVED.values() for name in served}
    assert serving | {cluster.OBJECTS} <= set(tasks[cluster.DEPENDENTS].needs)
    assert "APIService" not in "".join(parts.objects(paths))


def test_each_service_leads_to_its_daemon_on_the_bridge(prepared: Paths, part: str) -> None:
    table = {daemon.name: daemon for daemon in PARTS[part].daemons(prepared)}
    slices = {one["metadata"]["name"]: one for one in objects(prepared, part, "EndpointSlice")}
    assert slices.keys() == SERVED[part].keys()
    assert slices.keys() == {one["metadata"]["name"] for one in objects(prepared, part, "Service")}
    for name, one in slices.items():
        assert one["endpoints"][0]["addresses"] == [prepared.addresses.node_ip]
        assert one["ports"][0]["port"] in {port.number for port in table[name].ports}
        assert one["metadata"]["labels"]["kubernetes.io/service-name"] == name


def test_the_adapter_reads_the_cluster_s_prometheus(prepared: Paths) -> None:
    (adapter,) = [daemon for daemon in scaling.daemons(prepared) if daemon.name == "prometheus-adapter"]
    assert f"--prometheus-url={prepared.addresses.prometheus_url}" in adapter.arguments


@pytest.mark.parametrize("order", [("scaling", "keda"), ("keda", "scaling")], ids=" first, ".join)
def test_of_two_parts_keda_alone_gives_external_metrics_whichever_came_first(
    paths: Paths, order: tuple[str, ...]
) -> None:
    asked_for(paths, *order)
    served = [api for text in parts.dependents(paths) for api in yaml.safe_load_all(text)]
    (external,) = [api for api in served if api["metadata"]["name"] == EXTERNAL]
    assert external["spec"]["service"] == {"name": "keda-metrics-apiserver", "namespace": "keda"}
    groups = Counter(api["metadata"]["name"] for api in served)
    assert set(groups.values()) == {1}
    assert {"v1beta1.metrics.k8s.io", "v1beta2.custom.metrics.k8s.io"} < groups.keys()


@pytest.fixture
def keda_table(prepared: Paths) -> dict[str, Daemon]:
    return {daemon.name: daemon for daemon in keda.daemons(prepared)}


def test_keda_s_programs_find_each_other_and_a_pair_that_both_believe(
    prepared: Paths, keda_table: dict[str, Daemon]
) -> None:
    operator, adapter = keda_table["keda-operator"].arguments, keda_table["keda-metrics-apiserver"].arguments
    (listening,) = [word.partition("=")[2] for word in operator if word.startswith("--metrics-service-bind-address=")]
    assert f"--metrics-service-address={listening}" in adapter
    assert f"--cert-dir={prepared.pki}" in operator
    assert f"--cert-dir={prepared.pki}" in adapter
    assert all((prepared.pki / file).is_file() for file in ("ca.crt", "tls.crt", "tls.key"))
    assert addresses.LOOPBACK in names_of(prepared, "tls")


def test_the_operator_reads_names_as_a_pod_does(keda_table: dict[str, Daemon]) -> None:
    """A store is asked at `<store>.<namespace>.svc`, which this machine's resolver would ask the internet for."""
    resolver = keda_table["keda-operator"].resolver
    assert resolver
    assert resolver.read_text().splitlines() == ["nameserver 10.88.0.1", "search cluster.local", "options ndots:5"]


def test_what_the_operator_watches_is_defined_with_the_part_and_only_then(paths: Paths) -> None:
    asked_for(paths, "keda")
    (beside,) = parts.definitions(paths)
    (always,) = [source for source in definitions.SOURCES if source.module == beside.module]
    assert beside.folder == always.folder
    kinds = {"scaledjobs", "scaledobjects", "triggerauthentications", "cloudeventsources"}
    patterns = " ".join((*always.files, *beside.files))
    assert all(kind in patterns for kind in kinds)
    assert not set(always.files) & set(beside.files)


def test_both_users_have_the_rights_that_the_manifests_give(prepared: Paths, keda_table: dict[str, Daemon]) -> None:
    bound = {
        subject["name"]
        for kind in ("ClusterRoleBinding", "RoleBinding")
        for one in objects(prepared, "keda", kind)
        for subject in one["subjects"]
    }
    assert bound == {f"slipway:{name}" for name in keda_table}
    assert all((prepared.pki / f"{name}.kubeconfig").is_file() for name in keda_table)
