"""A pin holds sizes and hashes, and reads only the files without a stated SHA-256."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from loader import manifest
from loader.errors import LoaderError
from loader.pin import pin
from serving.tests.objects import BUCKET, client, endpoint
from tests.loader.models import FILES, content, fetched, manifest_of, publish
from tests.loader.servers import COMMIT, Hub, Registry, Watched, artifact, digest_of, serving

__all__ = ["client", "endpoint"]

HUB_URI = f"hf://acme/tiny@{COMMIT}"


def test_a_hubs_small_files_are_read_and_its_large_ones_are_not(tmp_path: Path) -> None:
    folder = publish(tmp_path / "hub", sums=False)
    with serving(Hub, folder, large={"model.onnx": "http://127.0.0.1:9/away"}) as (url, seen):
        found = pin(HUB_URI, {"HF_ENDPOINT": url})
    assert manifest.lines(found.files) == manifest_of(FILES)
    assert found.version == {"commit": COMMIT}
    assert found.read == len(FILES["tokenizer/vocab.txt"])
    assert not any("model.onnx" in path for path in seen.paths())


def test_sums_are_believed_and_sizes_asked(tmp_path: Path) -> None:
    with serving(Watched, publish(tmp_path / "published")) as (url, _):
        found = pin(f"{url}/", {})
    assert (manifest.lines(found.files), found.read) == (manifest_of(FILES), 0)


def test_a_single_file_is_read_and_its_tag_recorded(tmp_path: Path) -> None:
    class Tagged(Watched):
        def end_headers(self) -> None:
            self.send_header("ETag", '"v7"')
            super().end_headers()

    with serving(Tagged, publish(tmp_path / "published", sums=False)) as (url, seen):
        seen.cut_after, seen.cuts = 6_000, 1
        found = pin(f"{url}/model.onnx", {})
    whole = FILES["model.onnx"]
    assert found.files == {"model.onnx": manifest.Pinned(hashlib.sha256(whole).hexdigest(), len(whole))}
    assert found.version == {"etag": "v7"}
    assert "bytes=6000-" in [ranged for _, ranged, _ in seen.requests], "it continued after the cut"


def test_an_artifact_is_pinned_without_reading_it(tmp_path: Path) -> None:
    listed, blobs = artifact(FILES)
    with serving(Registry, tmp_path / "registry", manifest=listed, blobs=blobs) as (url, seen):
        uri = f"oci://{url.removeprefix('http://')}/models/tiny@{digest_of(listed)}"
        found = pin(uri, {"MODEL_REGISTRY_HTTP": "true"})
    assert manifest.lines(found.files) == manifest_of(FILES)
    assert not any("/blobs/" in path for path in seen.paths())


@pytest.mark.slow  # a real S3 server
def test_a_bucket_without_sums_is_listed_and_read(
    endpoint: str, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for name, body in FILES.items():
        client.put_object(Bucket=BUCKET, Key=f"bare/1/{name}", Body=body)
    found = pin(f"s3://{BUCKET}/bare/1", {"AWS_ENDPOINT_URL": endpoint})
    assert manifest.lines(found.files) == manifest_of(FILES)
    fetched(
        f"s3://{BUCKET}/bare/1",
        tmp_path / "store",
        {"AWS_ENDPOINT_URL": endpoint},
        manifest=manifest.lines(found.files),
    )
    assert content(tmp_path / "store/tiny") == FILES


def test_patterns_choose_files(tmp_path: Path) -> None:
    with serving(Watched, publish(tmp_path / "published")) as (url, _):
        assert set(pin(f"{url}/", {}, ["*.onnx", "*.txt"]).files) == set(FILES)
        assert set(pin(f"{url}/", {}, ["*.onnx"]).files) == {"model.onnx"}
        with pytest.raises(LoaderError, match=r"no file matches \*.safetensors"):
            pin(f"{url}/", {}, ["*.safetensors"])


def test_a_file_that_is_not_what_its_hub_states_is_refused(tmp_path: Path) -> None:
    class Lying(Hub):
        def siblings(self) -> list[dict[str, Any]]:
            return [{**one, "blobId": "1" * 40} for one in super().siblings()]

    folder = publish(tmp_path / "hub", sums=False)
    said = "does not match the hash that its source states"
    with serving(Lying, folder, large={}) as (url, _), pytest.raises(LoaderError, match=said):
        pin(HUB_URI, {"HF_ENDPOINT": url})


def test_a_file_that_is_longer_than_stated_is_refused(tmp_path: Path) -> None:
    class Growing(Hub):
        def siblings(self) -> list[dict[str, Any]]:
            return [{**one, "size": one["size"] - 1} for one in super().siblings() if one["size"]]

    folder = publish(tmp_path / "hub", sums=False)
    with (
        serving(Growing, folder, large={"model.onnx": "http://127.0.0.1:9/away"}) as (url, _),
        pytest.raises(
            LoaderError, match=r"vocab\.txt: has 8 bytes, but 7 are stated; the model changed, so pin it again"
        ),
    ):
        pin(HUB_URI, {"HF_ENDPOINT": url})


def test_a_folder_of_a_web_server_needs_sums(tmp_path: Path) -> None:
    folder = publish(tmp_path / "published", sums=False)
    said = "a web server does not list its folders; publish SHA256SUMS in it"
    with serving(Watched, folder) as (url, _), pytest.raises(LoaderError, match=said):
        pin(f"{url}/", {})
