"""What a guest's commands print, read as data."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PICTURES = re.compile(r"(\d+) test pictures answered, (\d+) correctly")
_CURL = re.compile(r"^\s*(curl -sS .*)$", re.MULTILINE)
_RESOURCES = re.compile(r"^Resources:\n((?: +.+\n?)+)", re.MULTILINE)
_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


def pictures(summary: str) -> tuple[int, int]:
    """Return how many test pictures `make up` says were answered, and how many of them correctly."""
    found = _PICTURES.search(summary)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def curl(summary: str) -> str | None:
    """Return the command with which `make up` says that one can ask."""
    found = _CURL.search(summary)
    return found[1] if found else None


def changed_resources(pulumi_log: str) -> dict[str, int]:
    """Return how many resources a `pulumi up` created, updated and so on; empty if it left all as they were.

    A log without the section is answered by `{"no summary": 1}`.
    """
    found = _RESOURCES.search(pulumi_log)
    if found is None:
        return {"no summary": 1}
    rows = (re.match(r"\D*(\d+) (\w+)", row) for row in found[1].splitlines())
    return {row[2]: int(row[1]) for row in rows if row and row[2] not in {"unchanged", "changes"}}


def restarted(before: str, after: str) -> list[str]:
    """Return the daemons whose process is another one, from two answers of `python -m local status --json`."""
    old, new = (json.loads(text)["components"] for text in (before, after))
    return sorted(name for name in old.keys() | new.keys() if _pid(old, name) != _pid(new, name))


def _pid(components: Mapping[str, Any], name: str) -> int | None:
    return components.get(name, {}).get("pid")


def unhealthy(status: str) -> list[str]:
    """Return `name: reason` of what is not healthy."""
    rows = json.loads(status)["components"].items()
    return [f"{name}: {row['reason']}" for name, row in rows if not row["healthy"]] or (["nothing"] if not rows else [])


def quantity(text: str) -> float:
    """Return a Kubernetes quantity (`250m`, `512Mi`, `1`) as a number."""
    found = re.fullmatch(r"([\d.]+)([a-zA-Z]*)", text)
    if found is None or found[2] not in _UNITS:
        raise ValueError(f"{text!r} is no quantity that this reads: use one of {', '.join(filter(None, _UNITS))}")
    return float(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A running pod and the resources of its first container."""

    namespace: str
    name: str
    uid: str
    container: str
    cpu_request: float
    cpu_limit: float | None
    memory_limit: float | None


def serving_pods(listed: str) -> list[Pod]:
    """Return the running pods of slots, from `kubectl get pods -A -o json`."""
    return [_pod(item) for item in json.loads(listed)["items"] if _serves(item)]


def _serves(item: Mapping[str, Any]) -> bool:
    running = item["status"].get("phase") == "Running"
    return running and "slipway.dev/slot" in item["metadata"].get("labels", {})


def _pod(item: Mapping[str, Any]) -> Pod:
    resources = item["spec"]["containers"][0].get("resources", {})
    limits = {name: quantity(value) for name, value in resources.get("limits", {}).items()}
    return Pod(
        namespace=item["metadata"]["namespace"],
        name=item["metadata"]["name"],
        uid=item["metadata"]["uid"],
        container=item["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2],
        cpu_request=quantity(resources.get("requests", {}).get("cpu", "0")),
        cpu_limit=limits.get("cpu"),
        memory_limit=limits.get("memory"),
    )
