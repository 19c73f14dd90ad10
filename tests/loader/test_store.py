"""A volume without locks, as some network file systems are: pods cannot wait for each other."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from loader.download import Proof
from loader.store import Store


@pytest.fixture(autouse=True)
def no_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_: object, operation: int) -> None:
        raise OSError(errno.ENOLCK, f"no locks available for operation {operation}")

    monkeypatch.setattr(fcntl, "flock", flock)


def test_abandoned_partial_files_are_removed(tmp_path: Path) -> None:
    for pod, age in (("old", 1.0), ("young", None)):
        partial = tmp_path / f".partial-other-{pod}"
        partial.mkdir(parents=True)
        (partial / "model.onnx").write_bytes(b"half")
        if age is not None:
            os.utime(partial, (age, age))
    with Store(tmp_path, "tiny").locked() as store:
        own = store.prepare()
    assert {path.name for path in tmp_path.glob(".partial-*")} == {own.name, ".partial-other-young"}


def test_a_damaged_model_of_another_pod_is_replaced_as_a_whole(tmp_path: Path) -> None:
    with Store(tmp_path, "tiny").locked() as store:
        (store.prepare() / "model.onnx").write_bytes(b"whole")
        store.published.mkdir()  # meanwhile, by another pod
        (store.published / "model.onnx").write_bytes(b"half")
        store.publish("s3://models/tiny", "pin", {"model.onnx": Proof("0" * 64, 5)})
        assert store.holds("pin")
    assert [path.name for path in store.published.rglob("*")] == ["model.onnx"]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["tiny"]
