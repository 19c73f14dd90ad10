"""The edge values reach every field of both files. A new field needs values, and a place in a base."""

from typing import Annotated

import pytest
from pydantic import AfterValidator

from models.base import Model
from models.errors import ConfigurationError
from tests.edges import bases
from tests.edges.fields import KEY, UNREACHED, Field, fields
from tests.edges.judging import Case, cases, chosen, every_field, resolved
from tests.edges.placing import place_of, places, put
from tests.edges.values import values

LEAST_FIELDS = 750
CONTAINERS = (dict, tuple)


def by_path(path: str) -> Field:
    """Return the field of a path."""
    return next(field for field in every_field() if str(field) == path)


def is_accepted(case: Case) -> bool:
    """Return whether the models accept a case."""
    try:
        resolved(put(bases.BASES[case.base], case.field, case.place, case.value))
    except ConfigurationError:
        return False
    return True


def test_every_field_has_values_and_a_place() -> None:
    assert len(every_field()) > LEAST_FIELDS
    assert {str(field) for field in every_field() if len(cases(field)) < 3} == set()


def test_there_are_almost_twenty_thousand_values() -> None:
    assert sum(len(cases(field)) for field in every_field()) > 19_000


def test_a_sample_has_the_same_values_in_both_bases() -> None:
    field = by_path("entry.services.*.route.path")
    found = chosen(field, 5)
    assert found == chosen(field, 5)
    by_base = [[case.value for case in found if case.base == base] for base in bases.BASES]
    assert by_base[0] == by_base[1]
    assert [len(values) for values in by_base] == [5, 5]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_models_accept_some_value_of_every_field() -> None:
    """Otherwise nothing of the field would reach the API server."""
    scalars = [field for field in every_field() if field.base not in CONTAINERS]
    assert [str(field) for field in scalars if not any(map(is_accepted, cases(field)))] == []


def test_a_path_without_values_is_not_reached_and_its_neighbours_are() -> None:
    known = {str(field) for field in every_field()}
    assert not any(path.startswith(tuple(UNREACHED)) for path in known)
    assert {"entry.environments.*.jobs", "stack.release.*.slots.*.minReplicas", "stack.externals"} <= known


def _odd(value: str) -> str:
    return value


class New(Model):
    """A model whose field has a rule of its own."""

    odd: Annotated[str, AfterValidator(_odd)] = ""
    held: dict[str, int | None]


def test_a_field_with_a_rule_that_nobody_has_written_values_for_is_named() -> None:
    found = {str(field): field for field in fields(New, "new")}
    assert set(found) == {"new.odd", "new.held", f"new.held.{KEY}", "new.held.*"}
    with pytest.raises(KeyError):
        values(found["new.odd"])
    assert found["new.held.*"].optional


def test_a_field_that_no_base_has_is_named() -> None:
    with pytest.raises(LookupError, match=r"new\.odd"):
        cases(Field(("new", "odd"), str, ()))


def test_a_value_stands_in_its_own_place_alone() -> None:
    base = bases.BASES["nginx"]
    field = by_path("entry.services.*.resources.requests.cpu")
    changed = put(base, field, next(places(field, base)), "7m")
    assert changed["entry"]["services"]["web"]["resources"]["requests"]["cpu"] == "7m"
    del (
        changed["entry"]["services"]["web"],
        (expected := put(base, field, next(places(field, base)), ""))["entry"]["services"]["web"],
    )
    assert changed == expected


def test_the_place_of_a_field_is_where_it_has_a_value() -> None:
    """Beside ``text``, a secret would be refused; the first file of the base has a text."""
    found = place_of(by_path("entry.services.*.fileMounts.*.secret"), bases.BASES["nginx"])
    assert found == ("entry", "services", "guest", "fileMounts", "/app/tls.crt", "secret")
    assert place_of(by_path("stack.tracing.url"), {}) is None


def test_an_arm_of_a_union_keeps_its_rule() -> None:
    assert by_path("entry.services.*.health.ready.<path>").validators == ("models.vocabulary._path",)


def test_a_name_is_replaced_wherever_it_stands() -> None:
    base = bases.BASES["nginx"]
    field = by_path(f"entry.volumes.{KEY}")
    changed = put(base, field, next(places(field, base)), "other")
    assert "written" not in str(changed).replace("/mnt/written", "").replace("claim/written", "")
    assert changed["entry"]["services"]["spare"]["model"]["uri"] == "pvc://other/digits"


def test_of_two_keys_that_exclude_each_other_one_stays() -> None:
    base = bases.BASES["nginx"]
    field = by_path("entry.services.*.release.<canary>.match.header.pattern")
    changed = put(base, field, next(places(field, base)), "^a")
    assert changed["entry"]["services"]["web"]["release"]["match"]["header"] == {"name": "X-Declared", "pattern": "^a"}
