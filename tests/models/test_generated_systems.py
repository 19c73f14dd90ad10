"""Whatever keeps the rules is accepted, block by block and as a whole."""

import pytest
from hypothesis import given

from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.generated import repeatable
from tests.samples import Config, accepted
from tests.strategies import systems

pytestmark = pytest.mark.slow  # generated systems


@repeatable(25)
@given(systems())
def test_a_system_that_keeps_every_rule_is_accepted(system: tuple[Config, Config]) -> None:
    stack, entry = (accepted(model, data) for model, data in zip((StackSettings, CatalogueEntry), system, strict=True))
    assert isinstance(stack, StackSettings)
    assert isinstance(entry, CatalogueEntry)
    resolved = resolve(stack, entry)
    assert set(resolved.services) == set(entry.services)
    assert set(resolved.secrets) == set(entry.secrets)
