"""The programs, their Go packages, and the order in which they are built.

Groups of one module share versions and therefore most of their compiled packages. Read README.md before you move a
group.
"""

from collections.abc import Iterable

from local.toolchain.group import Group, Program

KUBERNETES_VERSION = "v1.36.1"
PULUMI_VERSION = "v3.259.0"
PULUMI_KUBERNETES_VERSION = "4.25.0"
PULUMI_DOCKER_BUILD_VERSION = "0.0.22"
KEDA_VERSION = "v2.21.0"
PROMETHEUS_VERSION, PROMETHEUS_RELEASE = "v0.315.0", "v3.15.0"  # the module's version and the program's own

_KUBERNETES_GO = "k8s.io/component-base/version"
_KUBERNETES_MAJOR, _KUBERNETES_MINOR, _ = KUBERNETES_VERSION[1:].split(".")
_PULUMI_VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_PROMETHEUS_VARIABLES = (("github.com/prometheus/common/version.Version", PROMETHEUS_RELEASE.removeprefix("v")),)
# These tags leave out the cloud SDKs. promtool discovers no targets, but with the same tags it shares the server's
# packages.
_PROMETHEUS_TAGS = ("remove_all_sd", "enable_kubernetes_sd")

# What `up` builds, in the order of need: first the cluster, then the engine, then what only a deployment needs.
GROUPS: tuple[Group, ...] = (
    Group(
        name="etcd",
        version="v3.7.3",
        module="cluster",
        programs=(Program(name="etcd", package="go.etcd.io/etcd/server/v3"),),
        expected_seconds=65,
    ),
    Group(
        name="kubernetes",
        version=KUBERNETES_VERSION,
        module="cluster",
        programs=(
            Program(
                name="kubernetes",
                package="./cmd/kubernetes",
                links=(
                    "kube-apiserver",
                    "kube-controller-manager",
                    "kube-scheduler",
                    "kubelet",
                    "kube-proxy",
                    "kubectl",
                ),
            ),
        ),
        expected_seconds=170,
        variables=(
            (f"{_KUBERNETES_GO}.gitVersion", KUBERNETES_VERSION),
            (f"{_KUBERNETES_GO}.gitMajor", _KUBERNETES_MAJOR),
            (f"{_KUBERNETES_GO}.gitMinor", _KUBERNETES_MINOR),
            (f"{_KUBERNETES_GO}.gitTreeState", "clean"),
            ("k8s.io/client-go/pkg/version.gitVersion", KUBERNETES_VERSION),
        ),
    ),
    Group(
        name="containerd",
        version="v2.3.5",
        module="cluster",
        programs=(
            Program(name="containerd", package="github.com/containerd/containerd/v2/cmd/containerd"),
            Program(
                name="containerd-shim-runc-v2",
                package="github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2",
            ),
            Program(name="ctr", package="github.com/containerd/containerd/v2/cmd/ctr"),
        ),
        expected_seconds=25,
        variables=(("github.com/containerd/containerd/v2/version.Version", "v2.3.5"),),
    ),
    Group(
        name="registry",
        version="v3.1.2",
        module="registry",
        programs=(Program(name="registry", package="."),),
        expected_seconds=15,
        variables=(("github.com/distribution/distribution/v3/version.version", "v3.1.2"),),
    ),
    Group(
        name="coredns",
        version="v1.15.0",
        module="cluster",
        programs=(Program(name="coredns", package="./cmd/coredns"),),
        expected_seconds=10,
    ),
    Group(
        name="buildkit",
        version="v0.31.0",
        module="cluster",
        programs=(Program(name="buildkitd", package="github.com/moby/buildkit/cmd/buildkitd"),),
        expected_seconds=50,
        variables=(("github.com/moby/buildkit/version.Version", "v0.31.0"),),
    ),
    Group(
        name="pulumi",
        version=PULUMI_VERSION,
        module="pulumi",
        programs=(Program(name="pulumi", package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"),),
        expected_seconds=130,
        variables=((_PULUMI_VERSION_VARIABLE, PULUMI_VERSION),),
    ),
    Group(
        name="python-host",
        version="v3.79.0",
        module="python-host",
        programs=(
            Program(
                name="pulumi-language-python",
                package="github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
            ),
        ),
        expected_seconds=12,
        variables=((_PULUMI_VERSION_VARIABLE, "v3.79.0"),),
        scripts=("copied/pulumi-language-python-exec",),
    ),
    Group(
        name="pulumi-docker-build",
        version=PULUMI_DOCKER_BUILD_VERSION,
        module="pulumi",
        programs=(
            Program(
                name="pulumi-resource-docker-build",
                package="github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build",
            ),
        ),
        expected_seconds=50,
        variables=(("github.com/pulumi/pulumi-docker-build/provider.Version", PULUMI_DOCKER_BUILD_VERSION),),
        on_path=False,
    ),
    Group(
        name="pulumi-kubernetes",
        version=PULUMI_KUBERNETES_VERSION,
        module="pulumi",
        programs=(Program(name="pulumi-resource-kubernetes", package="./cmd/pulumi-resource-kubernetes"),),
        expected_seconds=75,
        variables=(("main.version", PULUMI_KUBERNETES_VERSION),),
        on_path=False,
    ),
    Group(
        name="volume-provisioner",
        version="v13.0.0",  # the version of the library that does the work
        module="cluster",
        programs=(Program(name="volume-provisioner", package="./cmd/volume-provisioner"),),
        expected_seconds=5,
    ),
    Group(
        name="versitygw",
        version="v1.8.0",
        module="s3",
        programs=(Program(name="versitygw", package="."),),
        expected_seconds=30,
    ),
    Group(
        name="traefik",
        version="v3.7.9",
        module="cluster",
        programs=(Program(name="traefik", package="github.com/traefik/traefik/v3/cmd/traefik"),),
        expected_seconds=40,
        variables=(("github.com/traefik/traefik/v3/pkg/version.Version", "v3.7.9"),),
    ),
    Group(
        name="prometheus",
        version=PROMETHEUS_VERSION,
        module="prometheus",
        programs=(Program(name="prometheus", package="github.com/prometheus/prometheus/cmd/prometheus"),),
        expected_seconds=95,
        variables=_PROMETHEUS_VARIABLES,
        tags=_PROMETHEUS_TAGS,
    ),
)

# What `up --with PART` also builds (local/parts.py).
OPTIONAL: tuple[Group, ...] = (
    Group(
        name="metrics-server",
        version="v0.9.0",
        module="scaling",
        programs=(Program(name="metrics-server", package="sigs.k8s.io/metrics-server/cmd/metrics-server"),),
        expected_seconds=60,
        variables=(("k8s.io/client-go/pkg/version.gitVersion", "v0.9.0"),),
    ),
    Group(
        name="prometheus-adapter",
        version="v0.12.0",
        module="scaling",
        programs=(
            Program(
                name="adapter", package="sigs.k8s.io/prometheus-adapter/cmd/adapter", links=("prometheus-adapter",)
            ),
            Program(name="adapter-rules", package="./cmd/adapter-rules"),
        ),
        expected_seconds=15,
    ),
    Group(
        name="keda",
        version=KEDA_VERSION,
        module="keda",
        programs=(
            Program(name="operator", package="github.com/kedacore/keda/v2/cmd/operator", links=("keda-operator",)),
            Program(name="adapter", package="github.com/kedacore/keda/v2/cmd/adapter", links=("keda-adapter",)),
        ),
        expected_seconds=430,
        variables=(("github.com/kedacore/keda/v2/version.Version", KEDA_VERSION.removeprefix("v")),),
    ),
    Group(
        name="prometheus-operator",
        version="v0.85.0",
        module="prometheus-operator",
        programs=(
            Program(
                name="operator",
                package="github.com/prometheus-operator/prometheus-operator/cmd/operator",
                links=("prometheus-operator",),
            ),
            Program(
                name="prometheus-config-reloader",
                package="github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader",
            ),
        ),
        expected_seconds=95,
        variables=(("github.com/prometheus/common/version.Version", "0.85.0"),),
    ),
)

# No cluster needs these: checkers for the tests, and programs that benchmarks compare with. `build.provide` builds each
# on first use.
ON_DEMAND: tuple[Group, ...] = (
    Group(
        name="kube-score",
        version="v1.20.0",
        module="kube-score",
        programs=(Program(name="kube-score", package="github.com/zegl/kube-score/cmd/kube-score"),),
        expected_seconds=40,
        variables=(("main.version", "v1.20.0"),),
    ),
    Group(
        name="actionlint",
        version="v1.7.12",
        module="actionlint",
        programs=(Program(name="actionlint", package="github.com/rhysd/actionlint/cmd/actionlint"),),
        expected_seconds=30,
        variables=(("github.com/rhysd/actionlint.version", "v1.7.12"),),
    ),
    Group(
        name="promtool",
        version=PROMETHEUS_VERSION,
        module="prometheus",
        programs=(Program(name="promtool", package="github.com/prometheus/prometheus/cmd/promtool"),),
        expected_seconds=10,
        variables=_PROMETHEUS_VARIABLES,
        tags=_PROMETHEUS_TAGS,
    ),
    Group(
        name="flagger",
        version="v1.36.1",
        module="flagger",
        programs=(Program(name="flagger", package="github.com/fluxcd/flagger/cmd/flagger"),),
        expected_seconds=150,
    ),
    Group(
        name="vegeta",
        version="v12.12.0",
        module="vegeta",
        programs=(Program(name="vegeta", package="github.com/tsenart/vegeta/v12"),),
        expected_seconds=15,
        variables=(("main.Version", "v12.12.0"),),
    ),
)
ALL = (*GROUPS, *OPTIONAL, *ON_DEMAND)


def group_of(binary: str, groups: tuple[Group, ...] = ALL) -> Group:
    """Return the group that holds an executable; raise a KeyError that lists the known executables if there is none."""
    for group in groups:
        if binary in group.binaries:
            return group
    known = ", ".join(name for group in groups for name in group.binaries)
    raise KeyError(f"toolchain: unknown program {binary!r}; choose one of: {known}")


def tag_flags(groups: Iterable[Group]) -> list[str]:
    """Return the go command's flag for the build tags of groups that share a module."""
    tags = dict.fromkeys(tag for group in groups for tag in group.tags)
    return [f"-tags={','.join(tags)}"] if tags else []
