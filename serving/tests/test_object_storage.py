"""Models in object storage: published once, verified when fetched, and each failure is one line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.stub import Stubber

from serving import fetch as fetching
from serving import publish as publishing
from serving.fetch import FetchError, SourceUnreachableError, fetch, with_retries
from serving.models import object_storage
from serving.models.checksums import verify, write_sums
from serving.models.object_storage import ObjectStorageError, open_bucket
from serving.publish import PublishError, publish
from serving.tests.objects import BUCKET, client, endpoint, keys, s3

pytestmark = pytest.mark.slow  # a real S3 server

__all__ = ["client", "endpoint", "s3"]

CONTENTS = {"model.onnx": b"weights", "metadata.json": b"{}"}
URI = f"s3://{BUCKET}/digits/1"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_sums(tmp_path / "model", CONTENTS)
    return tmp_path / "model"


def changed(model: Path) -> Path:
    write_sums(model, {**CONTENTS, "model.onnx": b"other weights"})
    return model


@pytest.mark.usefixtures("s3")
def test_what_is_published_is_what_is_fetched_and_its_checksum_pins_it(model: Path, tmp_path: Path) -> None:
    published = publish(model, URI)
    fetched = fetch(URI, tmp_path / "there", published.checksum)
    assert verify(tmp_path / "there") == verify(model)
    assert (fetched.checksum, fetched.fromCache) == (published.checksum, False)
    assert fetched.bytesFetched == published.bytesUploaded == sum(path.stat().st_size for path in model.iterdir())


def test_the_sums_are_uploaded_last(s3: Any, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise ObjectStorageError("interrupted")

    monkeypatch.setattr(object_storage.Bucket, "create", interrupted)
    with pytest.raises(PublishError, match="interrupted"):
        publish(model, URI)
    assert keys(s3) == ["digits/1/metadata.json", "digits/1/model.onnx"]


def test_an_interrupted_publication_is_completed_by_the_next(s3: Any, model: Path, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="digits/1/model.onnx", Body=b"half of a mod")
    assert not publish(model, URI).alreadyThere
    fetch(URI, tmp_path / "there")


@pytest.mark.usefixtures("s3")
def test_publishing_the_same_again_uploads_nothing(model: Path) -> None:
    first, second = publish(model, URI), publish(model, URI)
    assert (second.alreadyThere, second.bytesUploaded) == (True, 0)
    assert second.checksum == first.checksum


@pytest.mark.usefixtures("s3")
def test_another_model_is_never_overwritten(model: Path, tmp_path: Path) -> None:
    first = publish(model, URI)
    with pytest.raises(PublishError, match=r"contains another model .* publish under a new version"):
        publish(changed(model), URI)
    fetch(URI, tmp_path / "there", first.checksum)


def test_of_two_publications_at_once_the_slower_one_notices(
    s3: Any, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faster(self: object, name: str, content: bytes) -> None:
        s3.put_object(Bucket=BUCKET, Key=f"digits/1/{name}", Body=b"0" * 64 + b"  model.onnx\n")
        original(self, name, content)

    original: Callable[..., None] = object_storage.Bucket.create
    monkeypatch.setattr(object_storage.Bucket, "create", faster)
    with pytest.raises(PublishError, match="contains another model"):
        publish(model, URI)


@pytest.mark.usefixtures("s3")
def test_a_damaged_folder_is_not_published(model: Path) -> None:
    (model / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(PublishError, match=r"model\.onnx: SHA-256 is"):
        publish(model, URI)
    with pytest.raises(FetchError, match="the object does not exist"):
        fetch(URI, model)


@pytest.mark.usefixtures("s3")
def test_the_wrong_checksum_is_refused_and_nothing_is_left(model: Path, tmp_path: Path) -> None:
    publish(model, URI)
    wanted = "sha256:" + 64 * "0"
    with pytest.raises(FetchError, match=f"SHA256SUMS is sha256:[0-9a-f]{{64}}, but {wanted} is required"):
        fetch(URI, tmp_path / "there", wanted, tmp_path / "cache")
    assert list((tmp_path / "there").iterdir()) == []
    assert not (tmp_path / "cache").exists()


def test_with_a_warm_cache_nothing_is_fetched_even_when_object_storage_is_down(
    s3: Any, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(model, URI)
    cold = fetch(URI, tmp_path / "first", cache=tmp_path / "cache")
    for key in keys(s3):
        s3.delete_object(Bucket=BUCKET, Key=key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    warm = fetch(URI, tmp_path / "second", cold.checksum, tmp_path / "cache")
    assert (cold.fromCache, cold.bytesFetched > 0) == (False, True)
    assert (warm.fromCache, warm.bytesFetched, warm.checksum) == (True, 0, cold.checksum)
    verify(tmp_path / "second")


@pytest.mark.usefixtures("s3")
def test_a_damaged_cache_is_fetched_again_and_repaired(model: Path, tmp_path: Path) -> None:
    publish(model, URI)
    fetch(URI, tmp_path / "first", cache=tmp_path / "cache")
    [entry] = (tmp_path / "cache").iterdir()
    (entry / "model.onnx").write_bytes(b"damaged")
    again = fetch(URI, tmp_path / "second", cache=tmp_path / "cache")
    assert not again.fromCache
    verify(entry)
    assert fetch(URI, tmp_path / "third", cache=tmp_path / "cache").fromCache


@pytest.mark.usefixtures("s3")
def test_a_cache_of_another_model_than_the_pin_is_not_served(model: Path, tmp_path: Path) -> None:
    publish(model, URI)
    fetch(URI, tmp_path / "first", cache=tmp_path / "cache")
    with pytest.raises(FetchError, match="is required"):
        fetch(URI, tmp_path / "second", "sha256:" + 64 * "1", tmp_path / "cache")


@pytest.mark.usefixtures("s3")
def test_two_uris_do_not_share_a_cache_entry(model: Path, tmp_path: Path) -> None:
    publish(model, URI)
    other = publish(changed(model), f"s3://{BUCKET}/digits-1")
    fetch(URI, tmp_path / "first", cache=tmp_path / "cache")
    fetched = fetch(f"s3://{BUCKET}/digits-1", tmp_path / "second", cache=tmp_path / "cache")
    assert (fetched.checksum, fetched.fromCache) == (other.checksum, False)


def test_the_last_pod_to_fill_the_cache_takes_what_another_put_there(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"file://{model}"
    keep = fetching.keep

    def overtaken(entry: Path, incoming: Path) -> None:
        shutil.copytree(model, entry)
        keep(entry, incoming)

    monkeypatch.setattr(fetching, "keep", overtaken)
    assert fetch(uri, tmp_path / "there", cache=tmp_path / "cache").files == 2
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        (f"s3://{BUCKET}/none", "s3://models/none/SHA256SUMS: the object does not exist"),
        ("s3://nobucket/x", "the (bucket|object) does not exist"),
        ("s3://models", "use s3://bucket/prefix"),
        ("s3:///x", "use s3://bucket/prefix"),
    ],
)
def test_a_missing_object_is_named(uri: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=reason) as caught:
        fetch(uri, tmp_path / "there")
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("s3")
def test_object_storage_that_is_down_is_named_with_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(
        SourceUnreachableError, match=r"at http://127\.0\.0\.1:9 cannot be reached \(Connection refused\)"
    ) as caught:
        fetch(URI, tmp_path / "there")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound"])
@pytest.mark.usefixtures("s3")
def test_refused_credentials_are_reported(code: str) -> None:
    bucket = open_bucket(URI)
    with Stubber(bucket.client) as stub:
        cast("Any", stub).add_client_error("get_object", code)
        with pytest.raises(ObjectStorageError, match=rf"rejected the credentials \({code}\); check AWS_ACCESS_KEY_ID"):
            bucket.read("x")


@pytest.mark.usefixtures("s3")
def test_requests_are_signed_for_the_region_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-test-1")
    assert open_bucket(URI).client.meta.region_name == "eu-test-1"


@pytest.mark.usefixtures("s3")
def test_missing_credentials_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(FetchError, match="credentials are missing; set AWS_ACCESS_KEY_ID"):
        fetch(URI, tmp_path / "there")


def test_a_source_that_comes_back_is_waited_for_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    done = fetching.Fetched("file:///m", "sha256:0", 1, 1, fromCache=False)
    outcomes: list[Exception | fetching.Fetched] = [
        SourceUnreachableError("down"),
        SourceUnreachableError("down"),
        done,
    ]

    def attempt() -> fetching.Fetched:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert with_retries(attempt) is done
    assert pauses == [1, 2]


def test_waiting_ends_and_other_failures_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    def failing(error: Exception) -> Callable[[], fetching.Fetched]:
        def attempt() -> fetching.Fetched:
            raise error

        return attempt

    with pytest.raises(SourceUnreachableError):
        with_retries(failing(SourceUnreachableError("down")))
    assert pauses == [1, 2, 4]
    with pytest.raises(FetchError, match="another pin"):
        with_retries(failing(FetchError("another pin")))
    assert pauses == [1, 2, 4]


@pytest.mark.usefixtures("s3")
def test_the_command_to_publish_gives_one_line_of_json_and_one_line_on_failure(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publishing.main([str(model), URI]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["uri"], result["alreadyThere"]) == (URI, False)
    assert publishing.main([str(changed(model)), URI]) == 1
    output = capsys.readouterr()
    assert (output.out, output.err.count("\n")) == ("", 1)
