"""The system that the preview benchmark deploys: N equal model services, no build."""

from typing import Any

DIGEST = "sha256:" + "0" * 64
IMAGE = f"registry.example.com/bench/server@{DIGEST}"


def entry(services: int) -> dict[str, Any]:
    """Return the catalogue entry."""
    service: dict[str, Any] = {
        "image": "server",
        "port": 5000,
        "model": {"name": "digits", "uri": "file:///opt/slipway/model", "path": "/models"},
        "resources": {
            "requests": {"cpu": "100m", "memory": "192Mi", "ephemeral-storage": "64Mi"},
            "limits": {"cpu": "1", "memory": "512Mi", "ephemeral-storage": "256Mi"},
        },
        "scaling": {"minReplicas": 1, "maxReplicas": 2, "metrics": {"cpu": {"utilization": 70}}},
        # No alerts and no dashboard: few hand-written programs have them, and the figures stay comparable.
        "monitoring": {"alerts": dict.fromkeys(["targetDown", "noTargetUp", "saturation", "replicasAtMax"])},
    }
    names = [f"model-{index}" for index in range(services)]
    routed = {name: {**service, "route": {"host": f"{name}.example.com", "path": "/predict"}} for name in names}
    return {
        "name": "bench",
        "images": {"server": {"context": "serving"}},
        "services": routed,
        "environments": {"dev": {}},
    }


def stack(services: int, context: str) -> dict[str, Any]:
    """Return the ``slipway:`` configuration of the stack that runs the system."""
    release = {f"model-{index}": {"slots": {"blue": {"image": IMAGE}}} for index in range(services)}
    return {
        "system": {"entry": "bench", "environment": "dev"},
        "cluster": {"context": context, "dashboards": None},
        "release": release,
    }
