"""Models that the loader fetches: which sources need it, what proves them, and in which folder they are."""

import pytest

from models.manifest import MOST_BYTES, ModelManifest
from models.model import ModelSource, ModelVersion
from models.service import ServiceSpec
from tests.models.tables import Accepted, Refused, accepting, refusing
from tests.recording import DIGEST
from tests.samples import Config, accepted, refused, service

COMMIT = "5f0c" * 10
HUB = f"hf://acme/tiny@{COMMIT}"
WEB = "https://example.com/models/digits/"
S3 = "s3://models/digits/1"
OCI = f"oci://registry.example.com/models/digits@{DIGEST}"
MANIFEST: Config = {"uri": HUB, "files": {"model.onnx": {"size": 7, "sha256": "0" * 64}}}
PATH = "a file's path stays inside the model's folder, without control characters, '\\' or '$'"


def loaded(uri: str, **changes: object) -> Config:
    external = {} if uri.startswith("s3") else {"external": "hub"}
    return {"name": "digits", "uri": uri, "loader": "loader", **external, **changes}


ACCEPTED: Accepted = [
    (ModelVersion, {"uri": HUB}),
    (ModelVersion, {"uri": f"hf://tiny@{COMMIT}"}),
    (ModelVersion, {"uri": "https://example.com:8443/a/model.onnx", "checksum": DIGEST}),
    (ModelVersion, {"uri": HUB, "manifest": MANIFEST}),
    (ModelSource, loaded(S3)),
    (ModelSource, loaded(S3, cache={"volume": "hub"}, checksum=DIGEST)),
    (ModelSource, loaded(WEB, checksum=DIGEST)),
    (ModelSource, loaded(HUB, manifest=MANIFEST)),
    (ModelSource, loaded(OCI, cache={"volume": "hub"})),
    (ModelManifest, {**MANIFEST, "files": {f"a/{n}": {"size": 0, "sha256": "0" * 64} for n in range(1000)}}),
]
REFUSED: Refused = [
    (
        ModelSource,
        {"name": "digits", "uri": HUB},
        "loader: required with hf://; name the image of the loader, as in images.loader: {context: loader}",
    ),
    (
        ModelSource,
        {"name": "digits", "uri": WEB},
        "loader: required with https://; name the image of the loader, as in images.loader: {context: loader}",
    ),
    (
        ModelSource,
        {"name": "digits", "uri": S3, "external": "hub"},
        "external is read by the loader; set loader, or remove external",
    ),
    (
        ModelSource,
        {"name": "digits", "uri": S3, "manifest": {**MANIFEST, "uri": S3}},
        "manifest is read by the loader; set loader, or remove manifest",
    ),
    (
        ModelSource,
        loaded("pvc://hub/digits"),
        "loader does not apply to pvc://, which is mounted; remove it",
    ),
    (
        ModelSource,
        loaded("file:///opt/model"),
        "loader does not apply to file://, which is a folder of the service's own image; remove it",
    ),
    (
        ModelSource,
        loaded(S3, external="hub"),
        "external does not apply to s3://, whose server is slipway:objectStorage; remove it",
    ),
    (
        ModelSource,
        loaded(HUB, external=None),
        "external: required with hf://, because other connections are denied; name a server under slipway:externals",
    ),
    (
        ModelSource,
        loaded(HUB, checksum=DIGEST),
        "checksum does not apply to hf://, whose commit is in the URI; remove it",
    ),
    (
        ModelSource,
        loaded(S3, checksum=DIGEST, manifest={**MANIFEST, "uri": S3}),
        "checksum and manifest both say what the model is; remove one",
    ),
    (
        ModelSource,
        loaded(S3, manifest=MANIFEST),
        f"manifest is that of {HUB}, not of {S3}; run slipway model pin {S3}",
    ),
    (
        ModelManifest,
        {**MANIFEST, "files": {"../a": {"size": 7, "sha256": "0" * 64}}},
        f"files.../a: '../a': {PATH}",
    ),
    (
        ModelManifest,
        {**MANIFEST, "files": {"a": {"size": 7, "sha256": "0" * 63}}},
        f"files.a.sha256: '{'0' * 63}': a SHA-256 has 64 lowercase hex digits; pin the model again",
    ),
    (
        ModelManifest,
        {**MANIFEST, "files": {name: {"size": 7, "sha256": "0" * 64} for name in ("a", "a/b")}},
        "a is a file and a folder; remove one",
    ),
    (
        ModelManifest,
        {**MANIFEST, "files": {f"{n:035}": {"size": 7, "sha256": "0" * 64} for n in range(1000)}},
        (
            f"the manifest of 1000 files has 103,000 bytes, but the limit is {MOST_BYTES:,}; publish SHA256SUMS with "
            "the model instead"
        ),
    ),
]

test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


@pytest.mark.parametrize(("uri", "fetched"), [(S3, True), (WEB, True), (HUB, True), (OCI, True)])
def test_the_loader_fetches_every_source(uri: str, fetched: bool) -> None:
    assert accepted(ModelSource, loaded(uri)).fetched is fetched


def test_an_artifact_without_a_loader_is_mounted() -> None:
    assert not accepted(ModelSource, {"name": "digits", "uri": OCI}).fetched


def test_each_uri_and_pin_has_a_folder_of_its_own() -> None:
    given = [loaded(S3), loaded(S3, checksum=DIGEST), loaded("s3://models/digits/2"), loaded(HUB)]
    folders = [accepted(ModelSource, data).folder for data in given]
    assert len(set(folders)) == 4
    assert folders[0].startswith("models-digits-1-")
    assert accepted(ModelSource, loaded(HUB, size="2Gi")).folder == folders[3]


def test_another_version_brings_its_own_manifest() -> None:
    given = accepted(ModelSource, loaded(HUB, manifest=MANIFEST))
    other = given.at(accepted(ModelVersion, {"uri": f"hf://acme/tiny@{'0' * 40}"}))
    assert (other.manifest, other.loader, other.external) == (None, "loader", "hub")


def test_a_cache_of_the_loader_needs_no_room_in_the_pod() -> None:
    big = loaded(S3, size="90Gi")
    (line,) = refused(ServiceSpec, service(model=big))
    assert "limits.ephemeral-storage: 1Gi is less than scratch, model.size" in line
    accepted(ServiceSpec, service(model={**big, "cache": {"volume": "hub"}}))
