"""One test of many cases must find everything that one test per case would find."""

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


def test_a_case_that_should_raise_and_does_not_stops_nothing() -> None:
    """``pytest.raises`` ends such a case with an error that is no Exception."""
    tried: list[str] = []

    @each("text", ["1", "x", "2"])
    def rule(text: str) -> None:
        tried.append(text)
        with pytest.raises(ValueError, match="invalid literal"):
            int(text)

    with pytest.raises(ExceptionGroup, match="2 of 3 cases") as raised:
        rule()
    assert tried == ["1", "x", "2"]
    assert [error.__notes__ for error in raised.value.exceptions] == [["case: 1"], ["case: 2"]]


def test_several_names_take_tuples_and_parameters_with_an_id() -> None:
    @each(("left", "right"), [(1, 1), pytest.param(1, 2, id="unequal"), pytest.param(2, 2, id="equal")])
    def rule(left: int, right: int) -> None:
        assert left == right

    with pytest.raises(ExceptionGroup, match="1 of 3 cases") as raised:
        rule()
    assert raised.value.exceptions[0].__notes__ == ["case: unequal"]


def test_a_rule_without_a_case_is_refused() -> None:
    """An empty table would always pass."""
    with pytest.raises(AssertionError, match="no case"):
        each("number", [])(print)
