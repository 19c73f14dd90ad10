"""A model that does not fit is refused before its bytes arrive."""

import os
from pathlib import Path

import pytest

from loader.errors import LoaderError
from loader.space import Space
from tests.loader.models import fetched, publish
from tests.loader.servers import Seen, Watched, serving


def test_a_model_above_its_limit_is_refused_before_a_file_is_fetched(
    served: tuple[str, Seen, Path], tmp_path: Path
) -> None:
    uri, seen, _ = served
    with pytest.raises(LoaderError) as refused:
        fetched(uri, tmp_path / "store", limit=10_000)
    assert str(refused.value) == (
        f"{uri}: has 15.9 KiB or more, but model.size is 9.8 KiB; raise model.size and limits.ephemeral-storage"
    )
    assert {ranged for path, ranged, _ in seen.requests if path.endswith(".onnx")} == {"bytes=0-0"}
    fetched(uri, tmp_path / "store", limit=20_000)


def test_a_file_of_unknown_size_ends_at_the_limit(tmp_path: Path) -> None:
    folder = publish(tmp_path / "published")

    class Endless(Watched):
        ranges = False

        def send_header(self, keyword: str, value: str) -> None:
            if keyword != "Content-Length" or not self.path.endswith(".onnx"):
                super().send_header(keyword, value)
                return
            super().send_header("Connection", "close")  # the end of the connection is the end of the file
            self.close_connection = True

    with serving(Endless, folder) as (url, _):
        with pytest.raises(LoaderError, match=r"has 15.\d KiB or more, but model.size is 9.8 KiB"):
            fetched(f"{url}/", tmp_path / "store", limit=10_000)
        fetched(f"{url}/", tmp_path / "store")


def test_a_full_volume_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.statvfs(tmp_path)
    values = list(full)
    values[4] = 300  # f_bavail

    def statvfs(_: object) -> os.statvfs_result:
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", statvfs)
    Space("s3://m/x", tmp_path).check(10_000, 0)
    with pytest.raises(
        LoaderError, match=r"s3://m/x: 4.66 GiB are still to fetch, but the volume has .* free; enlarge"
    ):
        Space("s3://m/x", tmp_path).check(5_000_000_000, 0)
    Space("s3://m/x", tmp_path).check(5_000_000_000, 4_999_999_000)
