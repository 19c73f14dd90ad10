"""Model sources: four ways into a pod, each with its own form of URI."""

import pytest

from models.model import ModelSource, ModelVersion
from tests.models.tables import (
    BY_DIGEST,
    FOLDER,
    LIST,
    MODEL,
    NAME,
    PATH,
    REQUIRED,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.recording import DIGEST
from tests.samples import Config, accepted


def source(uri: str, **changes: object) -> Config:
    return {"name": "digits", "uri": uri, **changes}


S3 = "s3://models/digits/1"
OCI = f"oci://registry.example.com/models/digits@{DIGEST}"
CACHE = {"volume": "hub"}

ACCEPTED: Accepted = [
    (ModelVersion, {"uri": "file:///opt/slipway/model"}),
    (ModelVersion, {"uri": S3, "checksum": DIGEST}),
    (ModelVersion, {"uri": "s3://a.b-c/x"}),
    (ModelVersion, {"uri": f"s3://{'b' * 63}/x"}),
    (ModelVersion, {"uri": "pvc://hub"}),
    (ModelVersion, {"uri": "pvc://hub/digits/1"}),
    (ModelVersion, {"uri": OCI}),
    (ModelSource, source(S3, size="1Gi", cache=CACHE, secrets=["storage"])),
    (ModelSource, source(S3, cache={"volume": "hub", "path": "/var/cache/hub"}, path="/data/models/")),
    (ModelSource, source("file:///opt/slipway/model", cache=CACHE)),
]
REFUSED: Refused = [
    (ModelVersion, {}, f"uri: {REQUIRED}"),
    (ModelVersion, {"uri": ""}, f"uri: '': {MODEL}"),
    (ModelVersion, {"uri": "models/digits"}, f"uri: 'models/digits': {MODEL}"),
    (ModelVersion, {"uri": "http://example.com/digits"}, f"uri: 'http://example.com/digits': {MODEL}"),
    (ModelVersion, {"uri": "file://host/model"}, f"uri: 'file://host/model': {MODEL}"),
    (ModelVersion, {"uri": "file:///"}, f"uri: 'file:///': {MODEL}"),
    (ModelVersion, {"uri": "file:///a b"}, f"uri: 'file:///a b': {MODEL}"),
    (ModelVersion, {"uri": "s3://models"}, f"uri: 's3://models': {MODEL}"),
    (ModelVersion, {"uri": "s3://models/"}, f"uri: 's3://models/': {MODEL}"),
    (ModelVersion, {"uri": "s3://models/digits/"}, f"uri: 's3://models/digits/': {MODEL}"),
    (ModelVersion, {"uri": "s3://Models/digits"}, f"uri: 's3://Models/digits': {MODEL}"),
    (ModelVersion, {"uri": "s3://ab/digits"}, f"uri: 's3://ab/digits': {MODEL}"),
    (ModelVersion, {"uri": f"s3://{'b' * 64}/x"}, f"uri: 's3://{'b' * 64}/x': {MODEL}"),
    (ModelVersion, {"uri": "s3://models/digits?versionId=1"}, f"uri: 's3://models/digits?versionId=1': {MODEL}"),
    (ModelVersion, {"uri": "pvc://Hub/digits"}, f"uri: 'pvc://Hub/digits': {MODEL}"),
    (ModelVersion, {"uri": "pvc://hub/"}, f"uri: 'pvc://hub/': {MODEL}"),
    (ModelVersion, {"uri": "pvc://hub/../other"}, f"uri: 'pvc://hub/../other': {MODEL}"),
    (ModelVersion, {"uri": "pvc://hub/a:b"}, f"uri: 'pvc://hub/a:b': {MODEL}"),
    (
        ModelVersion,
        {"uri": "oci://registry.example.com/models/digits:1"},
        f"uri: 'oci://registry.example.com/models/digits:1': {BY_DIGEST}",
    ),
    (
        ModelVersion,
        {"uri": f"{OCI}\n"},
        f"uri: 'oci://registry.example.com/models/digits@sha256:5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0…: {BY_DIGEST}",
    ),
    (
        ModelVersion,
        {"uri": S3, "checksum": "5f0c"},
        "checksum: '5f0c': a checksum has the form sha256:<64 hex>, in lowercase",
    ),
    (
        ModelVersion,
        {"uri": "pvc://hub/digits", "checksum": DIGEST},
        "checksum applies only to models that are fetched, but pvc:// is mounted; remove it",
    ),
    (
        ModelVersion,
        {"uri": OCI, "checksum": DIGEST},
        (
            "checksum applies only to models that are fetched, but oci:// is mounted, and its digest is in the URI; "
            "remove it"
        ),
    ),
    (ModelSource, {"uri": S3}, f"name: {REQUIRED}"),
    (ModelSource, source(S3, name="Digits"), f"name: 'Digits': {NAME}"),
    (ModelSource, source(S3, path="/"), f"path: '/': {FOLDER}"),
    (ModelSource, source(S3, path="/etc/slipway/"), f"path: '/etc/slipway/': {FOLDER}"),
    (ModelSource, source(S3, path="/a:b"), f"path: '/a:b': {FOLDER}"),
    (ModelSource, source(S3, path="models"), f"path: 'models': {PATH}"),
    (
        ModelSource,
        source(S3, path="/models/../etc"),
        "path: '/models/../etc': a mount path must not contain '//', '.' or '..'",
    ),
    (
        ModelSource,
        source(S3, path="/models//1"),
        "path: '/models//1': a mount path must not contain '//', '.' or '..'",
    ),
    (ModelSource, source(S3, size="0"), "size: '0': must be greater than 0"),
    (ModelSource, source(S3, cache={}), f"cache.volume: {REQUIRED}"),
    (
        ModelSource,
        source(S3, cache={"volume": "hub", "path": "/models"}),
        "cache.path and path are both /models; choose another folder for the cache",
    ),
    (
        ModelSource,
        source("pvc://hub/digits", cache=CACHE),
        "cache applies only to models that are fetched, but pvc:// is mounted; remove it",
    ),
    (
        ModelSource,
        source(OCI, cache=CACHE),
        "cache applies only to models that are fetched, but oci:// is mounted; remove it",
    ),
    (ModelSource, source(S3, secrets="storage"), f"secrets: [secret]: {LIST}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(
    ("uri", "scheme", "fetched"),
    [("file:///m", "file", True), (S3, "s3", True), ("pvc://hub", "pvc", False), (OCI, "oci", False)],
)
def test_the_scheme_says_how_a_model_gets_into_the_pod(uri: str, scheme: str, fetched: bool) -> None:
    version = accepted(ModelVersion, {"uri": uri})
    assert (version.scheme, version.fetched) == (scheme, fetched)


@pytest.mark.parametrize(("uri", "claim"), [("pvc://hub", ("hub", "")), ("pvc://hub/digits/1", ("hub", "digits/1"))])
def test_a_model_on_a_volume_names_volume_and_folder(uri: str, claim: tuple[str, str]) -> None:
    assert accepted(ModelVersion, {"uri": uri}).claim == claim


def test_another_version_changes_uri_and_checksum_and_nothing_else() -> None:
    given = accepted(ModelSource, source(S3, checksum=DIGEST, cache=CACHE, secrets=["storage"], size="1Gi"))
    other = given.at(accepted(ModelVersion, {"uri": "s3://models/digits/2"}))
    assert other == accepted(ModelSource, source("s3://models/digits/2", cache=CACHE, secrets=["storage"], size="1Gi"))
    assert given.at(None) == given
