"""The progress lines of a fetch: bytes, rate and time left."""

import json

import pytest

from loader.progress import Progress, amount, say


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_line_states_bytes_rate_and_what_remains(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    progress = Progress(period=3600, clock=clock)
    progress.begin(total=1000 << 20, resumed=200 << 20)
    progress.count(300 << 20)
    clock.now += 3
    message, fields = progress.line()
    progress.end()
    assert message == "fetched 500.0 MiB of 1000.0 MiB, 100.0 MiB/s, 5 s left"
    assert fields == {
        "bytesFetched": 300 << 20,
        "bytesPerSecond": 100 << 20,
        "bytesTotal": 1000 << 20,
        "secondsLeft": 5,
    }
    say(message, **fields)
    said = json.loads(capsys.readouterr().out)
    assert said["message"] == message
    assert said["secondsLeft"] == 5


def test_a_line_without_a_known_size_states_what_has_arrived() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    progress.begin(total=None, resumed=0)
    progress.count(2048)
    clock.now += 2
    assert progress.line() == ("fetched 2.0 KiB, 1.0 KiB/s", {"bytesFetched": 2048, "bytesPerSecond": 1024})
    progress.end()


def test_lines_come_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(period=0.001)
    progress.begin(total=10, resumed=0)
    while '"message": "fetched' not in capsys.readouterr().out:
        pass
    progress.end()


def test_amounts_have_a_unit() -> None:
    assert [amount(count) for count in (0, 1023, 1024, 5 << 20, 3 << 30, 4096 << 30)] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "5.0 MiB",
        "3.00 GiB",
        "4096.00 GiB",
    ]
