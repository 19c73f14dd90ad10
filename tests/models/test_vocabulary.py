"""Each type of the vocabulary takes what Kubernetes takes, and states its rule when it refuses."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from models import vocabulary as v
from tests.each import each
from tests.models.tables import (
    DEVICE,
    FILE,
    FOLDER,
    HOST,
    LABEL,
    LABEL_KEY,
    LATENCY,
    METRIC,
    NAME,
    NETWORK,
    OBJECT,
    PATH,
    ROUTE,
    VARIABLE,
)  # fmt: skip

HEX = "5f0c" * 16
MOST = 2**31 - 1
ACCEPTED: list[tuple[Any, object]] = [
    (v.Name, "a"),
    (v.Name, "model-7"),
    (v.Name, "a" * 63),
    (v.Host, "classifier.example.com"),
    (v.Host, "7.example"),
    (v.Host, "a" * 63 + ".example"),
    (v.HttpPath, "/"),
    (v.HttpPath, "/v2/health/live"),
    (v.Seconds, "0s"),
    (v.Seconds, "45s"),
    (v.DigestReference, f"registry.example.com:5000/ml/server@sha256:{HEX}"),
    (v.DigestReference, f"localhost:5050/server@sha256:{HEX}"),
    (v.DigestReference, f"server@sha256:{HEX}"),
    (v.Registry, "registry.example.com"),
    (v.Registry, "localhost:5050"),
    (v.Registry, "registry.example.com:443/team/ml"),
    (v.HeaderName, "X-Canary"),
    (v.HeaderName, "canary_user"),
    (v.BuildArgument, "BASE_IMAGE"),
    (v.Port, 1),
    (v.Port, 65535),
    (v.Count, 0),
    (v.Positive, 1),
    (v.Percent, 0),
    (v.Percent, 100),
    (v.Utilization, 1),
    (v.Text, "x"),
    (v.SlotName, "green"),
    (v.Count, MOST),
    (v.Positive, MOST),
    (v.Seconds, "596523h14m7s"),
    (v.Milliseconds, "0ms"),
    (v.Milliseconds, "999999999ms"),
    (v.SubdomainName, "7200rpm.fast"),
    (v.SubdomainName, ".".join(["a" * 63] * 3)),
    (v.PublicHost, "1.2.3.4.example"),
    (v.PublicPath, "/a.b/..c/%20/"),
    (v.MountPath, "/data/a.b"),
    (v.LabelKey, "app.kubernetes.io/name"),
    (v.LabelKey, "k" * 63),
    (v.LabelKey, f"{'a.' * 125}com/k"),
    (v.LabelValue, ""),
    (v.LabelValue, "A-b_c.7"),
    (v.DeviceName, "nvidia.com/mig-1g.5gb"),
    (v.FileName, ".hidden"),
    (v.FileName, "f" * 253),
    (v.EnvironmentVariable, "_a1"),
    (v.EnvironmentVariable, "PORT"),
    (v.FreeVariable, "SLIPWAY"),
    (v.FreeVariable, "V" * 253),
    (v.MetricName, "job:http_requests:rate5m"),
    (v.Checksum, f"sha256:{HEX}"),
    (v.Cidr, "0.0.0.0/0"),
    (v.Cidr, "192.0.2.7/32"),
    (v.Cidr, "2001:db8::/32"),
    (v.Cidr, "::/0"),
]
DURATION = "a duration is whole hours, minutes and seconds"
DIGEST = "an image must be named by digest"
REPOSITORY = "must be a repository without a tag"
REGISTRY = "a registry is host"
HEADER = "one token"
REFUSED: list[tuple[Any, object, str]] = [
    (v.Name, "", NAME),
    (v.Name, "Model", NAME),
    (v.Name, "7b", NAME),
    (v.Name, "a-", NAME),
    (v.Name, "-a", NAME),
    (v.Name, "a_b", NAME),
    (v.Name, "a.b", NAME),
    (v.Name, "a\n", NAME),
    (v.Name, "ä", NAME),
    (v.Name, "a" * 64, "the limit is 63 characters, but the name has 64"),
    (v.Name, 7, "valid string"),
    (v.Host, "", HOST),
    (v.Host, "Example.com", HOST),
    (v.Host, "a..b", HOST),
    (v.Host, "example.com.", HOST),
    (v.Host, "http://example.com", HOST),
    (v.Host, "example.com:80", HOST),
    (v.Host, "example.com/predict", HOST),
    (v.Host, "*.example.com", HOST),
    (v.Host, "a" * 64 + ".com", HOST),
    (v.Host, ".".join(["a" * 50] * 6), HOST),
    (v.HttpPath, "", PATH),
    (v.HttpPath, "predict", PATH),
    (v.HttpPath, "/a b", PATH),
    (v.HttpPath, "/a?b=1", PATH),
    (v.HttpPath, "/a#b", PATH),
    (v.HttpPath, "/a\n", PATH),
    (v.Seconds, "", DURATION),
    (v.Seconds, "45", DURATION),
    (v.Seconds, 45, DURATION),
    (v.Seconds, 1.5, DURATION),
    (v.Seconds, True, DURATION),
    (v.Seconds, "-5s", DURATION),
    (v.Seconds, "1.5s", DURATION),
    (v.Seconds, "30s1m", DURATION),
    (v.Seconds, "5 s", DURATION),
    (v.Seconds, "500ms", DURATION),
    (v.Seconds, "\u0665s", DURATION),
    (v.Seconds, "9" * 5000 + "s", DURATION),
    (v.DigestReference, "registry.example.com/server:v1", DIGEST),
    (v.DigestReference, "registry.example.com/server", DIGEST),
    (v.DigestReference, f"sha256:{HEX}", DIGEST),
    (v.DigestReference, HEX, DIGEST),
    (v.DigestReference, "<none>@<none>", DIGEST),
    (v.DigestReference, "server@sha256:5f0c", DIGEST),
    (v.DigestReference, f"server@sha256:{HEX}0", DIGEST),
    (v.DigestReference, f"server@sha256:{HEX.upper()}", DIGEST),
    (v.DigestReference, f"server@sha512:{HEX}", DIGEST),
    (v.DigestReference, f"server@sha256:{HEX}\n", DIGEST),
    (v.DigestReference, f"registry.example.com/server:v1@sha256:{HEX}", REPOSITORY),
    (v.DigestReference, f"@sha256:{HEX}", REPOSITORY),
    (v.DigestReference, f"Server@sha256:{HEX}", REPOSITORY),
    (v.DigestReference, f"https://registry.example.com/server@sha256:{HEX}", REPOSITORY),
    (v.Registry, "", REGISTRY),
    (v.Registry, "https://registry.example.com", REGISTRY),
    (v.Registry, "registry.example.com/", REGISTRY),
    (v.Registry, "registry.example.com/Team", REGISTRY),
    (v.Registry, "registry.example.com:port", REGISTRY),
    (v.HeaderName, "", HEADER),
    (v.HeaderName, "X Canary", HEADER),
    (v.HeaderName, "X-Canary:", HEADER),
    (v.HeaderName, "X-Canary\r\n", HEADER),
    (v.BuildArgument, "BASE-IMAGE", "the name of a build argument"),
    (v.BuildArgument, "1ST", "the name of a build argument"),
    (v.Port, 0, "greater than or equal to 1"),
    (v.Port, 65536, "less than or equal to 65535"),
    (v.Port, "5000", "valid integer"),
    (v.Port, True, "valid integer"),
    (v.Count, -1, "greater than or equal to 0"),
    (v.Positive, 0, "greater than or equal to 1"),
    (v.Positive, 1.0, "valid integer"),
    (v.Percent, 101, "less than or equal to 100"),
    (v.Percent, -1, "greater than or equal to 0"),
    (v.Percent, "20", "valid integer"),
    (v.Utilization, 0, "greater than or equal to 1"),
    (v.Utilization, 101, "less than or equal to 100"),
    (v.Text, "", "at least 1 character"),
    (v.SlotName, "red", "'blue' or 'green'"),
    (v.Count, MOST + 1, "must be at most 2147483647, the limit of the API server"),
    (v.Positive, MOST + 1, "must be at most 2147483647, the limit of the API server"),
    (v.Seconds, "596523h14m8s", "less than or equal to 2147483647"),
    (v.Milliseconds, "", LATENCY),
    (v.Milliseconds, 300, LATENCY),
    (v.Milliseconds, "0.3s", LATENCY),
    (v.Milliseconds, "300 ms", LATENCY),
    (v.Milliseconds, "\u0663ms", LATENCY),
    (v.SubdomainName, "", OBJECT),
    (v.SubdomainName, "Fast", OBJECT),
    (v.SubdomainName, "a_b", OBJECT),
    (v.SubdomainName, "a.", OBJECT),
    (v.SubdomainName, ".".join(["a" * 63] * 4), OBJECT),
    (v.PublicHost, "192.0.2.7", "not an IP address"),
    (v.PublicPath, "/a//b", ROUTE),
    (v.PublicPath, "/..", ROUTE),
    (v.PublicPath, "/a%2fb", ROUTE),
    (v.PublicPath, "/a b", PATH),
    (v.MountPath, "/", FOLDER),
    (v.MountPath, "/etc/slipway//", FOLDER),
    (v.MountPath, "/a:b", FOLDER),
    (v.MountPath, "/a/../b", "must not contain '//'"),
    (v.MountPath, "a", PATH),
    (v.LabelKey, "", LABEL_KEY),
    (v.LabelKey, "/k", HOST),
    (v.LabelKey, "a/b/c", HOST),
    (v.LabelKey, "k" * 64, LABEL),
    (v.LabelKey, f"{'a.' * 127}a/k", HOST),
    (v.LabelValue, "-a", LABEL),
    (v.LabelValue, "a\n", LABEL),
    (v.LabelValue, "a" * 64, LABEL),
    (v.DeviceName, "gpu", DEVICE),
    (v.DeviceName, "node.kubernetes.io/gpu", DEVICE),
    (v.DeviceName, "requests.nvidia.com/gpu", DEVICE),
    (v.FileName, "", FILE),
    (v.FileName, ".", FILE),
    (v.FileName, "..a", FILE),
    (v.FileName, "a/b", FILE),
    (v.FileName, "a\n", FILE),
    (v.FileName, "f" * 254, FILE),
    (v.EnvironmentVariable, "", VARIABLE),
    (v.EnvironmentVariable, "A\n", VARIABLE),
    (v.EnvironmentVariable, "Ä", VARIABLE),
    (v.EnvironmentVariable, "V" * 254, "a variable name has at most 253 characters, as a key of a Secret; shorten it"),
    (v.FreeVariable, "SLIPWAY_SLOT", "Slipway sets this variable; choose another name"),
    (v.MetricName, "", METRIC),
    (v.MetricName, "5xx", METRIC),
    (v.MetricName, "a-b", METRIC),
    (v.Checksum, HEX, "a checksum has the form sha256:"),
    (v.Checksum, f"sha256:{HEX.upper()}", "a checksum has the form sha256:"),
    (v.Cidr, "192.0.2.7", NETWORK),
    (v.Cidr, "10.0.0.0/255.0.0.0", NETWORK),
    (v.Cidr, "10.0.0.0/0.255.255.255", NETWORK),
    (v.Cidr, "10.0.0.0/08", NETWORK),
    (v.Cidr, "::ffff:10.0.0.0/104", NETWORK),
    (v.Cidr, "fe80::1%eth0/128", NETWORK),
    (v.Cidr, "10.0.0.1/8", "not a network such as"),
    (v.Cidr, "010.0.0.0/8", "not a network such as"),
    (v.Cidr, "10.0.0.0/33", "not a network such as"),
    (v.Cidr, "", "not a network such as"),
]


@each(("kind", "value"), ACCEPTED)
def test_what_the_rule_allows_is_accepted(kind: Any, value: object) -> None:
    assert TypeAdapter(kind).validate_python(value) is not None


@each(("kind", "value", "rule"), REFUSED)
def test_what_the_rule_forbids_is_refused_with_the_rule(kind: Any, value: object, rule: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(kind).validate_python(value)
    (detail,) = raised.value.errors()
    assert rule in detail["msg"]
    assert "\n" not in detail["msg"]


@pytest.mark.parametrize(("text", "held"), [("300ms", 300), ("2s", 2000), ("1m30s", 90_000), ("0ms", 0)])
def test_a_latency_is_held_in_milliseconds(text: str, held: int) -> None:
    assert TypeAdapter[int](v.Milliseconds).validate_python(text) == held


@pytest.mark.parametrize("text", ["/data/", "/data//", "/data"])
def test_a_folder_is_held_without_a_slash_at_its_end(text: str) -> None:
    assert TypeAdapter[str](v.MountPath).validate_python(text) == "/data"


@pytest.mark.parametrize(
    ("text", "seconds"), [("45s", 45), ("1m30s", 90), ("2h", 7200), ("1h1m1s", 3661), ("90s", 90), ("1h5s", 3605)]
)
def test_a_duration_is_held_in_seconds(text: str, seconds: int) -> None:
    assert TypeAdapter[int](v.Seconds).validate_python(text) == seconds
