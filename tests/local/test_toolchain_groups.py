"""The shipped groups and modules agree with each other: nothing here builds or downloads."""

import re
import tomllib
from pathlib import Path

import pytest

from local.errors import LocalError
from local.parts import PARTS
from local.toolchain import groups
from local.toolchain.__main__ import chosen
from local.toolchain.golang import MINIMUM
from local.toolchain.groups import ALL, GROUPS, ON_DEMAND, OPTIONAL, Group, Program, group_of, tag_flags
from local.toolchain.sources import MODULES, read_sources
from tests.each import each

PROJECT = Path(__file__).resolve().parents[2]
MODULE_NAMES = sorted({group.module for group in ALL})


def test_the_modules_are_those_that_a_group_builds() -> None:
    assert MODULE_NAMES
    assert sorted(folder.name for folder in MODULES.iterdir()) == MODULE_NAMES


def test_group_and_binary_names_are_unique() -> None:
    names = [group.name for group in ALL]
    binaries = [name for group in ALL for name in group.binaries]
    assert len(set(names)) == len(names)
    assert len(set(binaries)) == len(binaries)


def test_what_the_cluster_needs_first_is_built_first() -> None:
    order = [group.name for group in GROUPS]
    for early in ("etcd", "kubernetes", "containerd", "registry"):
        assert order.index(early) < order.index("pulumi")


def test_links_are_offered_instead_of_the_file_they_point_to() -> None:
    assert "kubernetes" not in group_of("kubelet").binaries
    assert {"kube-apiserver", "kubectl"} <= set(group_of("kubelet").binaries)


def test_scripts_are_binaries_too() -> None:
    assert group_of("pulumi-language-python-exec").name == "python-host"


def test_what_only_tests_need_is_not_built_by_up() -> None:
    assert {group.name for group in ON_DEMAND} == {"kube-score", "actionlint", "promtool", "flagger", "vegeta"}
    assert not set(ON_DEMAND) & set(GROUPS)
    assert group_of("promtool") in ON_DEMAND


def test_what_a_part_needs_is_built_with_that_part_alone() -> None:
    optional = {"metrics-server", "prometheus-adapter", "keda", "prometheus-operator"}
    assert {group.name for group in OPTIONAL} == optional
    assert not set(OPTIONAL) & {*GROUPS, *ON_DEMAND}
    assert set(OPTIONAL) == {group_of(program) for part in PARTS.values() for program in part.programs}


def test_build_tags_are_one_flag_and_none_where_there_are_none() -> None:
    assert tag_flags([group_of("promtool")]) == ["-tags=remove_all_sd,enable_kubernetes_sd"]
    assert tag_flags([group_of("etcd"), group_of("kubelet")]) == []


def test_promtool_shares_the_server_s_compiled_packages() -> None:
    shared = [(group.module, group.version, group.tags) for group in map(group_of, ("prometheus", "promtool"))]
    assert len(set(shared)) == 1


def test_an_unknown_program_is_named_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match=r"unknown program 'nginx'; choose one of: .*kubectl"):
        group_of("nginx")


@each("group", ALL)
def test_a_group_says_its_version_and_how_long_it_takes(group: Group) -> None:
    assert re.fullmatch(r"v?\d+\.\d+\.\d+", group.version)
    assert group.expected_seconds > 0


@each("name", MODULE_NAMES)
def test_a_module_is_pinned_with_checksums(name: str) -> None:
    assert "\nrequire " in (MODULES / name / "go.mod").read_text()
    assert " h1:" in (MODULES / name / "go.sum").read_text()


@each("name", MODULE_NAMES)
def test_a_module_builds_with_the_oldest_go_that_is_accepted(name: str) -> None:
    match = re.search(r"^go (\S+)$", (MODULES / name / "go.mod").read_text(), re.MULTILINE)
    assert match
    assert tuple(int(part) for part in match.group(1).split(".")) <= MINIMUM


@each("name", MODULE_NAMES)
def test_what_is_replaced_by_a_patched_copy_is_copied_in_the_required_version(name: str) -> None:
    text = (MODULES / name / "go.mod").read_text()
    replaced = re.findall(r"^\s*(?:replace )?(\S+) => \./patched/(\S+)$", text, re.MULTILINE)
    patched = {source["path"]: source["version"] for source in read_sources(MODULES / name) if source.get("patched")}
    assert dict(replaced) == {path: path for path in patched}
    for path, version in patched.items():
        assert re.search(rf"^\s*(?:require )?{re.escape(path)} {re.escape(version)}\b", text, re.MULTILINE), path


