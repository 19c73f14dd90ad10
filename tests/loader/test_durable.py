"""At the end of the block, the bytes of a file are on the disk, and every failure of the disk is reported."""

import errno
import os
import threading
from pathlib import Path

import pytest

from loader.download import durable


class Disk:
    """A disk under a page cache: it may fail once, and the kernel reports that failure to one caller."""

    def __init__(self, written: Path) -> None:
        self.written = written
        self.durable = 0
        self.fails = False
        self.called = threading.Semaphore(0)

    def fdatasync(self, _: int) -> None:
        failing, self.fails = self.fails, False
        self.durable = self.written.stat().st_size
        self.called.release()
        if failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk(tmp_path / "file")
    made.written.touch()
    monkeypatch.setattr("loader.download.os.fdatasync", made.fdatasync)
    return made


def test_bytes_are_written_while_others_come_and_all_are_durable_at_the_end(disk: Disk) -> None:
    with disk.written.open("ab", buffering=0) as content, durable(content.fileno()) as write_back:
        content.write(b"first")
        write_back()
        assert disk.called.acquire(timeout=10)
        content.write(b"last")
        assert disk.durable == len(b"first")
    assert disk.durable == len(b"firstlast")


@pytest.mark.parametrize("more", [False, True])
def test_a_disk_that_failed_earlier_fails_the_file(disk: Disk, more: bool) -> None:
    def fetched() -> None:
        with disk.written.open("ab", buffering=0) as content, durable(content.fileno()) as write_back:
            disk.fails = True
            write_back()
            assert disk.called.acquire(timeout=10)
            if more:
                content.write(b"more")
                write_back()

    with pytest.raises(OSError, match="Input/output error"):
        fetched()
