"""What a value means, read without the models, is what stands in the manifests."""

from fractions import Fraction
from typing import Any

import pytest

from tests.each import each
from tests.edges.judging import Manifests, chosen, every_field, judged, of_base
from tests.edges.meaning import Meant, amount, seconds, strays
from tests.edges.meant import MEANT
from tests.rendering import Object

PER_FIELD = 12


@each(
    ("text", "value"),
    [("1", 1), (".5", Fraction(1, 2)), ("5.", 5), ("1.5Gi", 1610612736), ("250m", Fraction(1, 4)), ("1e3", 1000),
     ("1E3", 1000), ("1E", 10**18), ("1e-9", Fraction(1, 10**9)), ("3n", Fraction(3, 10**9)), (7, 7), ("2Ki", 2048)],
)  # fmt: skip
def test_an_amount_is_exact(text: Any, value: Fraction) -> None:
    assert amount(text) == value


@each("text", ["", "Gi", "1gi", "1 Gi", "-1", ".", "1e", "true"])
def test_what_is_no_amount_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        amount(text)


@each(("text", "value"), [("90s", 90), ("1m30s", 90), ("2h", 7200), ("0s", 0), ("1h1m1s", 3661)])
def test_a_duration_is_its_seconds(text: str, value: int) -> None:
    assert seconds(text) == value


def test_an_amount_that_is_written_otherwise_is_the_same_and_another_one_is_seen() -> None:
    sent = {"spec": {"cpu": "0.5", "size": ["1024Mi"], "left": []}, "stringData": {"a": "x"}}
    assert list(strays(sent, {"spec": {"cpu": "500m", "size": ["1Gi"], "more": 1}})) == []
    stored = {"spec": {"cpu": "1m", "size": ["1Gi", "1"]}}
    assert list(strays(sent, stored)) == [
        ".spec.cpu: sent '0.5', would be stored as '1m'",
        ".spec.size: sent \"['1024Mi']\", would be stored as \"['1Gi', '1']\"",
    ]


def one(meant: Meant, manifests: Manifests) -> Object | None:
    """Return the manifest of a meaning; a Job's name ends in a hash."""
    names = [key for key in manifests if key[0] == meant.kind and key[1].partition("-")[0] in meant.name]
    exact = [key for key in names if key[1] == meant.name or (meant.kind == "Job" and key[1].startswith(meant.name))]
    return manifests[exact[0]] if exact else None


def test_every_meaning_belongs_to_a_field_and_has_a_place() -> None:
    known = {str(field) for field in every_field()}
    assert set(MEANT) <= known
    assert len(MEANT) > 60
    base = of_base("nginx")
    assert [path for path, meant in MEANT.items() if one(meant, base) is None] == []


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_stands_in_a_manifest_is_what_was_meant() -> None:
    """The values that the models accept; the API server's answer is compared with the manifest on the cluster."""
    wrong: list[str] = []
    counted = 0
    for field in every_field():
        meant = MEANT.get(str(field))
        for case in chosen(field, PER_FIELD) if meant else ():
            manifests = judged(case).manifests
            if meant is None or manifests is None:
                continue
            found = one(meant, manifests) or one(meant, of_base(case.base))
            if found is None:
                assert case.base != "nginx", case  # the other driver has other kinds
                continue
            counted += 1
            if meant.found(found) != meant.meaning(case.value):
                wrong.append(f"{case}: {meant.found(found)}")
    assert wrong == []
    assert counted > 3 * len(MEANT)
