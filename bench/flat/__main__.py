"""The peer of the preview benchmark: a flat program as people write it by hand, with the default provider.

It declares the same objects as Slipway does for the bench system (a unit test compares them), so that the two previews
differ in how they are written and not in what they ask for.
"""

import os
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

SERVICES = int(os.environ["BENCH_SERVICES"])
IMAGE = os.environ["BENCH_IMAGE"]
SETTINGS = os.environ["BENCH_SETTINGS"]
SETTINGS_HASH = os.environ["BENCH_SETTINGS_HASH"]
NAMESPACE = "bench-dev"
SYSTEM = {"app.kubernetes.io/part-of": "bench", "app.kubernetes.io/managed-by": "slipway"}
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
RETRIES = {
    "nginx.ingress.kubernetes.io/proxy-connect-timeout": "1",
    "nginx.ingress.kubernetes.io/proxy-next-upstream": "error timeout",
    "nginx.ingress.kubernetes.io/proxy-next-upstream-timeout": "11",
    "nginx.ingress.kubernetes.io/proxy-next-upstream-tries": "11",
}
LOCKED: dict[str, Any] = {
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "run_as_non_root": True,
    "capabilities": {"drop": ["ALL"]},
}
RESOURCES: dict[str, Any] = {
    "requests": {"cpu": "100m", "memory": "192Mi", "ephemeral-storage": "64Mi"},
    "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
}


def metadata(name: str, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Any:
    """Name an object of the namespace."""
    extra = {"annotations": annotations} if annotations is not None else {}
    return {"name": name, "namespace": NAMESPACE, "labels": labels, **extra}


def probe(path: str, period: int, failures: int) -> dict[str, Any]:
    """Ask the server over HTTP."""
    return {
        "http_get": {"path": path, "port": "web"},
        "period_seconds": period,
        "timeout_seconds": 3,
        "failure_threshold": failures,
    }


def pod(service: str, selector: dict[str, str]) -> Any:
    """The pod of a service."""
    env = {
        "PORT": "5000",
        "SLIPWAY_SERVICE": service,
        "SLIPWAY_SLOT": "blue",
        "SLIPWAY_VERSION": IMAGE.partition("@")[2],
        "SLIPWAY_CONFIG_HASH": SETTINGS_HASH,
        "SLIPWAY_SETTINGS": "/etc/slipway/settings.json",
    }
    model, scratch = {"name": "model", "mount_path": "/models"}, {"name": "scratch", "mount_path": "/tmp"}  # noqa: S108
    shared = {"image": IMAGE, "image_pull_policy": "IfNotPresent", "resources": RESOURCES, "security_context": LOCKED}
    return {
        "service_account_name": service,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": 10001,
            "run_as_group": 10001,
            "fs_group": 10001,
            "fs_group_change_policy": "OnRootMismatch",
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "init_containers": [
            {
                **shared,
                "name": "model",
                "command": ["python", "-m", "serving.fetch", "file:///opt/slipway/model", "/models"],
                "env": [],
                "termination_message_policy": "FallbackToLogsOnError",
                "volume_mounts": [model, scratch],
            }
        ],
        "containers": [
            {
                **shared,
                "name": "server",
                "ports": [{"name": "web", "container_port": 5000}],
                "termination_message_policy": "FallbackToLogsOnError",
                "env": [{"name": name, "value": value} for name, value in env.items()],
                "volume_mounts": [
                    {**model, "read_only": True},
                    {"name": "settings", "mount_path": "/etc/slipway", "read_only": True},
                    scratch,
                ],
                "startup_probe": probe("/health", 1, 60),
                "readiness_probe": probe("/health", 5, 3),
                "liveness_probe": probe("/v2/health/live", 5, 3),
                "lifecycle": {"pre_stop": {"sleep": {"seconds": 5}}},
            }
        ],
        "volumes": [
            {"name": "model", "empty_dir": {"size_limit": "128Mi"}},
            {"name": "settings", "config_map": {"name": f"{service}-blue-{SETTINGS_HASH}"}},
            {"name": "scratch", "empty_dir": {"size_limit": "64Mi"}},
        ],
        "termination_grace_period_seconds": 40,
        "topology_spread_constraints": [
            {
                "max_skew": 1,
                "topology_key": "kubernetes.io/hostname",
                "when_unsatisfiable": "ScheduleAnyway",
                "label_selector": {"match_labels": selector},
            }
        ],
    }


def service_spec(selector: dict[str, str]) -> Any:
    """A Service over the pods."""
    ports = [{"name": "web", "port": 80, "target_port": "web", "protocol": "TCP"}]
    return {"type": "ClusterIP", "selector": selector, "ports": ports}


def ingress_rule(host: str, backend: str) -> Any:
    """One host's rule."""
    service = {"name": backend, "port": {"name": "web"}}
    return {
        "host": host,
        "http": {"paths": [{"path": "/predict", "path_type": "Prefix", "backend": {"service": service}}]},
    }


def slot_objects(service: str, labels: dict[str, str], selector: dict[str, str]) -> None:
    """What runs the service."""
    name = f"{service}-blue"
    k8s.core.v1.ConfigMap(
        f"{name}-settings",
        metadata=metadata(f"{name}-{SETTINGS_HASH}", labels),
        immutable=True,
        data={"settings.json": SETTINGS},
    )
    k8s.apps.v1.Deployment(
        f"{name}-deployment",
        metadata=metadata(name, labels),
        spec={
            "selector": {"match_labels": selector},
            "template": {"metadata": {"labels": labels}, "spec": pod(service, selector)},
            "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0, "max_surge": 1}},
            "progress_deadline_seconds": 120,
            "revision_history_limit": 2,
        },
    )
    k8s.core.v1.Service(
        f"{name}-service",
        metadata=metadata(name, {**labels, "slipway.dev/role": "slot"}, SKIP_AWAIT),
        spec=service_spec(selector),
    )
    k8s.autoscaling.v2.HorizontalPodAutoscaler(
        f"{name}-autoscaler",
        metadata=metadata(name, labels),
        spec={
            "scale_target_ref": {"api_version": "apps/v1", "kind": "Deployment", "name": name},
            "min_replicas": 1,
            "max_replicas": 2,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "average_utilization": 70}},
                }
            ],
        },
    )
    k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption",
        metadata=metadata(name, labels),
        spec={
            "selector": {"match_labels": selector},
            "unhealthy_pod_eviction_policy": "AlwaysAllow",
            "max_unavailable": 1,
        },
    )


