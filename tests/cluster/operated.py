"""The Prometheus that the operator runs (`make up WITH=monitoring`), asked at its pod, and a watch over its alerts."""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import httpx

from local.prometheus_operator import NAME, NAMESPACE
from tests.cluster.copies import ready
from tests.cluster.repeated import repeated
from tests.cluster.stack import Json, Stack, run

PORT = 9090
_TIMEOUT = 10.0


class Kind(NamedTuple):
    """What tells apart the alerts of a service."""

    alert: str
    window: str
    signal: str

    @classmethod
    def of(cls, name: str, labels: Json) -> "Kind":
        """Take it from a rule's or an alert's labels."""
        return cls(name, labels.get("window", ""), labels.get("signal", ""))

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


class Key(NamedTuple):
    """One alert of one service."""

    service: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.service}: {self.kind}"


@dataclass(frozen=True)
class Operated:
    """The Prometheus."""

    address: str
    """Of its pod."""

    def asked(self, what: str, **parameters: str) -> Json:
        """Ask its HTTP API."""
        answer = httpx.get(f"http://{self.address}:{PORT}/api/v1/{what}", params=parameters, timeout=_TIMEOUT)
        return cast("Json", answer.raise_for_status().json()["data"])

    def targets(self, namespace: str) -> list[Json]:
        """What it scrapes there."""
        found: list[Json] = self.asked("targets", state="active")["activeTargets"]
        return [target for target in found if target["labels"].get("namespace") == namespace]

    def rules(self, namespace: str) -> list[Json]:
        """The alerting rules of there that it evaluates."""
        groups: list[Json] = self.asked("rules", type="alert")["groups"]
        return [rule for group in groups for rule in group["rules"] if rule["labels"].get("namespace") == namespace]

    def alerts(self, namespace: str) -> dict[Key, str]:
        """What is pending or firing there."""
        found: list[Json] = self.asked("alerts")["alerts"]
        own = [(alert["labels"], str(alert["state"])) for alert in found if alert["labels"]["namespace"] == namespace]
        return {Key(labels["service"], Kind.of(labels["alertname"], labels)): state for labels, state in own}


def operated(stack: Stack) -> Operated | None:
    """Find the pod, once it is ready."""
    chosen = f"app.kubernetes.io/name=prometheus,prometheus={NAME}"
    done = run("kubectl", "get", "pods", "-n", NAMESPACE, "-l", chosen, "-o", "json", env=stack.env)
    assert done.returncode == 0, done.stderr
    for pod in json.loads(done.stdout)["items"]:
        if ready(pod):
            return Operated(pod["status"]["podIP"])
    return None


@dataclass
class Watch:
    """When alerts of a namespace first fired and were last seen (unix times)."""

    fired: dict[Key, float] = field(default_factory=dict[Key, float])
    seen: dict[Key, float] = field(default_factory=dict[Key, float])
    firing: set[Key] = field(default_factory=set[Key])
    """At the latest look."""

    def look(self, prometheus: Operated, namespace: str) -> None:
        """Ask once."""
        alerts = prometheus.alerts(namespace)
        now = time.time()
        self.firing = {key for key, state in alerts.items() if state == "firing"}
        for key in self.firing:
            self.fired.setdefault(key, now)
            self.seen[key] = now


@contextmanager
def watching(prometheus: Operated, namespace: str) -> Generator[Watch]:
    """Read the alerts every second until the block ends; a read that fails fails the test at the end of the block."""
    watch, failures = Watch(), list[Exception]()

    def look() -> None:
        try:
            watch.look(prometheus, namespace)
        except httpx.HTTPError as failure:
            failures.append(failure)

    with repeated(look, per_second=1):
        yield watch
    assert not failures, failures[0]
