"""An autoscaled slot as the API server and its own pods see it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import httpx

from tests.cluster.copies import MANAGEMENT_PORT, ready
from tests.cluster.stack import Json


class Looked(Protocol):
    """A stack's namespace."""

    def found(self, *arguments: str) -> Json:
        """Get something as JSON."""
        ...


@dataclass(frozen=True)
class Scaled:
    """One slot with its HorizontalPodAutoscaler."""

    system: Looked
    service: str
    slot: str = "blue"

    @property
    def name(self) -> str:
        """Of Deployment and HPA."""
        return f"{self.service}-{self.slot}"

    def autoscaler(self) -> Json:
        """The HPA."""
        return self.system.found("hpa", self.name)

    def wanted(self) -> int:
        """Replicas that the Deployment asks for."""
        return int(self.system.found("deployment", self.name)["spec"]["replicas"])

    def counts(self, seconds: float, every: float = 1) -> Iterator[int]:
        """What is wanted, look by look, for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield self.wanted()
            time.sleep(every)

    def pods(self) -> list[Json]:
        """The slot's pods that get requests, the oldest first."""
        chosen = f"app.kubernetes.io/name={self.service},slipway.dev/slot={self.slot}"
        items = self.system.found("pods", "-l", chosen, "--sort-by=.metadata.creationTimestamp")["items"]
        return [pod for pod in items if "deletionTimestamp" not in pod["metadata"] and ready(pod)]

    def measured(self) -> dict[str, float]:
        """What the HPA sees: percent for resources, requests per second and pod for Pods metrics."""
        current: list[Json] = self.autoscaler()["status"].get("currentMetrics") or []
        return {_named(metric): _value(metric) for metric in current if metric["type"]}  # "" = not seen yet

    def condition(self, kind: str) -> str:
        """The reason of one of the HPA's conditions."""
        conditions = self.autoscaler()["status"].get("conditions", [])
        return next((str(one["reason"]) for one in conditions if one["type"] == kind), "")

    def answers(self, pod: Json) -> float:
        """Requests that a pod has answered with 200, from the pod itself."""
        text = httpx.get(f"http://{pod['status']['podIP']}:{MANAGEMENT_PORT}/metrics", timeout=5).text
        own = [line for line in text.splitlines() if line.startswith('http_requests_total{method="POST"')]
        return sum(float(line.rpartition(" ")[2]) for line in own if 'status="200"' in line)


def _named(metric: Json) -> str:
    own = metric[metric["type"][0].lower() + metric["type"][1:]]
    return str(own.get("name") or own["metric"]["name"])


def _value(metric: Json) -> float:
    current = metric[metric["type"][0].lower() + metric["type"][1:]]["current"]
    if "averageUtilization" in current:
        return float(current["averageUtilization"])
    text = str(current.get("averageValue") or current.get("value"))
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
