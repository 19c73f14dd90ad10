"""Prometheus, as a row of the table of daemons, and its scrape configuration.

In a real cluster the Prometheus operator generates the scrape configuration from ServiceMonitors. This Prometheus has
no operator: its configuration finds the same pods and gives their series the same labels, so that a query works in
both.
"""

from collections.abc import Mapping

from local import addresses, probes
from local.daemon import Daemon, Port
from local.paths import Paths

CONFIG = "prometheus.yaml"  # below `etc/`
# Spelled as in components/labels.py and components/manifests/pod.py.
ROLE, SLOT_ROLE, SLOT, METRICS = "slipway.dev/role", "slot", "slipway.dev/slot", "slipway.dev/metrics"
PORT_NAME, MANAGEMENT_NAME = "web", "management"
_META = "__meta_kubernetes_"
_PORT = _META + "pod_container_port_name"

Relabeling = dict[str, str | list[str]]


def daemons(paths: Paths) -> tuple[Daemon, ...]:
    """Return Prometheus."""
    at = paths.addresses
    config = paths.etc / CONFIG
    return (
        Daemon(
            name="prometheus",
            binary="prometheus",
            needs=("kube-apiserver", "cluster-objects"),
            arguments=(
                f"--config.file={config}",
                f"--storage.tsdb.path={paths.state}/prometheus",
                f"--web.listen-address={at.node_ip}:{at.ports.prometheus}",
                "--scrape.discovery-reload-interval=1s",  # default: 5 s; a new slot's pods are found sooner
                "--log.level=warn",
            ),
            probe=probes.http(f"{at.prometheus_url}/-/ready"),
            ports=(Port(number=at.ports.prometheus, address=at.node_ip),),
            files=(config,),
        ),
    )


def config(paths: Paths) -> Mapping[str, object]:
    """Return Prometheus' configuration: the pods of every slot, and Traefik."""
    at = paths.addresses
    return {
        "global": {"scrape_interval": "1s", "scrape_timeout": "900ms"},
        "storage": {"tsdb": {"retention": {"time": "2h", "size": "256MB"}}},
        "scrape_configs": [
            {
                "job_name": "slots",  # `slot_relabelings` names the jobs after their Services
                "kubernetes_sd_configs": [
                    {"role": "endpointslice", "kubeconfig_file": str(paths.pki / "prometheus.kubeconfig")}
                ],
                "relabel_configs": slot_relabelings(),
            },
            {
                "job_name": "traefik",
                "static_configs": [{"targets": [f"{addresses.LOOPBACK}:{at.ports.traefik}"]}],
            },
        ],
    }


def slot_relabelings() -> list[Relabeling]:
    """Return the relabelings that the operator generates for ServiceMonitors (components/manifests/monitor.py).

    Prometheus finds every port of the pods behind a Service. A pod's label says which one has its metrics.
    """
    return [
        _filter("keep", SLOT_ROLE, _of_service_label(ROLE)),
        _filter("keep", f";{PORT_NAME}|{MANAGEMENT_NAME};{MANAGEMENT_NAME}", _of_pod_label(METRICS), _PORT),
        _filter("drop", "(Failed|Succeeded)", _META + "pod_phase"),
        _copy(_META + "namespace", "namespace"),
        _copy(_META + "service_name", "service"),
        _copy(_META + "pod_name", "pod"),
        _copy(_META + "pod_container_name", "container"),
        _copy(_META + "service_name", "job"),
        _copy(_of_service_label(SLOT), _identifier(SLOT)),  # the ServiceMonitor's `targetLabels`
        _copy(_PORT, "endpoint"),
    ]


def _filter(action: str, regex: str, *labels: str) -> Relabeling:
    """Filter by the values of these labels, joined by semicolons."""
    return {"action": action, "source_labels": list(labels), "regex": regex}


def _copy(label: str, target: str) -> Relabeling:
    return {"source_labels": [label], "target_label": target}


def _of_service_label(label: str) -> str:
    return f"{_META}service_label_{_identifier(label)}"


def _of_pod_label(label: str) -> str:
    return f"{_META}pod_label_{_identifier(label)}"


def _identifier(label: str) -> str:
    return label.replace(".", "_").replace("/", "_").replace("-", "_")
