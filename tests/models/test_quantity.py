"""Quantities mean here what they mean to the API server."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from models.quantity import Quantity, bytes_text, cpu_text, parse
from tests.each import each

SUFFIXES = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3", "e+2"]
amounts = st.integers(min_value=1, max_value=10**9)
quantities = st.tuples(amounts, st.sampled_from(SUFFIXES)).map(lambda parts: f"{parts[0]}{parts[1]}")
adapter = TypeAdapter[str](Quantity)


@each(
    ("text", "value"),
    [
        ("1", "1"),
        ("250m", "0.25"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("1.", "1"),
        ("2k", "2000"),
        ("3M", "3000000"),
        ("1Ki", "1024"),
        ("512Mi", "536870912"),
        ("1.5Gi", "1610612736"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("1E", "1000000000000000000"),
        ("5u", "0.000005"),
        ("7n", "0.000000007"),
    ],
)
def test_a_quantity_has_the_value_that_kubernetes_gives_it(text: str, value: str) -> None:
    assert parse(text) == Decimal(value)


@each(
    "text",
    [
        "",
        "1x",
        "x",
        "-1",
        "+1",
        "1 Gi",
        "1gi",
        "1KI",
        "1K",
        "1mi",
        "m",
        "1.2.3",
        "1e",
        "1e1.5",
        "1Gi\n",
        "0x10",
        "\u0661",
        "1e999999999",
        "NaN",
        "Infinity",
        "1_000",
    ],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a quantity is a number with an optional unit"):
        parse(text)


@pytest.mark.parametrize(
    "value", ["250m", "2Gi", 1, 2, "9223372036854775807", "7Ei", "1n", "1.000000001", "1e-9", "1.0000000000"]
)
def test_a_field_takes_text_and_whole_numbers(value: object) -> None:
    assert adapter.validate_python(value) == str(value)


@each(
    ("value", "rule"),
    [
        ("1x", "a quantity is a number"),
        ("-1", "a quantity is a number"),
        (-1, "a quantity is a number"),
        ("0", "greater than 0"),
        (0, "greater than 0"),
        ("0Gi", "greater than 0"),
        ("9223372036854775808", "more than 9223372036854775807, the most that the API server stores"),
        ("8Ei", "the most that the API server stores"),
        ("1e99", "the most that the API server stores"),
        ("0.1n", "more than nine decimals"),
        ("1.0000000001", "more than nine decimals"),
        ("1e-10", "more than nine decimals"),
        (0.5, "quote a decimal"),
        (True, "quote a decimal"),
        (None, "quote a decimal"),
        (["1"], "quote a decimal"),
    ],
)
def test_a_field_refuses_with_the_rule(value: object, rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        adapter.validate_python(value)


@given(st.integers(min_value=1, max_value=10**12))
def test_cores_survive_writing_and_reading(milli: int) -> None:
    cores = Decimal(milli) / 1000
    assert parse(cpu_text(cores)) == cores


@given(st.integers(min_value=0, max_value=2**62))
def test_bytes_survive_writing_and_reading(size: int) -> None:
    assert parse(bytes_text(Decimal(size))) == size


@given(quantities.filter(lambda text: parse(text) < 10**20))
def test_what_is_written_never_falls_short_of_what_was_meant(text: str) -> None:
    value = parse(text)
    assert value <= parse(cpu_text(value)) < value + Decimal("0.001")
    assert value <= parse(bytes_text(value)) < value + 1


@given(amounts, amounts, st.sampled_from(SUFFIXES))
def test_amounts_of_one_unit_are_ordered_like_their_numbers(a: int, b: int, suffix: str) -> None:
    assert (parse(f"{a}{suffix}") < parse(f"{b}{suffix}")) == (a < b)


@given(amounts, amounts, st.sampled_from(SUFFIXES))
def test_amounts_of_one_unit_add_like_their_numbers(a: int, b: int, suffix: str) -> None:
    assert parse(f"{a}{suffix}") + parse(f"{b}{suffix}") == parse(f"{a + b}{suffix}")


@pytest.mark.parametrize(("smaller", "larger"), [("999m", "1"), ("1000k", "1024Ki"), ("1G", "1Gi"), ("1023Mi", "1Gi")])
def test_units_are_compared_by_value(smaller: str, larger: str) -> None:
    assert parse(smaller) < parse(larger)


def test_bytes_are_written_in_the_largest_exact_unit() -> None:
    assert [bytes_text(parse(x)) for x in ("1024Mi", "1536Mi", "1000", "0.1Ki")] == ["1Gi", "1536Mi", "1000", "103"]
