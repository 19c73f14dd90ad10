"""Types for Kubernetes terms: names, hosts, paths, ports, image digests, environment variables.

Each type states its rule in one sentence, because a user reads that sentence after a typing mistake.
"""

import ipaddress
import re
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SerializationInfo, WithJsonSchema

SlotName = Literal["blue", "green"]
OTHER_SLOT: dict[SlotName, SlotName] = {"blue": "green", "green": "blue"}

INT32 = 2**31 - 1
"""The API server's limit for replicas, seconds and other counts."""
LABEL_LENGTH = 63
"""Characters in a DNS label; Kubernetes' limit for Service names and label values (RFC 1123)."""

SCRATCH_PATH, SETTINGS_PATH, MEMORY_PATH = "/tmp", "/etc/slipway", "/dev/shm"  # noqa: S108 -- volumes of the pod
"""Where Slipway mounts the scratch volume, the settings of its own server, and shared memory."""

_LONGEST = 253
"""Characters of a DNS name (RFC 1123), and of a key of a ConfigMap or Secret."""
_LONGEST_DOMAIN = _LONGEST - len("requests.")
"""Characters. A quota names a device requests.<device>, and its part before '/' is a DNS name."""
_LONGEST_CLASS = _LONGEST - len(".storageclass.storage.k8s.io")
"""Characters. A quota names a class <class>.storageclass.storage.k8s.io/…, and the part before '/' is a DNS name."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REGISTRY = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?(?:/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)?", re.ASCII)
_REPOSITORY = re.compile(r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*", re.ASCII)
_MILLISECONDS = re.compile(r"(\d{1,9})ms", re.ASCII)
_FILE = re.compile(rf"[-._A-Za-z0-9]{{1,{_LONGEST}}}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""The name of a label of a series."""


def _name(value: str) -> str:
    if len(value) > LABEL_LENGTH:
        raise ValueError(f"the limit is {LABEL_LENGTH} characters, but the name has {len(value)}; shorten it")
    if not _NAME.fullmatch(value):
        raise ValueError(
            "a name contains only lowercase letters, digits and '-', starts with a letter, and does not end with '-'"
        )
    return value


def _host(value: str) -> str:
    labels = value.split(".")
    if len(value) > _LONGEST or any(len(x) > LABEL_LENGTH or not _SUBDOMAIN_LABEL.fullmatch(x) for x in labels):
        raise ValueError("a host is a lowercase DNS name, such as model.example.com, without a scheme, port or path")
    return value


def _object_name(value: str) -> str:
    try:
        return _host(value)
    except ValueError:
        raise ValueError(f"an object name has at most {_LONGEST} lowercase letters, digits, '-' and '.'") from None


def _path(value: str) -> str:
    if not value.startswith("/") or any(c.isspace() or c in "?#" for c in value):
        raise ValueError("a path starts with '/' and contains no space, '?' or '#'")
    return value


def _public_host(value: str) -> str:
    if _host(value).replace(".", "").isdigit():
        raise ValueError("a host is a DNS name, such as model.example.com, not an IP address")
    return value


def _public_path(value: str) -> str:
    if "//" in _path(value) or "%2f" in value.lower() or {".", ".."} & set(value.split("/")):
        raise ValueError("the path of a route must not contain '//', '%2f', '.' or '..', which the API server refuses")
    return value


def _mount_path(value: str) -> str:
    path = _path(value).rstrip("/")
    if "//" in path or {".", ".."} & set(path.split("/")):
        raise ValueError("a mount path must not contain '//', '.' or '..'")
    if path in ("", SCRATCH_PATH, SETTINGS_PATH) or ":" in path:
        raise ValueError(
            f"a mount path must not contain ':' and must not be a reserved path: /, {SCRATCH_PATH}, {SETTINGS_PATH}"
        )
    return path


def _label_value(value: str) -> str:
    if value and (len(value) > LABEL_LENGTH or not LABEL.fullmatch(value)):
        raise ValueError(
            f"a label has at most {LABEL_LENGTH} letters, digits, '-', '_' and '.', "
            "and starts and ends with a letter or digit"
        )
    return value


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    if slash:
        _host(prefix)
    if not _label_value(name):
        raise ValueError("a label key must have a name, with or without a prefix, as in example.com/team")
    return value


def _device_name(value: str) -> str:
    domain = _label_key(value).rpartition("/")[0]
    if not domain or domain.endswith("kubernetes.io") or domain.startswith("requests."):
        raise ValueError("a device name is <vendor domain>/<resource>, such as nvidia.com/gpu or nvidia.com/mig-1g.5gb")
    if len(domain) > _LONGEST_DOMAIN:
        raise ValueError(f"the vendor domain of a device has at most {_LONGEST_DOMAIN} characters; use a shorter one")
    return value


def _storage_class(value: str) -> str:
    if len(_object_name(value)) > _LONGEST_CLASS:
        raise ValueError(f"a storage class has at most {_LONGEST_CLASS} characters; use one with a shorter name")
    return value


