"""Patterns for proxies: what RE2 reads as Python does, and nothing else. Go's regexp agreed on every case here."""

import pytest
from pydantic import TypeAdapter, ValidationError

from models.pattern import Pattern
from tests.each import each

adapter = TypeAdapter[str](Pattern)


@each(
    "pattern",
    [
        "^(beta|gamma)-[0-9]+$",
        "(?i)^b(?:x|y)$",
        "(?i:a)b",
        "(?s-i:a)",
        "(?-i:a)",
        "(?P<n>a)",
        r"\\1",
        r"\(?=",
        "[(?=]",
        r"[\]=(?=]",
        "[]a]+",
        "[^]]+",
        r"[\\b]",
        "[[:alpha:]]+",
        r"\bfoo\b",
        r"\x40",
        "a{3,}",
        "a{1000}",
        "a{x}",
        "é+",
    ],
)
def test_a_pattern_that_every_proxy_reads_is_accepted(pattern: str) -> None:
    assert adapter.validate_python(pattern) == pattern


@each(
    ("pattern", "found"),
    [
        ("^(?!ext).*$", "no look-ahead"),
        ("(?=b)", "no look-ahead"),
        ("(?<!b)c", "no look-behind"),
        ("(?<=a)b", "no look-behind"),
        (r"(b)\1", "no backreferences"),
        ("(?P<n>b)(?P=n)", "no backreferences"),
        ("(?>a)", "no atomic groups"),
        ("(?#x)a", "no comments"),
        ("(a)?(?(1)b|c)", "no conditions"),
        ("(?x)a b", "no group (?x)"),
        ("(?u)a", "no group (?u)"),
        ("a++", "no possessive quantifiers"),
        ("a{2}+", "no possessive quantifiers"),
        (r"a\Z", r"no \Z"),
        (r"\u00e9", r"no \u"),
        (r"[\b]", r"no \b, \u, \U, \N or \1 in a set such as [\b]"),
        ("a{,3}", "no {,3}, which it reads as plain text"),
        ("a{1001}", "at most 1000 repetitions"),
    ],
)
def test_a_pattern_that_re2_does_not_read_is_refused_with_what_it_lacks(pattern: str, found: str) -> None:
    with pytest.raises(ValidationError) as raised:
        adapter.validate_python(pattern)
    rule = f"Value error, proxies read patterns with RE2, which has {found}; rewrite the pattern without it"
    assert [detail["msg"] for detail in raised.value.errors()] == [rule]


@each("pattern", ["(", "[a-", "a{1,99999999999}", "a{2,1}", "*", r"a\z"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match=r"not a regular expression: .*; correct the pattern"):
        adapter.validate_python(pattern)


def test_an_empty_pattern_is_refused_because_a_proxy_would_read_always_and_never_instead() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        adapter.validate_python("")
