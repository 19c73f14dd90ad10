"""The rules inside one block of a service: for each, what is accepted and what is refused."""

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from models.cluster import ClusterSettings
from models.image import ImageBuild, ImageSettings
from models.lifecycle import Drain, Health, Rollout
from models.monitoring import Monitoring
from models.resources import ResourceList, Resources
from models.routing import Route
from models.scaling import Autoscaled, Disruption, Fixed, Metrics, Scaling
from models.server import ModelSource, ServerSettings
from models.service import ServiceSpec
from tests.samples import accepted, refused, service

SMALL = {"cpu": "500m", "memory": "1Gi"}
LARGE = {"cpu": "1", "memory": "1024Mi"}
CPU = {"cpu": {"utilization": 70}}

ACCEPTED: list[tuple[type[BaseModel], dict[str, Any]]] = [
    (Resources, {"requests": SMALL, "limits": LARGE}),
    (Resources, {"requests": SMALL, "limits": SMALL}),
    (Resources, {"requests": {**SMALL, "ephemeral-storage": "1Gi"}, "limits": {**SMALL, "ephemeral-storage": "2Gi"}}),
    (Autoscaled, {"minReplicas": 1, "maxReplicas": 1, "metrics": CPU}),
    (Autoscaled, {"minReplicas": 1, "maxReplicas": 9, "metrics": CPU}),
    (Fixed, {"replicas": 1}),
    (Disruption, {"maxUnavailable": 1}),
    (Disruption, {"minAvailable": 0}),
    (Rollout, {"maxUnavailable": 1, "maxSurge": 0}),
    (Rollout, {"maxUnavailable": 0, "maxSurge": 1}),
    (Drain, {"preStop": "5s", "drain": "30s", "grace": "35s", "requestTimeout": "35s"}),
    (Health, {"ready": "/ready", "startup": "2m"}),
    (Route, {"host": "a.example", "stableHosts": ["b.example", "c.example"]}),
    (Route, {"host": "a.example", "path": "/predict", "pathType": "Exact"}),
    (Monitoring, {"labels": {"release": "prometheus", "example.com/team": "", "A_b.c": "1"}}),
    (ServerSettings, {"queueLimit": 1, "logLevel": "debug", "topK": 1}),
    (ModelSource, {"name": "digits", "uri": "s3://models/digits", "path": "/data"}),
    (ImageBuild, {"context": "serving", "args": {"EXTRA": "1"}}),
    (ImageSettings, {"registry": "localhost:5050", "builder": "docker"}),
    (ClusterSettings, {"context": "prod", "podSecurityVersion": "latest", "monitoring": False}),
    (ClusterSettings, {"context": "prod", "podSecurityVersion": "v1.29"}),
]
REFUSED: list[tuple[type[BaseModel], dict[str, Any], str]] = [
    (Resources, {"requests": LARGE, "limits": SMALL}, "given: requests.cpu 1 exceeds limits.cpu 500m; raise the limit"),
    (Resources, {"requests": {**SMALL, "memory": "1025Mi"}, "limits": LARGE}, "requests.memory 1025Mi exceeds"),
    (Resources, {"requests": SMALL, "limits": {**SMALL, "ephemeral-storage": "1Mi"}}, "limits.ephemeral-storage 1Mi"),
    (Resources, {"requests": SMALL}, "given: limits: required, but not given"),
    (Resources, {"requests": {**SMALL, "cpu": "1x"}, "limits": LARGE}, "given: requests.cpu: '1x': a quantity is"),
    (ResourceList, {"cpu": "1", "memory": "0"}, "given: memory: '0': a quantity here is greater than 0"),
    (ResourceList, {"cpu": "1", "memory": "1Gi", "ephemeralStorage": "1Gi"}, "did you mean 'ephemeral-storage'?"),
    (Autoscaled, {"minReplicas": 3, "maxReplicas": 2, "metrics": CPU}, "minReplicas 3 exceeds maxReplicas 2"),
    (Autoscaled, {"minReplicas": 0, "maxReplicas": 2, "metrics": CPU}, "given: minReplicas: 0: "),
    (Autoscaled, {"minReplicas": 1, "maxReplicas": 2}, "given: metrics: required"),
    (Autoscaled, {"minReplicas": 1, "maxReplicas": 2, "metrics": {}}, "given: metrics.cpu: required"),
    (Metrics, {"cpu": {"utilization": 0}}, "given: cpu.utilization: 0: "),
    (Fixed, {"replicas": 0}, "given: replicas: 0: "),
    (Fixed, {"replicas": "2"}, "given: replicas: '2': "),
    (Disruption, {}, "set exactly one of maxUnavailable and minAvailable"),
    (Disruption, {"maxUnavailable": 1, "minAvailable": 1}, "set exactly one of maxUnavailable and minAvailable"),
    (Disruption, {"maxUnavailable": 0}, "given: maxUnavailable: 0: "),
    (Rollout, {"maxUnavailable": 0, "maxSurge": 0}, "no pod could ever be replaced"),
    (Drain, {"preStop": "5s", "drain": "30s", "grace": "34s"}, "grace 34s is shorter than preStop + drain = 35s"),
    (Drain, {"preStop": "4s", "drain": "30s", "requestTimeout": "35s"}, "= 34s is shorter than requestTimeout 35s"),
    (Drain, {"preStop": 5}, "given: preStop: 5: a duration is"),
    (Health, {"period": "0s"}, "given: period: "),
    (Health, {"failures": 0}, "given: failures: 0: "),
    (Route, {"host": "a.example", "stableHosts": ["a.example"]}, "host and stableHosts must all differ"),
    (Route, {"host": "a.example", "stableHosts": ["b.example", "b.example"]}, "host and stableHosts must all differ"),
    (Route, {"host": "a.example", "stableHosts": ["b.example", "B"]}, "given: stableHosts.1: 'B': a host is"),
    (Route, {"host": "a.example", "pathType": "prefix"}, "'Prefix' or 'Exact'"),
    (Monitoring, {"interval": "0s"}, "given: interval: "),
    (Monitoring, {"labels": {"": "x"}}, "given: labels.: "),
    (Monitoring, {"labels": {"a b": "x"}}, "given: labels.a b: 'a b': a label is"),
    (Monitoring, {"labels": {"Example_/team": "x"}}, "given: labels.Example_/team: 'Example_/team': a host is"),
    (Monitoring, {"labels": {"example.com/": "x"}}, "a label's key has a name"),
    (Monitoring, {"labels": {"team": "-x"}}, "given: labels.team: '-x': a label is"),
    (Monitoring, {"labels": {"team": "x" * 64}}, "given: labels.team: "),
    (ModelSource, {"name": "digits", "uri": "x", "path": "/"}, "given: path: '/': a folder of the pod"),
    (ModelSource, {"name": "digits", "uri": "x", "path": "/etc/slipway/"}, "given: path: '/etc/slipway/': a folder"),
    (ModelSource, {"name": "digits", "uri": "x", "path": "/a:b"}, "given: path: '/a:b': a folder of the pod"),
    (ModelSource, {"name": "digits", "uri": "x", "path": "models"}, "given: path: 'models': a path starts"),
    (ServerSettings, {"queueLimit": 10_001}, "given: queueLimit: 10001: "),
    (ServerSettings, {"topK": 1001}, "given: topK: 1001: "),
    (Drain, {"drain": "0s", "preStop": "30s"}, "given: drain: "),
    (Drain, {"drain": "3601s", "grace": "2h"}, "given: drain: "),
    (ServerSettings, {"logLevel": "trace"}, "given: logLevel: 'trace': "),
    (ServerSettings, {"queueLimit": 0}, "given: queueLimit: 0: "),
    (ModelSource, {"name": "digits", "uri": ""}, "given: uri: '': "),
    (ImageBuild, {"context": "serving", "args": {"A-B": "1"}}, "given: args.A-B: 'A-B': a build argument's name"),
    (ImageBuild, {"context": "serving", "args": {"A": 1}}, "given: args.A: 1: "),
    (ImageSettings, {"registry": "http://x"}, "given: registry: 'http://x': a registry is"),
    (ImageSettings, {"registry": "x", "builder": "kaniko"}, "'docker-build' or 'docker'"),
    (ImageSettings, {"registry": "x", "builder": "docker", "wheels": "w"}, "given: wheels belong to builder"),
    (ImageSettings, {"registry": "x", "builder": "docker", "wheels": "w", "buildx": "b"}, "given: wheels and buildx "),
    (ClusterSettings, {}, "given: context: required"),
    (ClusterSettings, {"context": ""}, "given: context: '': "),
    (ClusterSettings, {"context": "x", "traffic": "istio"}, "given: traffic: 'istio': "),
    (ClusterSettings, {"context": "x", "monitoring": "yes"}, "given: monitoring: 'yes': "),
    (ClusterSettings, {"context": "x", "podSecurityVersion": "1.29"}, "given: podSecurityVersion: '1.29': "),
    (ClusterSettings, {"context": "x", "queriesPerSecond": 0}, "given: queriesPerSecond: 0: "),
]  # fmt: skip


