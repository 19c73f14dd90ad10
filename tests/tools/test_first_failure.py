"""The end of a red run: the first failed test's name, its last lines, then the counts."""

import pytest

from tests.first_failure import LINES

pytestmark = pytest.mark.slow

FAILING = """
    def test_good():
        pass

    def test_bad():
        print("\\n".join(f"line {number}" for number in range(100)))
        assert 1 + 1 == 3

    def test_bad_too():
        assert False
"""


def test_a_red_run_ends_with_the_first_failure_and_the_counts(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(FAILING)
    result = pytester.runpytest("-p", "tests.first_failure")
    *_, counts = result.outlines
    assert "2 failed, 1 passed" in counts
    (title,) = [number for number, line in enumerate(result.outlines) if "first failure: " in line]
    assert "::test_bad =" in result.outlines[title]
    shown = result.outlines[title + 1 : -1]
    assert len(shown) == LINES
    assert "line 99" in shown
    assert any("assert (1 + 1) == 3" in line for line in shown)


def test_a_test_that_cannot_begin_is_shown_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_bad(no_such_fixture):\n    pass")
    result = pytester.runpytest("-p", "tests.first_failure")
    (title,) = [number for number, line in enumerate(result.outlines) if "first failure: " in line]
    assert any("no_such_fixture" in line for line in result.outlines[title:])


def test_a_file_that_cannot_be_read_is_shown_too(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import no_such_module")
    result = pytester.runpytest("-p", "tests.first_failure")
    (title,) = [number for number, line in enumerate(result.outlines) if "first failure: " in line]
    assert any("no_such_module" in line for line in result.outlines[title:])


def test_a_green_run_shows_no_failure(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_good():\n    pass")
    assert "first failure" not in pytester.runpytest("-p", "tests.first_failure").stdout.str()
