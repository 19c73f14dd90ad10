"""SLIPWAY_PATIENCE multiplies the limits of `local/`."""

import pytest

from local import patience
from local.commands import run
from local.errors import LocalError


def test_limits_are_as_written_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(patience.VARIABLE, raising=False)
    assert patience.limit(180) == 180


def test_it_multiplies_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(patience.VARIABLE, "15")
    assert patience.limit(180) == 2700


@pytest.mark.parametrize("given", ["", "0.5", "-1", "inf", "nan", "very"])
def test_what_is_no_factor_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(patience.VARIABLE, given)
    with pytest.raises(LocalError, match="must be a factor of at least 1"):
        patience.limit(180)


def test_a_command_has_that_much_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalError, match="did not end within 0 s"):
        run(["sleep", "0.5"], timeout_seconds=0.1)
    monkeypatch.setenv(patience.VARIABLE, "200")
    run(["sleep", "0.5"], timeout_seconds=0.1)