@pytest.mark.parametrize(("model", "data"), ACCEPTED, ids=lambda x: getattr(x, "__name__", str(x))[:70])
def test_a_block_that_keeps_its_rules_is_accepted(model: type[BaseModel], data: dict[str, Any]) -> None:
    assert accepted(model, data)


@pytest.mark.parametrize(("model", "data", "line"), REFUSED, ids=lambda x: getattr(x, "__name__", str(x))[:70])
def test_a_block_that_breaks_a_rule_is_refused_in_one_line(
    model: type[BaseModel], data: dict[str, Any], line: str
) -> None:
    (fault,) = refused(model, data)
    assert fault.startswith("given: ")
    assert line in fault


def test_replicas_make_a_service_fixed_and_a_range_makes_it_autoscaled() -> None:
    scaling = TypeAdapter[Autoscaled | Fixed](Scaling)
    fixed = scaling.validate_python({"replicas": 3})
    ranged = scaling.validate_python({"minReplicas": 2, "maxReplicas": 5, "metrics": CPU})
    assert (type(fixed), fixed.floor, fixed.ceiling) == (Fixed, 3, 3)
    assert (type(ranged), ranged.floor, ranged.ceiling) == (Autoscaled, 2, 5)


def test_replicas_beside_a_range_are_refused() -> None:
    data = service(scaling={"replicas": 3, "minReplicas": 2, "maxReplicas": 5, "metrics": CPU})
    (fault,) = refused(ServiceSpec, data)
    assert fault.startswith("given: scaling: replicas is a fixed number, and minReplicas, maxReplicas, metrics would")