def _header_name(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("a header or cookie name is one token of letters, digits and !#$%&'*+.^_`|~- (RFC 9110)")
    return value


def _seconds(value: object) -> object:
    """Convert ``90s``, ``1m30s`` or ``2h`` to whole seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("a duration is whole hours, minutes and seconds, such as 45s, 1m30s or 2h")
    hours, minutes, seconds = (int(x or 0) for x in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _milliseconds(value: object) -> object:
    """Convert ``300ms``, ``2s`` or ``1m30s`` to whole milliseconds."""
    match = _MILLISECONDS.fullmatch(value) if isinstance(value, str) else None
    if match:
        return int(match[1])
    try:
        return 1000 * cast("int", _seconds(value))
    except ValueError as error:
        raise ValueError("a latency is whole milliseconds or seconds, such as 300ms or 2s") from error


def digest_reference(value: str) -> str:
    """Return an image reference if it is valid. Types of other modules use this check too.

    Raises:
        ValueError: the reference has no digest, or has a tag as well.
    """
    repository, at, digest = value.partition("@")
    if not at or not _DIGEST.fullmatch(digest):
        raise ValueError("an image must be named by digest, as repository@sha256:<64 hex>, because a tag can change")
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(
            "the part before '@' must be a repository without a tag, such as registry.example.com/classifier"
        )
    return value


def _registry(value: str) -> str:
    if not _REGISTRY.fullmatch(value):
        raise ValueError("a registry is host[:port][/path], without a scheme, such as registry.example.com/team")
    return value


def _build_argument(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError("the name of a build argument contains only letters, digits and '_'")
    return value


def _file_name(value: str) -> str:
    if not _FILE.fullmatch(value) or value == "." or value.startswith(".."):
        raise ValueError(
            f"a file name has at most {_LONGEST} letters, digits, '-', '_' and '.', is not '.', and does not start "
            "with '..'"
        )
    return value


def _variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError("a variable name contains only letters, digits and '_', and does not start with a digit")
    if len(value) > _LONGEST:
        raise ValueError(f"a variable name has at most {_LONGEST} characters, as a key of a Secret; shorten it")
    return value


def free_variable(value: str) -> str:
    """Return the name of a variable if it is valid and not Slipway's own; otherwise raise ValueError."""
    if _variable(value).startswith("SLIPWAY_"):
        raise ValueError("Slipway sets this variable; choose another name")
    return value


def _metric(value: str) -> str:
    if not _METRIC.fullmatch(value):
        raise ValueError("a metric name contains only letters, digits, '_' and ':', and does not start with a digit")
    return value


def _checksum(value: str) -> str:
    if not _DIGEST.fullmatch(value):
        raise ValueError("a checksum has the form sha256:<64 hex>, in lowercase")
    return value


def _cidr(value: str) -> str:
    try:
        network = ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f"not a network such as 10.0.0.0/8 or 192.0.2.7/32: {error}") from error
    mapped = network.version == 6 and network.network_address.ipv4_mapped is not None  # noqa: PLR2004 -- IPv6
    # Python also accepts netmasks, zones and leading zeros. The API server does not.
    if mapped or "%" in value or value.rpartition("/")[2] != str(network.prefixlen):
        raise ValueError("a network is an address and its prefix length, as in 192.0.2.7/32 or 2001:db8::/32")
    return value


def _int32(value: int) -> int:
    if value > INT32:
        raise ValueError(f"must be at most {INT32}, the limit of the API server")
    return value


STORED = "stored"
"""The context for data that is read again. Durations keep their unit, because validation refuses them without one."""


def _written(seconds: int, info: SerializationInfo) -> int | str:
    hours, rest = divmod(seconds, 3600)
    return (f"{hours}h{rest}s" if hours else f"{rest}s") if info.context == STORED else seconds


Name = Annotated[
    str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$", "maxLength": LABEL_LENGTH})
]
Host = Annotated[str, AfterValidator(_host)]
PublicHost = Annotated[str, AfterValidator(_public_host)]
HttpPath = Annotated[str, AfterValidator(_path)]
PublicPath = Annotated[str, AfterValidator(_public_path)]
MountPath = Annotated[str, AfterValidator(_mount_path)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
DeviceName = Annotated[str, AfterValidator(_device_name)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Seconds = Annotated[
    int,
    BeforeValidator(_seconds),
    PlainSerializer(_written, when_used="json"),
    Field(le=INT32),
    WithJsonSchema({"type": "string", "format": "duration", "pattern": rf"^(?=.){_DURATION.pattern}$"}),
]
"""A duration, written with a unit and held in whole seconds."""
DigestReference = Annotated[str, AfterValidator(digest_reference)]
Fingerprint = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
"""The first 16 hex digits of a SHA-256."""
Registry = Annotated[str, AfterValidator(_registry)]
BuildArgument = Annotated[str, AfterValidator(_build_argument)]
Text = Annotated[str, Field(min_length=1)]
SubdomainName = Annotated[str, AfterValidator(_object_name)]
"""The name of an object that Slipway does not create, such as a storage class.

Dots and a leading digit are allowed (RFC 1123).
"""
StorageClass = Annotated[str, AfterValidator(_storage_class)]
"""The name of a storage class, which is also part of the quota's keys."""
FileName = Annotated[str, AfterValidator(_file_name)]
EnvironmentVariable = Annotated[str, AfterValidator(_variable)]
FreeVariable = Annotated[str, AfterValidator(free_variable)]
"""An environment variable that is not Slipway's own. :mod:`models.variable_rules` knows the rest for each container."""
MetricName = Annotated[str, AfterValidator(_metric)]
Checksum = Annotated[str, AfterValidator(_checksum)]
Cidr = Annotated[str, AfterValidator(_cidr)]
Milliseconds = Annotated[
    int,
    BeforeValidator(_milliseconds),
    WithJsonSchema({"type": "string", "pattern": rf"^({_MILLISECONDS.pattern}|(?=.){_DURATION.pattern})$"}),
]
"""A latency, written with a unit and held in whole milliseconds."""

Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Count = Annotated[int, Field(strict=True, ge=0), AfterValidator(_int32)]
Positive = Annotated[int, Field(strict=True, ge=1), AfterValidator(_int32)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Utilization = Annotated[int, Field(strict=True, ge=1, le=100)]
