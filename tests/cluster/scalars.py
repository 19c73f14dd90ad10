"""Values around the edge of each rule, and the field of a Kubernetes object that each one ends in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models import vocabulary as v
from models.files import FileName
from models.metrics import Pace
from models.quantity import Quantity
from tests.rendering import Object

Place = Callable[[str, Any], Object]
"""Makes an object of a name with a value in its place."""
NAMESPACE = "slipway-generated"
MOST = 2**31 - 1


@dataclass(frozen=True)
class Field:
    """A scalar of ours."""

    kind: Any
    """Its type in the models."""
    values: st.SearchStrategy[Any]
    place: Place
    exact: bool = True
    """Whether we refuse only what the API server refuses; otherwise we may refuse more, and never less."""

    def ours(self, value: object) -> bool:
        """Tell whether the models take a value."""
        try:
            TypeAdapter(self.kind).validate_python(value)
        except ValidationError:
            return False
        return True


def _object(api: str, kind: str, name: str, **content: Any) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, **content}


def _service(name: str, **changes: Any) -> Object:
    return _object("v1", "Service", name, spec={"ports": [{"port": 80, **changes}]})


def _labelled(name: str, key: str, value: str) -> Object:
    manifest = _service(name)
    manifest["metadata"]["labels"] = {key: value}
    return manifest


def _claim(name: str, **changes: Any) -> Object:
    resources = {"requests": {"storage": changes.pop("storage", "1Gi")}}
    return _object(
        "v1", "PersistentVolumeClaim", name, spec={"accessModes": ["ReadWriteOnce"], "resources": resources, **changes}
    )


def _ingress(name: str, host: str = "a.example", path: str = "/") -> Object:
    backend = {"service": {"name": "web", "port": {"name": "web"}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    return _object("networking.k8s.io/v1", "Ingress", name, spec={"rules": [rule]})


def _deployment(name: str, container: Object | None = None, **changes: Any) -> Object:
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "c", "image": "i", **(container or {})}]},
    }
    return _object(
        "apps/v1", "Deployment", name, spec={"selector": {"matchLabels": labels}, "template": template, **changes}
    )


def _scaler(name: str, **changes: Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return _object(
        "autoscaling/v2", "HorizontalPodAutoscaler", name, spec={"scaleTargetRef": target, "maxReplicas": 9, **changes}
    )


def _metric(name: str, value: str) -> Object:
    signal = {"metric": {"name": value}, "target": {"type": "AverageValue", "averageValue": "1"}}
    return _scaler(name, metrics=[{"type": "Pods", "pods": signal}])


def _network(name: str, value: str) -> Object:
    egress = [{"to": [{"ipBlock": {"cidr": value}}]}]
    return _object("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": {}, "egress": egress})


def _text(alphabet: str, *edges: str, most: int = 6) -> st.SearchStrategy[str]:
    """Short text of few letters, most of it nearly right, and what stands on the edge."""
    return st.one_of(st.text(alphabet, min_size=0, max_size=most), st.sampled_from(edges))


def _numbers(*edges: int) -> st.SearchStrategy[int]:
    return st.sampled_from(sorted({edge + step for edge in edges for step in (-1, 0, 1)}))


SEGMENTS = st.lists(st.sampled_from(["a", ".", "..", "", "b.c", "%2f", "%2F", "%20", "..."]), max_size=3)
ADDRESSES = [
    "10.0.0.0",
    "10.0.0.1",
    "010.0.0.0",
    "2001:db8::",
    "2001:DB8::",
    "::",
    "::ffff:10.0.0.0",
    "fe80::1%eth0",
    "",
]
PREFIXES = ["/8", "/08", "/32", "/33", "/0", "", "/255.0.0.0", "/-1", "/128", "/129"]


def _utilization(name: str, value: int) -> Object:
    target = {"type": "Utilization", "averageUtilization": value}
    return _scaler(name, metrics=[{"type": "Resource", "resource": {"name": "cpu", "target": target}}])


def _stabilization(name: str, value: Object) -> Object:
    seconds = int(value["stabilization"][:-1])
    return _scaler(name, behavior={"scaleDown": {"stabilizationWindowSeconds": seconds}})


def _period(name: str, value: Object) -> Object:
    policy = {"type": "Pods", "value": 1, "periodSeconds": int(value["period"][:-1])}
    return _scaler(name, behavior={"scaleUp": {"policies": [policy]}})


def _probe(name: str, value: str) -> Object:
    hours, _, rest = value.partition("h")
    seconds = int(hours) * 3600 + int(rest[:-1])
    probe = {"httpGet": {"path": "/", "port": 80}, "periodSeconds": seconds}
    return _deployment(name, {"livenessProbe": probe})


UNITS = ["", "m", "Ki", "K", "k", "Gi", "gi", "e3", "E", "e", "n", "%"]
NUMBERS = st.tuples(_text("01.", "00", "1.5"), st.sampled_from(UNITS)).map("".join)
NO_NUMBERS = st.sampled_from(["-1", "1 Gi", "1e-3", "1E+2", "0x10", "1_0", "Infinity"])

FIELDS: dict[str, Field] = {
    "quantity": Field(
        Quantity,
        st.one_of(NUMBERS, NUMBERS, NO_NUMBERS),
        lambda name, value: _claim(name, storage=value),
        exact=False,  # the API server rounds up what is smaller than 1n
    ),
    "port": Field(v.Port, _numbers(0, 1, 80, 65535), lambda name, value: _service(name, port=value)),
    "replicas": Field(v.Count, _numbers(0, 7, MOST), lambda name, value: _deployment(name, replicas=value)),
    "most replicas": Field(v.Positive, _numbers(0, 7, MOST), lambda name, value: _scaler(name, maxReplicas=value)),
    "utilization": Field(v.Utilization, _numbers(0, 1, 70), _utilization),
    "service name": Field(
        v.Name, _text("ab-7A.", "a" * 63, "a" * 64, "7a", "a_b"), lambda _, value: _service(value), exact=False
    ),
    "label key": Field(
        v.LabelKey,
        _text("aA7-_./", "k" * 63, "k" * 64, "example.com/k", "Example.com/k", "a/b/c", f"{'a.' * 126}a/k"),
        lambda name, value: _labelled(name, value, "x"),
    ),
    "label value": Field(
        v.LabelValue, _text("aA7-_. ", "v" * 63, "v" * 64), lambda name, value: _labelled(name, "key", value)
    ),
    "host": Field(
        v.PublicHost,
        _text("aA7-._:/", "1.2.3.4", "1.2.3", "1.2.3.4.5", "a.example", "h" * 63, "a.example."),
        lambda name, value: _ingress(name, host=value),
        exact=False,  # no wildcards, no empty host, no label beyond 63 characters
    ),
    "route's path": Field(
        v.PublicPath, SEGMENTS.map(lambda parts: "/" + "/".join(parts)), lambda name, value: _ingress(name, path=value)
    ),
    "file name": Field(
        FileName,
        _text("aA7-_./", ".", "..", "..a", "f" * 253, "f" * 254),
        lambda name, value: _object("v1", "ConfigMap", name, data={value: "x"}),
    ),
    "variable": Field(
        v.EnvironmentVariable,
        _text("aA7-_.= ", "A", "1A"),
        lambda name, value: _deployment(name, {"env": [{"name": value, "value": "x"}]}),
        exact=False,  # a shell could not read the others
    ),
    "network": Field(v.Cidr, st.tuples(st.sampled_from(ADDRESSES), st.sampled_from(PREFIXES)).map("".join), _network),
    "storage class": Field(
        v.SubdomainName,
        _text("aA7-._", "a.b", "7.a", "c" * 63).filter(bool),  # an absent class is another key
        lambda name, value: _claim(name, storageClassName=value),
    ),
    "device": Field(
        v.DeviceName,
        _text("a7-./", "nvidia.com/gpu", "requests.nvidia.com/gpu", "gpu", f"example.com/{'d' * 64}", "a.b/C_d"),
        lambda name, value: _deployment(name, {"resources": {"limits": {value: "1"}}}),
        exact=False,  # we refuse devices named like Kubernetes' own resources
    ),
    "metric": Field(v.MetricName, _text("a7:_/%.", "a:b", ".."), _metric, exact=False),
    "stabilization": Field(
        Pace, _numbers(0, 300, 3600).map(lambda seconds: {"stabilization": f"{seconds}s"}), _stabilization
    ),
    "period": Field(Pace, _numbers(0, 60, 1800).map(lambda seconds: {"pods": 1, "period": f"{seconds}s"}), _period),
    "duration": Field(
        v.Seconds, _numbers(60, MOST).map(lambda seconds: f"{seconds // 3600}h{seconds % 3600}s"), _probe
    ),
}