@each("name", MODULE_NAMES)
def test_every_patch_belongs_to_a_patched_module(name: str) -> None:
    patches = MODULES / name / "patches"
    paths = [source["path"] for source in read_sources(MODULES / name) if source.get("patched")]
    for file in (path for path in patches.rglob("*") if path.is_file()):
        assert any(file.is_relative_to(patches / path) for path in paths), file


@each("name", MODULE_NAMES)
def test_no_file_names_a_server(name: str) -> None:
    for file in (path for path in (MODULES / name).rglob("*") if path.is_file()):
        assert not re.search(r"[a-z]{3,}://", file.read_text()), file


def programs() -> list[tuple[Group, Program]]:
    return [(group, program) for group in ALL for program in group.programs]


@each(("group", "program"), programs())
def test_a_program_is_ours_or_a_required_module_s(group: Group, program: Program) -> None:
    folder = MODULES / group.module
    if program.package.startswith("."):
        assert (folder / program.package / "main.go").is_file()
        return
    required = re.findall(r"^(?:require |\t)(\S+) v\S+", (folder / "go.mod").read_text(), re.MULTILINE)
    assert any(f"{program.package}/".startswith(f"{path}/") for path in required)


@each(
    ("name", "path"),
    [
        ("kubernetes", "k8s.io/kubernetes"),
        ("etcd", "go.etcd.io/etcd/server/v3"),
        ("containerd", "github.com/containerd/containerd/v2"),
        ("registry", "github.com/distribution/distribution/v3"),
        ("coredns", "github.com/coredns/coredns"),
        ("buildkit", "github.com/moby/buildkit"),
        ("traefik", "github.com/traefik/traefik/v3"),
        ("versitygw", "github.com/versity/versitygw"),
        ("metrics-server", "sigs.k8s.io/metrics-server"),
        ("prometheus-adapter", "sigs.k8s.io/prometheus-adapter"),
        ("keda", "github.com/kedacore/keda/v2"),
        ("prometheus-operator", "github.com/prometheus-operator/prometheus-operator"),
        ("volume-provisioner", "sigs.k8s.io/sig-storage-lib-external-provisioner/v13"),
        ("kube-score", "github.com/zegl/kube-score"),
        ("actionlint", "github.com/rhysd/actionlint"),
        ("flagger", "github.com/fluxcd/flagger"),
        ("vegeta", "github.com/tsenart/vegeta/v12"),
        ("prometheus", "github.com/prometheus/prometheus"),
        ("promtool", "github.com/prometheus/prometheus"),
        ("pulumi", "github.com/pulumi/pulumi/pkg/v3"),
        ("python-host", "github.com/pulumi/pulumi/sdk/v3"),
        ("pulumi-docker-build", "github.com/pulumi/pulumi-docker-build"),
    ],
)
def test_a_group_announces_the_version_that_its_module_pins(name: str, path: str) -> None:
    group = next(group for group in ALL if group.name == name)
    pinned = re.search(
        rf"^(?:require |\t){re.escape(path)} v(\S+)", (MODULES / group.module / "go.mod").read_text(), re.MULTILINE
    )
    assert pinned
    assert pinned.group(1) == group.version.removeprefix("v")


def test_the_engine_and_plugins_match_the_python_packages() -> None:
    dependencies = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert f"pulumi=={groups.PULUMI_VERSION.removeprefix('v')}" in dependencies
    assert f"pulumi-kubernetes=={groups.PULUMI_KUBERNETES_VERSION}" in dependencies
    assert f"pulumi-docker-build=={groups.PULUMI_DOCKER_BUILD_VERSION}" in dependencies


def test_a_group_is_chosen_by_name_and_an_unknown_one_is_named_with_the_known_ones() -> None:
    assert [group.name for group in chosen(["promtool", "etcd"])] == ["promtool", "etcd"]
    assert chosen(None) == GROUPS
    with pytest.raises(LocalError, match=r"--only grafana: unknown group; choose one of: etcd, .*promtool"):
        chosen(["grafana"])
