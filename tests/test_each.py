"""One test for many cases must not be kinder than a test for each."""

import pytest

from tests.each import each


def test_every_case_is_tried_and_each_that_breaks_the_rule_is_named() -> None:
    tried: list[int] = []

    @each("number", [1, 2, 3, 4])
    def rule(number: int) -> None:
        tried.append(number)
        assert number % 2

    with pytest.raises(ExceptionGroup, match="2 of 4 cases") as raised:
        rule()
    assert tried == [1, 2, 3, 4]
    assert [error.__notes__ for error in raised.value.exceptions] == [["case: 2"], ["case: 4"]]


def test_several_names_take_tuples_and_parameters_with_an_id() -> None:
    @each(("left", "right"), [(1, 1), pytest.param(1, 2, id="unequal")])
    def rule(left: int, right: int) -> None:
        assert left == right

    with pytest.raises(ExceptionGroup) as raised:
        rule()
    assert raised.value.exceptions[0].__notes__ == ["case: unequal"]


def test_a_rule_without_a_case_is_refused() -> None:
    """A table that has become empty would pass for ever."""
    with pytest.raises(AssertionError, match="no case"):
        each("number", [])(print)