def route_objects(service: str, labels: dict[str, str], selector: dict[str, str]) -> None:
    """What leads to the service and watches it."""
    k8s.core.v1.Service(f"{service}-live", metadata=metadata(service, labels, SKIP_AWAIT), spec=service_spec(selector))
    k8s.networking.v1.Ingress(
        f"{service}-main",
        metadata=metadata(service, labels, {**SKIP_AWAIT, **RETRIES}),
        spec={"ingress_class_name": "nginx", "rules": [ingress_rule(f"{service}.example.com", f"{service}-blue")]},
    )
    k8s.apiextensions.CustomResource(
        f"{service}-monitor",
        api_version="monitoring.coreos.com/v1",
        kind="ServiceMonitor",
        metadata=metadata(service, labels),
        spec={
            "selector": {"matchLabels": {"app.kubernetes.io/name": service, "slipway.dev/role": "slot"}},
            "targetLabels": ["slipway.dev/slot"],
            "endpoints": [{"port": "web", "path": "/metrics", "interval": "30s"}],
        },
    )
    k8s.core.v1.ServiceAccount(
        f"{service}-account", metadata=metadata(service, labels), automount_service_account_token=False
    )
    sources: Any = [
        {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": namespace}}}
        for namespace in ("ingress-nginx", "monitoring")
    ]
    k8s.networking.v1.NetworkPolicy(
        f"flows-{service}",
        metadata=metadata(f"flows-{service}", SYSTEM),
        spec={
            "pod_selector": {"match_labels": {"app.kubernetes.io/name": service}},
            "policy_types": ["Ingress", "Egress"],
            "ingress": [{"from_": sources, "ports": [{"protocol": "TCP", "port": "web"}]}],
            "egress": [],
        },
    )


def shared_objects() -> None:
    """What belongs to the namespace."""
    modes = ("enforce", "warn", "audit")
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
    security |= {f"pod-security.kubernetes.io/{mode}-version": "v1.36" for mode in modes}
    owner = {"slipway.dev/stack": pulumi.get_stack()}
    k8s.core.v1.Namespace("namespace", metadata={"name": NAMESPACE, "labels": {**SYSTEM, **owner, **security}})
    pods = 10 * SERVICES  # two slots, each with two pods, two that leave and one more during a rollout
    k8s.core.v1.ResourceQuota(
        "quota",
        metadata=metadata("quota", SYSTEM),
        spec={
            "hard": {
                "pods": str(pods),
                "requests.cpu": str(SERVICES),
                "limits.cpu": str(pods),
                "requests.memory": quantity(192 * pods),
                "limits.memory": quantity(512 * pods),
                "requests.ephemeral-storage": quantity(64 * pods),
                "limits.ephemeral-storage": quantity(256 * pods),
                "persistentvolumeclaims": "0",
                "requests.storage": "0",
            }
        },
    )
    k8s.core.v1.LimitRange(
        "limits",
        metadata=metadata("container-defaults", SYSTEM),
        spec={
            "limits": [
                {
                    "type": "Container",
                    "default_request": {"cpu": "50m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
                    "default": {"cpu": "250m", "memory": "256Mi", "ephemeral-storage": "256Mi"},
                }
            ]
        },
    )
    policies: dict[str, Any] = {
        "default-deny": {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
        "dns": {
            "pod_selector": {},
            "policy_types": ["Egress"],
            "egress": [{"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}],
        },
    }
    for name, spec in policies.items():
        k8s.networking.v1.NetworkPolicy(name, metadata=metadata(name, SYSTEM), spec=spec)


def quantity(mebibytes: int) -> str:
    """Write MiB in the largest exact unit."""
    return f"{mebibytes // 1024}Gi" if mebibytes % 1024 == 0 else f"{mebibytes}Mi"


shared_objects()
for index in range(SERVICES):
    service_name = f"model-{index}"
    service_selector = {"app.kubernetes.io/name": service_name, "slipway.dev/slot": "blue"}
    slot_objects(service_name, {**SYSTEM, **service_selector}, service_selector)
    route_objects(service_name, {**SYSTEM, "app.kubernetes.io/name": service_name}, service_selector)
