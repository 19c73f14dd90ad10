"""The reader of all YAML files that people write: what it accepts, and one line for everything else."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.yaml_document import Document, read
from models.errors import ConfigurationError
from tests.mutations import changed_bytes

PROJECT = Path(__file__).parents[2]
NAME = "Pulumi.prod.yaml"
MUTATIONS = 1_500
TWICE = "the key occurs twice; it is also on line 1; remove one of them"
POINT = "for the number, write 99.9"
READ = "and 9 is read as a key; "
DEEP = ("a: " + "[" * 3_000, "a: " + "{b: " * 100_000, "".join(f"{' ' * n}a:\n" for n in range(70)))


def document(text: str) -> Document:
    return read(text.encode(), NAME)


def refusal(text: str | bytes) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read(text if isinstance(text, bytes) else text.encode(), NAME).checked("config", "slipway:")
    (fault,) = raised.value.faults
    assert "\n" not in fault
    return fault


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5000", 5000), ("-3", -3), ("+5", 5), ("0", 0), ("1.50", 1.5), (".5", 0.5), ("5.", 5.0), ("1e3", 1000.0),
        ("9007199254740992", 2**53), ("true", True), ("False", False), ("null", None), ("~", None), ("", None),
        ("yes", "yes"), ("off", "off"), ("1:30", "1:30"), ("1.1.1", "1.1.1"), ("0x", "0x"), ("99,9", "99,9"),
        ("10.0.0.1", "10.0.0.1"), ("'05000'", "05000"), ('"1_000"', "1_000"), ("!!str 05", "05"), ("! 7", "7"),
        ("|-\n  07", "07"),
    ],
)  # fmt: skip
def test_a_scalar_is_what_pulumi_reads(written: str, value: object) -> None:
    """Compared with ``pulumi config --json`` of Pulumi 3 on 2026-11-30."""
    (found,) = document(f"a: {written}\n").data.values()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("05000", "a number with a leading zero is read as octal; write 5000, or quote it"),
        ("-007", "a number with a leading zero is read as octal; write -7, or quote it"),
        ("01.5", "a number with a leading zero is read as octal; write 1.5, or quote it"),
        ("1_000", "`_` is not part of a number; write 1000, or quote it"),
        ("0x1F", "only decimal numbers are read; write it as a decimal number, or quote it if it is text"),
        ("0o17", "only decimal numbers are read; write it as a decimal number, or quote it if it is text"),
        ("0b11", "only decimal numbers are read; write it as a decimal number, or quote it if it is text"),
        (".inf", "not a finite number; write a number, or quote it if it is text"),
        (".NaN", "not a finite number; write a number, or quote it if it is text"),
        ("9007199254740993", "too large for a number; quote it if it is text"),
        ("1e400", "too large for a number; quote it if it is text"),
        ("2026-01-01", "Pulumi reads a date without quotes as a time; quote it"),
        ("2026-01-01 10:00:00", "Pulumi reads a date without quotes as a time; quote it"),
    ],
)
def test_a_spelling_that_pulumi_would_change_is_refused(written: str, rule: str) -> None:
    text = f"# first\nconfig:\n  slipway:web:\n    ports: [1, {written}]\n"
    assert refusal(text) == f"{NAME}, line 4, slipway:web.ports.1: {written}: {rule}"


def test_other_programs_values_and_keys_may_be_spelled_as_they_like() -> None:
    text = "config:\n  aws:account: 012345678901\n  slipway:web: {007: x}\ntop: 0x1F\n"
    found = document(text).checked("config", "slipway:")
    assert found.data["config"] == {"aws:account": "012345678901", "slipway:web": {"007": "x"}}
    assert len(found.faults) == 2


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3, a: not valid YAML: " + TWICE),
        ("a: {1: x, '1': y}\n", "line 1, a.1: not valid YAML: " + TWICE),
        ("a:\n\tb: 1\n", "line 2: not valid YAML: a tab; use spaces"),
        ("a: Zürich\n".encode("latin-1"), "line 1: not UTF-8; save the file as UTF-8"),
        ("a: b\x07\n", "line 1: contains the character U+0007; remove it, or escape it"),
        ("a: 1\nb: x\u2028y\n", "line 2: contains the character U+2028; remove it, or escape it"),
        ("a: 1\n---\nb: 2\n", "line 2: not valid YAML: a second document begins; keep one in each file"),
        ("a: &a [*a]\n", "line 1, a.0: not valid YAML: the alias *a is inside its own anchor"),
        ("a: *b\n", "line 1, a: not valid YAML: the alias *b has no anchor &b before it"),
        ("a: {<<: 3}\n", "line 1, a.<<: not valid YAML: must be an alias of a map, or a list of such aliases"),
        ("a: !!binary aGk=\n", "line 1, a: not valid YAML: the tag !!binary is not supported; remove it"),
        ("? [a]\n: b\n", "line 1: not valid YAML: a key must be text"),
        ("a: {b: 99,9}\n", "line 1, a.9: not valid YAML: the comma ends the value, " + READ + POINT),
        ("a: {b: x, 9}\n", "line 1, a.9: not valid YAML: the comma ends the value, " + READ + "write `9: <value>`"),
        ("a: b: c\n", "line 1: not valid YAML: mapping values are not allowed in this context"),
        ("- a\n", "line 1: must be a map of keys and values; found a list"),
        ("a\n", "line 1: must be a map of keys and values; found text"),
    ],
)  # fmt: skip
def test_what_is_not_clean_yaml_is_one_line(text: str | bytes, fault: str) -> None:
    assert refusal(text) == f"{NAME}, {fault}"


def test_a_file_of_more_than_4_mib_is_refused() -> None:
    assert refusal(b"a: '" + b"x" * (4 << 20) + b"'") == f"{NAME}: larger than 4 MiB; move parts of it to other files"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "{}\n", "~\n"])
def test_an_empty_file_has_no_values(text: str) -> None:
    assert document(text).data == {}


def test_a_byte_order_mark_and_line_ends_are_kept_apart() -> None:
    found = document("\ufeffa: 1\r\nb: 2\r\n")
    assert (found.mark, found.text, found.data) == ("\ufeff", "a: 1\r\nb: 2\r\n", {"a": 1, "b": 2})


def test_merge_keys_are_expanded_and_own_keys_win() -> None:
    text = "x: &x {k: 1, l: 2}\ny: &y {l: 3, m: 4}\na: {<<: [*x, *y], m: 5}\nb: {<<: *x}\nc: {'<<': 1}\n"
    data = document(text).data
    assert (data["a"], data["b"], data["c"]) == ({"k": 1, "l": 2, "m": 5}, {"k": 1, "l": 2}, {"<<": 1})


@pytest.mark.parametrize("deep", DEEP)
def test_a_deep_document_is_refused_at_once(deep: str) -> None:
    assert refusal(deep).endswith(": not valid YAML: nested deeper than 64 levels")


def test_aliases_cannot_exhaust_a_reader() -> None:
    wide = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))
    assert "contains more than 100,000 values after aliases are expanded" in refusal(wide)
    tall = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 70))
    assert "nested deeper than 64 levels after aliases are expanded" in refusal(tall)


def mutations(seed: int, count: int) -> Iterator[bytes]:
    """Yield shipped files with a few bytes changed."""
    chosen = random.Random(seed)  # noqa: S311 -- repeatable
    texts = [path.read_bytes() for path in (*PROJECT.glob("Pulumi*.yaml"), *PROJECT.glob("catalog/*.yaml"))]
    for _ in range(count):
        yield changed_bytes(chosen.choice(texts), chosen)


@pytest.mark.slow
def test_no_mutation_of_a_shipped_file_ends_in_anything_but_a_document_or_one_line() -> None:
    faults = list[str]()
    for raw in mutations(seed=11, count=MUTATIONS):
        try:
            assert isinstance(read(raw, NAME).data, dict)
        except ConfigurationError as error:
            faults += error.faults
    assert MUTATIONS / 10 < len(faults) < MUTATIONS * 9 / 10, "both outcomes occur"
    assert [fault for fault in faults if "\n" in fault or not fault.startswith(NAME)] == []
