"""The field's own words as types: names, hosts, paths, durations, ports, image digests.

Each type states its rule in one sentence, because that sentence is what a user reads after a typing mistake.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

SlotName = Literal["blue", "green"]

LABEL_LENGTH = 63
"""Characters in a DNS label; Kubernetes' limit for Service names and label values (RFC 1123)."""

_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REGISTRY = re.compile(r"[A-Za-z0-9.-]+(?::\d+)?(?:/[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)?", re.ASCII)
_REPOSITORY = re.compile(r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*", re.ASCII)
_BUILD_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _name(value: str) -> str:
    if len(value) > LABEL_LENGTH:
        raise ValueError(f"a name has at most {LABEL_LENGTH} characters, this one has {len(value)}; shorten it")
    if not _NAME.fullmatch(value):
        raise ValueError("a name is lower-case letters, digits and '-', starts with a letter and ends with no '-'")
    return value


def _host(value: str) -> str:
    labels = value.split(".")
    if len(value) > 253 or any(len(x) > LABEL_LENGTH or not _SUBDOMAIN_LABEL.fullmatch(x) for x in labels):  # noqa: PLR2004 -- RFC 1123
        raise ValueError("a host is a lower-case DNS name such as model.example.com (no scheme, port or path)")
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or any(c.isspace() or c in "?#" for c in value):
        raise ValueError("a path starts with '/' and holds no space, '?' or '#'")
    return value


def _mount_path(value: str) -> str:
    path = _path(value).rstrip("/")
    if path in ("", "/tmp", "/etc/slipway") or ":" in path:  # noqa: S108 -- a volume of the pod
        raise ValueError("a folder of the pod holds no ':' and is not one that is taken: /, /tmp, /etc/slipway")
    return path


def _label_value(value: str) -> str:
    if value and (len(value) > LABEL_LENGTH or not _LABEL.fullmatch(value)):
        raise ValueError(
            f"a label is at most {LABEL_LENGTH} letters, digits, '-', '_' and '.'; a letter or digit is first and last"
        )
    return value


def _label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    if slash:
        _host(prefix)
    if not _label_value(name):
        raise ValueError("a label's key has a name, with or without a prefix, as in example.com/team")
    return value


def _device_name(value: str) -> str:
    domain = _label_key(value).rpartition("/")[0]
    if not domain or domain.endswith("kubernetes.io"):
        raise ValueError("a device is named vendor domain/resource, such as nvidia.com/gpu or nvidia.com/mig-1g.5gb")
    return value


def _header_name(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("a header or cookie name is one token of letters, digits and !#$%&'*+.^_`|~- (RFC 9110)")
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}; correct the pattern") from error
    return value


def _seconds(value: object) -> object:
    """Turn ``90s``, ``1m30s`` or ``2h`` into whole seconds."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) and value else None
    if match is None:
        raise ValueError("a duration is whole hours, minutes and seconds such as 45s, 1m30s or 2h")
    hours, minutes, seconds = (int(x or 0) for x in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _digest_reference(value: str) -> str:
    repository, at, digest = value.partition("@")
    if not at or not _DIGEST.fullmatch(digest):
        raise ValueError("an image is named by digest, repository@sha256:<64 hex>; a tag can change under you")
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(
            "the part before '@' must be a repository without a tag, such as registry.example.com/classifier"
        )
    return value


def _registry(value: str) -> str:
    if not _REGISTRY.fullmatch(value):
        raise ValueError("a registry is host[:port][/path] with no scheme, such as registry.example.com/team")
    return value


def _build_argument(value: str) -> str:
    if not _BUILD_ARGUMENT.fullmatch(value):
        raise ValueError("a build argument's name is letters, digits and '_'")
    return value


Name = Annotated[
    str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$", "maxLength": LABEL_LENGTH})
]
Host = Annotated[str, AfterValidator(_host)]
HttpPath = Annotated[str, AfterValidator(_path)]
MountPath = Annotated[str, AfterValidator(_mount_path)]
LabelKey = Annotated[str, AfterValidator(_label_key)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
DeviceName = Annotated[str, AfterValidator(_device_name)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Seconds = Annotated[
    int,
    BeforeValidator(_seconds),
    WithJsonSchema({"type": "string", "format": "duration", "pattern": rf"^(?=.){_DURATION.pattern}$"}),
]
"""A duration, written with its unit, held in whole seconds."""
DigestReference = Annotated[str, AfterValidator(_digest_reference)]
Registry = Annotated[str, AfterValidator(_registry)]
BuildArgument = Annotated[str, AfterValidator(_build_argument)]
Text = Annotated[str, Field(min_length=1)]

Port = Annotated[int, Field(strict=True, ge=1, le=65535)]
Count = Annotated[int, Field(strict=True, ge=0)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Percent = Annotated[int, Field(strict=True, ge=0, le=100)]
Utilization = Annotated[int, Field(strict=True, ge=1, le=100)]
