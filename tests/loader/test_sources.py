"""Each kind of source: which hash proves its files, and which server gets its credentials."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from loader.errors import LoaderError
from serving.tests.objects import BUCKET, client, endpoint
from tests.loader.models import FILES, checksum_of, content, fetched, manifest_of, publish
from tests.loader.servers import COMMIT, TOKEN, Hub, Registry, Watched, artifact, digest_of, serving

__all__ = ["client", "endpoint"]

HUB_URI = f"hf://acme/tiny@{COMMIT}"


def test_a_hub_proves_large_files_by_sha256_and_small_ones_by_gits_hash(tmp_path: Path) -> None:
    folder = publish(tmp_path / "hub", sums=False)
    with (
        serving(Watched, folder) as (cdn, stored),
        serving(Hub, folder, large={"model.onnx": f"{cdn}/model.onnx?signature=x"}, token=TOKEN) as (url, asked),
    ):
        fetched(HUB_URI, tmp_path / "store", {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN})
    assert content(tmp_path / "store/tiny") == FILES
    assert asked.logins("/") == {f"Bearer {TOKEN}"}
    assert stored.logins("/model.onnx") == {""}, "the token stays with the hub"


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer/vocab.txt"])
def test_a_flipped_bit_of_a_hubs_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = publish(tmp_path / "hub", sums=False)
    spoilt = publish(tmp_path / "cdn", {**FILES, name: FILES[name].replace(b"w", b"W").replace(b"t", b"T")}, sums=False)
    with (
        serving(Watched, spoilt) as (cdn, _),
        serving(Hub, folder, large={"model.onnx": f"{cdn}/model.onnx"}) as (url, _),
    ):
        # The hub's list is that of the intact files; what it sends is spoilt.
        (folder / "tokenizer/vocab.txt").unlink()
        list_of = Hub.siblings

        def listed(self: Hub) -> list[dict[str, Any]]:
            found = [one for one in list_of(self) if one["rfilename"] != "tokenizer/vocab.txt"]
            return [*found, self.sibling("tokenizer/vocab.txt", FILES["tokenizer/vocab.txt"])]

        (folder / "tokenizer/vocab.txt").write_bytes((spoilt / "tokenizer/vocab.txt").read_bytes())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Hub, "siblings", listed)
            with pytest.raises(LoaderError, match=r"hash is .* is required; the file is damaged"):
                fetched(HUB_URI, tmp_path / "store", {"HF_ENDPOINT": url})
    assert not (tmp_path / "store/tiny").exists()


def test_a_private_or_unknown_model_is_refused_in_one_line(tmp_path: Path) -> None:
    with serving(Hub, publish(tmp_path / "hub", sums=False), large={}, token=TOKEN) as (url, _):
        with pytest.raises(LoaderError, match=r"refused the credentials \(401\); check model.secrets"):
            fetched(HUB_URI, tmp_path / "store", {"HF_ENDPOINT": url})
        with pytest.raises(LoaderError, match="the hub has no such model or commit; check both"):
            fetched(f"hf://acme/other@{COMMIT}", tmp_path / "store", {"HF_ENDPOINT": url, "HF_TOKEN": TOKEN})


def test_a_manifest_chooses_files_of_a_model(tmp_path: Path) -> None:
    chosen = {"tokenizer/vocab.txt": FILES["tokenizer/vocab.txt"]}
    with serving(Hub, publish(tmp_path / "hub", sums=False), large={}) as (url, _):
        fetched(HUB_URI, tmp_path / "store", {"HF_ENDPOINT": url}, manifest=manifest_of(chosen))
    assert content(tmp_path / "store/tiny") == chosen


def test_a_pod_whose_role_is_refused_gets_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class TokenService(Watched):
        def do_POST(self) -> None:  # noqa: N802 -- the name that http.server calls
            error = b"<Error><Code>AccessDenied</Code><Message>no such role</Message></Error>"
            self.answer(b"<ErrorResponse>" + error + b"</ErrorResponse>", HTTPStatus.FORBIDDEN)

    token = tmp_path / "token"
    token.write_text("of the pod's account", "utf-8")
    with serving(TokenService, tmp_path / "tokens") as (url, _):
        for name, value in {
            "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/models",
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_ENDPOINT_URL_STS": url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(tmp_path / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        }.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(LoaderError, match=r"no usable credentials \(.*no such role\); check the AWS_\* variables"):
            fetched("s3://models/tiny", tmp_path / "store", {"AWS_ENDPOINT_URL": url})


@pytest.mark.slow  # a real S3 server
def test_a_bucket_is_read_with_signed_requests_and_proven_by_its_sums(
    endpoint: str, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = publish(tmp_path / "bucket")
    for path in (path for path in folder.rglob("*") if path.is_file()):
        client.put_object(Bucket=BUCKET, Key=f"tiny/1/{path.relative_to(folder)}", Body=path.read_bytes())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    fetched(f"s3://{BUCKET}/tiny/1", tmp_path / "store", {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"})
    assert content(tmp_path / "store/tiny") == content(folder)
    with pytest.raises(LoaderError, match="has no SHA256SUMS, so nothing proves the model"):
        fetched(f"s3://{BUCKET}/tiny/2", tmp_path / "store", {"AWS_ENDPOINT_URL": endpoint})


def test_an_artifact_is_proven_by_its_digests_and_read_with_a_token(tmp_path: Path) -> None:
    manifest, blobs = artifact(FILES)
    basic = "Basic dXNlcjpwYXNz"
    environment = {"MODEL_REGISTRY_HTTP": "true", "MODEL_USER": "user", "MODEL_PASSWORD": "pass"}
    with serving(Registry, tmp_path / "registry", manifest=manifest, blobs=blobs, login=basic) as (url, seen):
        uri = f"oci://{url.removeprefix('http://')}/models/tiny@{digest_of(manifest)}"
        fetched(uri, tmp_path / "store", environment)
        assert content(tmp_path / "store/tiny") == FILES
        assert seen.logins("/v2/models") == {"Bearer issued"}
        with pytest.raises(LoaderError, match=r"refused the credentials \(401\)"):
            fetched(uri, tmp_path / "other", {**environment, "MODEL_PASSWORD": "wrong"})


def test_a_token_is_renewed_before_it_expires(tmp_path: Path) -> None:
    manifest, blobs = artifact(FILES)
    issued: list[str] = []
    used: list[str] = []

    class ShortLived(Registry):
        """Issues tokens that expire with their first request."""

        def route(self) -> None:
            given = self.headers.get("Authorization", "")
            if self.path.startswith("/token"):
                issued.append(f"Bearer {len(issued)}")
                self.answer(json.dumps({"token": str(len(issued) - 1), "expires_in": 0}).encode())
            elif self.path == "/v2/":
                self.refuse(
                    HTTPStatus.UNAUTHORIZED, WWW_Authenticate=f'Bearer realm="http://{self.headers["Host"]}/token"'
                )
            elif given in issued and given not in used:
                used.append(given)
                super().route()
            else:
                self.refuse(HTTPStatus.UNAUTHORIZED)

    with serving(ShortLived, tmp_path / "registry", manifest=manifest, blobs=blobs) as (url, _):
        uri = f"oci://{url.removeprefix('http://')}/models/tiny@{digest_of(manifest)}"
        fetched(uri, tmp_path / "store", {"MODEL_REGISTRY_HTTP": "true"})
    assert content(tmp_path / "store/tiny") == FILES


@pytest.mark.parametrize("issued", [b"<html>busy</html>", b'{"expires_in": 60}', b"[]"])
def test_a_token_service_that_issues_no_token_is_named(tmp_path: Path, issued: bytes) -> None:
    manifest, blobs = artifact(FILES)

    class Busy(Registry):
        def issue(self) -> None:
            self.answer(issued)

    with serving(Busy, tmp_path / "registry", manifest=manifest, blobs=blobs, login="Basic x") as (url, _):
        uri = f"oci://{url.removeprefix('http://')}/models/tiny@{digest_of(manifest)}"
        with pytest.raises(LoaderError, match=rf"{url}/token issued no token; check the URI"):
            fetched(uri, tmp_path / "store", {"MODEL_REGISTRY_HTTP": "true"})


def test_a_manifest_with_another_digest_is_refused(tmp_path: Path) -> None:
    manifest, blobs = artifact(FILES)
    wanted = digest_of(manifest)

    class Lying(Registry):
        def route(self) -> None:
            self.answer(self.manifest) if "manifests" in self.path else super().route()

    with serving(Lying, tmp_path / "registry", manifest=artifact({"model.onnx": b"other"})[0], blobs=blobs) as (url, _):
        uri = f"oci://{url.removeprefix('http://')}/models/tiny@{wanted}"
        with pytest.raises(LoaderError, match="the registry sent a manifest with another digest; nothing was fetched"):
            fetched(uri, tmp_path / "store", {"MODEL_REGISTRY_HTTP": "true"})


def test_an_image_with_untitled_layers_is_no_model(tmp_path: Path) -> None:
    manifest = json.dumps({"layers": [{"digest": "sha256:" + "0" * 64, "size": 3}]}).encode()
    with serving(Registry, tmp_path / "registry", manifest=manifest, blobs={}) as (url, _):
        uri = f"oci://{url.removeprefix('http://')}/models/tiny@{digest_of(manifest)}"
        with pytest.raises(LoaderError, match="is not an artifact with one titled layer per file; push it with"):
            fetched(uri, tmp_path / "store", {"MODEL_REGISTRY_HTTP": "true"})


def test_a_single_file_is_proven_by_its_checksum(tmp_path: Path) -> None:
    folder = publish(tmp_path / "published")
    with serving(Watched, folder) as (url, _):
        with pytest.raises(LoaderError, match=r"no hash proves this file; set model.checksum to its SHA-256"):
            fetched(f"{url}/model.onnx", tmp_path / "store")
        fetched(f"{url}/model.onnx", tmp_path / "store", checksum=checksum_of(folder / "model.onnx"))
    assert content(tmp_path / "store/tiny") == {"model.onnx": FILES["model.onnx"]}


def test_a_web_server_gets_the_loaders_token(tmp_path: Path) -> None:
    with serving(Watched, publish(tmp_path / "published")) as (url, seen):
        fetched(f"{url}/", tmp_path / "store", {"MODEL_TOKEN": "secret"})
    assert seen.logins("/") == {"Bearer secret"}


@pytest.mark.parametrize(
    ("sums", "said"),
    [
        ("", "SHA256SUMS: lists no file; create it with sha256sum"),
        ("abc  model.onnx\n", "'abc  model.onnx' is not a sha256sum line"),
        (f"{'0' * 64}  ../model.onnx\n", "'../model.onnx' is not a path inside the model's folder"),
        (f"{'0' * 64}  /etc/passwd\n", "'/etc/passwd' is not a path inside the model's folder"),
        (f"{'0' * 64}  a\n{'0' * 64}  a/b\n", "'a' is a file and a folder"),
        (f"{'0' * 64}  SHA256SUMS\n", "SHA256SUMS lists itself; remove that line"),
    ],
)
def test_invalid_sums_are_refused(tmp_path: Path, sums: str, said: str) -> None:
    folder = publish(tmp_path / "published")
    (folder / "SHA256SUMS").write_text(sums, "utf-8")
    with serving(Watched, folder) as (url, _), pytest.raises(LoaderError) as refused:
        fetched(f"{url}/", tmp_path / "store")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("https://[host/model/", "is not a URI (Invalid IPv6 URL); use one of the schemes s3, https, http, hf, oci"),
        ("ftp://host/model", "scheme 'ftp' is not supported; use one of s3, https, http, hf, oci"),
        ("https://user:secret@host/model/", "is not a web folder or file"),
        ("hf://acme/tiny@main", "is not a model at a commit; use hf://organization/model@<40 hex digits>"),
        ("s3://bucket", "is not an object storage URI; use s3://bucket/prefix"),
        ("oci://host/models/tiny:1", "is not an artifact by digest; use oci://repository@sha256:<64 hex>"),
    ],
)
def test_an_invalid_uri_is_refused(tmp_path: Path, uri: str, said: str) -> None:
    with pytest.raises(LoaderError) as refused:
        fetched(uri, tmp_path / "store")
    assert said in str(refused.value)
