"""The daemons' configuration files, as pure functions of the paths. `write_all` writes them to the state directory."""

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from local import addresses, cgroups, monitoring, pki
from local.addresses import Addresses
from local.paths import Paths

_SNAPSHOTTERS = ("blockfile", "btrfs", "devmapper", "erofs", "native", "zfs")
_UNUSED_PLUGINS = ("nri.v1.nri", *(f"snapshotter.v1.{name}" for name in _SNAPSHOTTERS))
CLUSTER_RESOLVER = "cluster-resolv.conf"  # for host processes; pods get their search list from the kubelet
SERVICE_TOKEN = "service-token"  # noqa: S105 - a file, for a service that asks its clients for a token
SECRETS = ("registry-secret", "s3-access-key", "s3-secret-key", SERVICE_TOKEN)  # files below `etc/`, random per cluster
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/usr/libexec/cni"), Path("/opt/cni/bin"))  # Debian, Fedora, others


def write_all(paths: Paths) -> None:
    """Write only the files whose content differs, so that an unchanged daemon is not restarted."""
    for name, content in files(paths).items():
        target = paths.etc / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not target.exists() or target.read_text("utf-8") != content:
            pki.write_private(target, content.encode())
    for name in SECRETS:
        if not (paths.etc / name).exists():
            pki.write_private(paths.etc / name, pki.random_token().encode())
    instance = paths.buildx / "instances" / addresses.BUILDER
    instance.write_text(json.dumps(buildx_instance(paths)), "utf-8")


def files(paths: Paths) -> dict[str, str]:
    """Return the content of each configuration file by its name below `etc/`."""
    at = paths.addresses
    return {
        "audit-policy.yaml": _yaml(audit_policy()),
        "containerd.toml": containerd(paths),
        f"registries/{at.registry}/hosts.toml": registry_hosts(at),
        "cni/10-slipway.conflist": json.dumps(cni(paths), indent=1),
        "kubelet.yaml": _yaml(kubelet(paths)),
        "kube-proxy.yaml": _yaml(kube_proxy(paths)),
        "resolv.conf": f"nameserver {at.node_ip}\n",
        CLUSTER_RESOLVER: cluster_resolver(at),
        "Corefile": corefile(paths),
        "registry.yaml": _yaml(registry(paths)),
        "buildkitd.toml": buildkitd(at, paths.state.stat().st_uid),
        monitoring.CONFIG: _yaml(monitoring.config(paths)),
    }


