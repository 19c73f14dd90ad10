"""The list of tests that failed and then passed (flaky.md): read, counted and appended to."""

import datetime as dt
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).with_name("flaky.md")
MOST = 2
"""Rows of one test after which it gets no second try."""


class Row(NamedTuple):
    """One time that a test needed its second try."""

    date: str
    commit: str
    test: str
    """The test's node id."""
    owner: str = ""
    """The person who will fix the test, added by hand; tests/tools/test_flaky_list.py refuses a row without one."""

    @classmethod
    def now(cls, commit: str, test: str) -> "Row":
        """Return the row of a test that has just passed in its second try."""
        return cls(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}", commit, _cell(test))

    @property
    def function(self) -> str:
        """The test without its parameters: all parameters of a function share its two rows."""
        return _function(self.test)

    def __str__(self) -> str:
        return f"| {' | '.join(self)} |"


def read(path: Path) -> list[Row]:
    """Return the rows of the list.

    Raises:
        ValueError: a row has not exactly four cells.
    """
    table = [line.strip() for line in path.read_text().splitlines() if line.startswith("|")]
    return [_row(line, path) for line in table[2:]]


def times(path: Path, test: str) -> int:
    """Count the rows of a test, whatever its parameters."""
    return sum(row.function == _function(_cell(test)) for row in read(path))


def append(path: Path, row: Row) -> None:
    """Add a row at the end of the list."""
    path.write_text(f"{path.read_text().rstrip()}\n{row}\n")


def _row(line: str, path: Path) -> Row:
    cells = [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]
    if len(cells) != len(Row._fields):
        raise ValueError(f"{path.name}: {line!r}: a row has {len(Row._fields)} cells: {', '.join(Row._fields)}")
    return Row(*cells)


def _cell(text: str) -> str:
    return text.replace("|", "/")


def _function(test: str) -> str:
    return test.partition("[")[0]
