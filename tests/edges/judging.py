"""What the models say of a value, and what they declare with it."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from components import secrets
from components.manifests.manifest import Given
from components.manifests.render import render
from models.entry import CatalogueEntry
from models.errors import ConfigurationError
from models.parsing import parse
from models.resolve import resolve
from models.stack import StackSettings
from models.system import SystemSpec
from tests.edges import bases
from tests.edges.fields import Field, fields
from tests.edges.placing import Place, place_of, put
from tests.edges.plain import is_list, is_map
from tests.edges.values import values
from tests.rendering import Object
from tests.samples import IMAGE, Config

Manifests = dict[tuple[str, str], Object]
"""Each object by kind and name."""


@dataclass(frozen=True)
class Case:
    """A value in a field."""

    field: Field
    place: Place
    value: Any
    base: str

    def __str__(self) -> str:
        shown = repr(self.value)
        at = ".".join(map(str, self.place))
        return f"{self.field}={shown if len(shown) < 120 else f'{shown[:100]}… ({len(shown)})'} at {at} ({self.base})"


@dataclass(frozen=True)
class Judgment:
    """What the models made of a case."""

    faults: tuple[str, ...] = ()
    """Why the models refuse it."""
    manifests: Manifests | None = None
    """What is declared otherwise than in the base; None = refused."""


@cache
def every_field() -> tuple[Field, ...]:
    """Return the fields of both files."""
    return (*fields(CatalogueEntry, "entry"), *fields(StackSettings, "stack"))


def cases(field: Field) -> list[Case]:
    """Return each value of a field, in the first base that has a place for it; a route's fields in every base.

    Raises:
        LookupError: no base has the field.
    """
    found = [(name, place_of(field, data)) for name, data in bases.BASES.items()]
    standing = [(name, place) for name, place in found if place is not None]
    if not standing:
        raise LookupError(str(field))
    used = standing if _OF_A_DRIVER & set(field.path) else standing[:1]
    return [Case(field, place, value, name) for value in values(field) for name, place in used]


_OF_A_DRIVER = {"route", "match", "exposure"}
"""Keys of blocks that each traffic driver renders otherwise."""


def chosen(field: Field, most: int) -> list[Case]:
    """Return the cases of at most ``most`` values of a field, the same ones each time."""
    found = cases(field)
    each = len({case.base for case in found})
    if len(found) <= most * each:
        return found
    first = random.Random(str(field)).sample(range(len(found) // each), most)  # noqa: S311 -- no secret
    return [found[each * place + step] for place in first for step in range(each)]


def judged(case: Case) -> Judgment:
    """Let the models judge a case, and render what they accept. Any other exception is a fault of the program."""
    data = put(bases.BASES[case.base], case.field, case.place, case.value)
    try:
        now = rendered(data)
    except ConfigurationError as error:
        return Judgment(error.faults)
    before = of_base(case.base)
    return Judgment(manifests={key: one for key, one in now.items() if before.get(key) != one})


@cache
def of_base(name: str) -> Manifests:
    """Return what a base declares."""
    return rendered(bases.BASES[name])


def rendered(data: Config) -> Manifests:
    """Return what both files together declare. Raise ConfigurationError as :func:`resolved` does."""
    system = resolved(data)
    images = {**system.images, **dict.fromkeys(system.builds, IMAGE)}
    given = Given(images=images, secrets=secrets.values(system), stack="dev")
    found = [_plain(manifest.document) for manifest in render(system, given)]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def resolved(data: Config) -> SystemSpec:
    """Return the system of both files.

    Raises:
        ConfigurationError: the models refuse it.
    """
    entry = parse(CatalogueEntry, data["entry"], "entry: ")
    return resolve(parse(StackSettings, data["stack"], "slipway:"), entry)


def _plain(value: Any) -> Any:
    if is_map(value):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_list(value):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value