def audit_policy() -> Mapping[str, object]:
    """Return a policy that logs every write with its user: tests prove that a refused configuration wrote nothing."""
    quiet = [
        {"level": "None", "verbs": ["get", "list", "watch"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": group, "resources": ["events"]} for group in ("", "events.k8s.io")]},
        {"level": "None", "resources": [{"group": "authentication.k8s.io"}, {"group": "authorization.k8s.io"}]},
        {"level": "None", "nonResourceURLs": ["*"]},
    ]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [*quiet, {"level": "Metadata"}],
    }


def containerd(paths: Paths) -> str:
    """Return containerd's configuration, which moves its files from /run, /var and /opt to the state directory."""
    at, home = paths.addresses, paths.state / "containerd"
    unused = ", ".join(f'"io.containerd.{plugin}"' for plugin in _UNUSED_PLUGINS)
    return f"""version = 3
root = "{home}/root"
state = "{home}/state"
temp = "{home}/temporary"
disabled_plugins = [{unused}]

[grpc]
address = "{paths.containerd_socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{home}/opt"

[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{at.pause_image}"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "{paths.etc}/registries"

[plugins."io.containerd.cri.v1.runtime"]
# Without CAP_SYS_RESOURCE (containers, some virtual machines) no process may lower its OOM score, and runc dies with
# "can't get final child's PID from pipe: EOF". This keeps the asked score within what the kernel allows.
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = [{", ".join(f'"{folder}"' for folder in CNI_FOLDERS)}]
conf_dir = "{paths.etc}/cni"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "runc"
Root = "{home}/runc"
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri"]
disable_tcp_service = true
stream_server_address = "{addresses.LOOPBACK}"
stream_server_port = "0"
"""


def registry_hosts(at: Addresses) -> str:
    """Return containerd's settings for the local registry: plain HTTP, only on the IPv4 loopback."""
    return f"""server = "{at.registry_url}"
[host."{at.registry_url}"]
capabilities = ["pull", "resolve"]
"""


def cni(paths: Paths) -> Mapping[str, object]:
    """Return the pods' network: veth pairs to our bridge, the node's addresses, and no way out (packet_filter.py)."""
    at = paths.addresses
    addresses_of_pods = {
        "type": "host-local",
        "dataDir": str(paths.state / "cni"),
        "routes": [{"dst": "0.0.0.0/0"}],
        "ranges": [
            [
                {
                    "subnet": str(at.pods),
                    "rangeStart": at.pod_first,
                    "rangeEnd": at.pod_last,
                    "gateway": at.node_ip,
                }
            ]
        ],
    }
    bridge = {
        "type": "bridge",
        "bridge": addresses.BRIDGE,
        "isGateway": True,
        "hairpinMode": True,  # a pod may be its own service's endpoint
        "ipam": addresses_of_pods,
    }
    return {"cniVersion": "0.4.0", "name": cgroups.NAME, "plugins": [bridge]}


def kubelet(paths: Paths) -> Mapping[str, object]:
    """Return the kubelet's configuration."""
    at = paths.addresses
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": at.node_ip,
        "port": at.ports.kubelet,
        "healthzBindAddress": addresses.LOOPBACK,
        "healthzPort": at.ports.kubelet_health,
        "tlsCertFile": str(paths.pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(paths.pki / "kubelet-server.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(paths.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{paths.containerd_socket}",
        "clusterDomain": addresses.CLUSTER_DOMAIN,
        "clusterDNS": [at.node_ip],
        "resolvConf": str(paths.etc / "resolv.conf"),
        "podLogsDir": str(paths.state / "pod-logs"),
        "volumePluginDir": str(paths.state / "kubelet/volume-plugins"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.NAME}",
        "failCgroupV1": False,
        "failSwapOn": False,
        # The node's own daemons are not under the kubelet's cgroups, so there is nothing to enforce.
        "enforceNodeAllocatable": [],
        "systemReserved": {"memory": "256Mi"},
        # A developer's disk is often 90 % full, so pods are evicted only at the point at which nothing works any more.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,  # 100 disables image collection: the registry is local, but not free
        "serializeImagePulls": False,
        # These limit how late a pod sees a changed ConfigMap: the kubelet watches it, and renews the mounted files at
        # the pod's next sync.
        "configMapAndSecretChangeDetectionStrategy": "Watch",
        "syncFrequency": "10s",
        "nodeStatusUpdateFrequency": "5s",
        "registerNode": True,
        "shutdownGracePeriod": "0s",
    }


def kube_proxy(paths: Paths) -> Mapping[str, object]:
    """Return kube-proxy's configuration: iptables mode, with the machine's conntrack limits unchanged."""
    at = paths.addresses
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "hostnameOverride": addresses.NODE_NAME,
        "clientConnection": {"kubeconfig": str(paths.pki / "proxy.kubeconfig")},
        "clusterCIDR": str(at.pods),
        "metricsBindAddress": f"{addresses.LOOPBACK}:{at.ports.proxy_metrics}",
        "healthzBindAddress": f"{addresses.LOOPBACK}:{at.ports.proxy_health}",
        "nodePortAddresses": [str(at.pods)],  # not on the machine's other interfaces
        "iptables": {"localhostNodePorts": False, "minSyncPeriod": "200ms", "syncPeriod": "30s"},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def corefile(paths: Paths) -> str:
    """Return the DNS server's configuration: cluster names only. It forwards nothing, because pods have no way out."""
    at = paths.addresses
    return f""".:{addresses.DNS_PORT} {{
    bind {at.node_ip}
    errors
    health {addresses.LOOPBACK}:{at.ports.dns_health}
    ready {addresses.LOOPBACK}:{at.ports.dns_ready}
    kubernetes {addresses.CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {paths.pki}/coredns.kubeconfig
        ttl 5
    }}
    cache 5
}}
"""


def cluster_resolver(at: Addresses) -> str:
    """Return a resolver configuration that resolves `<service>.<namespace>.svc`, as in every pod."""
    return f"nameserver {at.node_ip}\nsearch {addresses.CLUSTER_DOMAIN}\noptions ndots:5\n"


def registry(paths: Paths) -> Mapping[str, object]:
    """Return the image registry's configuration; an environment variable holds its secret."""
    at = paths.addresses
    return {
        "version": "0.1",
        "log": {"level": "info"},
        "storage": {
            "filesystem": {"rootdirectory": str(paths.state / "registry")},
            "delete": {"enabled": True},  # as in public registries; the program must not depend on it being off
        },
        "http": {"addr": f"{addresses.LOOPBACK}:{at.ports.registry}"},
    }


def buildkitd(at: Addresses, uid: int) -> str:
    """Return BuildKit's configuration: plain HTTP to the local registry, and builds below our cgroup.

    The socket belongs to the owner of the state directory, whose `pulumi up` builds images too.
    """
    return f"""[grpc]
uid = {uid}
[worker.oci]
defaultCgroupParent = "/{cgroups.NAME}/{cgroups.BUILDS}"
[registry."{at.registry}"]
http = true
"""


def buildx_instance(paths: Paths) -> Mapping[str, object]:
    """Return buildx's record of the builder, which is all that the docker-build plugin needs to find it."""
    node = {"Name": f"{addresses.BUILDER}0", "Endpoint": f"unix://{paths.buildkit_socket}"}
    return {"Name": addresses.BUILDER, "Driver": "remote", "Nodes": [node], "Dynamic": False}


def _yaml(content: Mapping[str, object]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False)
