"""Configuration to test with: the shipped one, and small pieces of it as plain data."""

import copy
import json
from collections.abc import Iterable
from typing import Any, TypeVar, cast

import pytest
import yaml
from pydantic import BaseModel

import catalog
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.parsing import parse
from models.profile import MetricsProfile
from tests.recording import DIGEST, PROJECT

Config = dict[str, Any]
M = TypeVar("M", bound=BaseModel)

IMAGE = f"registry.example.com/ml/classifier/server@{DIGEST}"
OTHER_IMAGE = f"registry.example.com/ml/classifier/server@sha256:{'9be1' * 16}"
CLUSTER = "0c7a3f52-4f0e-4b1c-9d7a-6f1f2b9f8a11"
"""The uid of kube-system in the cluster that every context reaches, unless a test says otherwise."""


def profile(name: str) -> MetricsProfile:
    """A shipped metrics profile."""
    return MetricsProfile.model_validate(catalog.profiles()[name])


SLIPWAY = profile("slipway")
ENVIRONMENTS = ("dev", "staging", "prod")
WITHOUT_MANAGEMENT = {
    "action": "drop",
    "sourceLabels": ["__meta_kubernetes_pod_label_slipway_dev_metrics"],
    "regex": "management",
}
"""The relabeling by which a monitor scrapes the main port of those pods alone that have no other for metrics."""
PLANTED = "planted-7f3a"
"""A secret's value: it may stand nowhere but in a Secret."""


def stack_config(environment: str) -> Config:
    """Read a shipped stack file's ``slipway:`` namespace as plain data."""
    content = yaml.safe_load((PROJECT / f"Pulumi.{environment}.yaml").read_text())
    return json.loads(json.dumps({key.removeprefix("slipway:"): value for key, value in content["config"].items()}))


def classifier() -> CatalogueEntry:
    """The shipped entry."""
    return catalog.entry("classifier", PROJECT / "catalog")


def runnable(environment: str) -> Config:
    """Complete a shipped stack file with what a person must add: outside dev, the digest to run and who keeps secrets.

    A development stack takes its secrets from variables that only `make env` exports: here they are given.
    """
    config = stack_config(environment)
    if environment.endswith("dev"):
        del config["image"]["wheels"]  # a folder that only `make up` fills
        for name, source in config.get("secrets", {}).items():
            config["secrets"][name] = {"values": secret_values(source["environment"])}
        return config
    return {
        **config,
        "cluster": {**config["cluster"], "metricsUrl": "http://prometheus.invalid"},
        "objectStorage": {"url": "https://s3.example.com"},
        "secrets": {"object-storage": {"externalSecret": {"store": "vault", "key": "ml/classifier"}}},
        "release": {"classifier": {"slots": {"blue": {"image": IMAGE}}}},
    }


def secret_values(keys: Iterable[str]) -> dict[str, str]:
    """Give each key of a secret a value: the planted one, or credentials to pull images with that hold it."""
    credentials = json.dumps({"auths": {"registry.example.com": {"auth": PLANTED}}})
    return {key: credentials if key == ".dockerconfigjson" else PLANTED for key in keys}


def release(**changes: object) -> Config:
    """Fill both slots, each with its own image; blue is live."""
    return {"slots": {"blue": {"image": IMAGE}, "green": {"image": OTHER_IMAGE}}, **changes}


def with_canary(environment: str, **changes: object) -> Config:
    """A shipped stack with both slots filled and, unless changed, a fifth of the requests for green."""
    return {**runnable(environment), "release": {"classifier": release(**{"weight": 20, **changes})}}


def service(**changes: object) -> Config:
    """A service with nothing but what is required."""
    return {
        "image": "server",
        "port": 5000,
        "model": {"name": "digits", "uri": "file:///opt/slipway/model"},
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}},
        "scaling": {"minReplicas": 2, "maxReplicas": 4, "metrics": {"cpu": {"utilization": 70}}},
        **changes,
    }


def store(**changes: object) -> Config:
    """A store with nothing but what is required."""
    return {"image": "server", "port": 6379, "volume": {"size": "1Gi"}, "resources": service()["resources"], **changes}


def job(**changes: object) -> Config:
    """A Job with nothing but what is required."""
    return {"image": "server", "resources": service()["resources"], **changes}


def entry(**changes: Any) -> Config:
    """A catalogue entry of one such service, in two environments."""
    return {
        "name": "shop",
        "images": {"server": {"context": "serving"}},
        "services": {"web": service(route={"host": "web.example.com"})},
        "environments": {"dev": {}, "prod": {}},
        **changes,
    }


def stack(environment: str = "dev", **changes: object) -> Config:
    """A stack that runs :func:`entry`."""
    return {
        "system": {"entry": "shop", "environment": environment},
        "cluster": {"context": "prod", "metricsUrl": "http://prometheus.invalid"},
        "image": {"registry": "registry.example.com/ml"},
        **changes,
    }


def put(data: Config, path: str, value: object) -> Config:
    """Return a copy of the data with one value replaced, at a dotted path."""
    changed = copy.deepcopy(data)
    *above, last = path.split(".")
    at = changed
    for step in above:
        at = cast("Config", at.setdefault(step, {}))
    at[last] = value
    return changed


def refused(model: type[BaseModel], data: object) -> tuple[str, ...]:
    """Return the lines with which data is refused."""
    with pytest.raises(ConfigurationError) as raised:
        parse(model, catalog.with_profiles(data) if model is CatalogueEntry else data, "given: ")
    assert all("\n" not in fault for fault in raised.value.faults)
    return raised.value.faults


def accepted(model: type[M], data: object) -> M:
    """Return the model that data makes. An entry knows the shipped metrics profiles."""
    return parse(model, catalog.with_profiles(data) if model is CatalogueEntry else data, "given: ")
