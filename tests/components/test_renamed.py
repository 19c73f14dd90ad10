"""A renamed entry: every resource whose name holds the entry's is carried over, by its parent's alias or its own."""

from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.recording import Recorded, Registered, record
from tests.samples import accepted, entry, stack, store

FORMER = "former"


def renamed() -> Recorded:
    data = entry(stores={"cache": store()}, secrets={"keys": {"keys": ["A"]}}, volumes={"data": {"size": "1Gi"}})
    given = stack(secrets={"keys": {"values": {"A": "a"}}})
    spec = resolve(accepted(StackSettings, given), accepted(CatalogueEntry, data))
    return record(lambda: System(spec.name, SystemArgs(spec=spec, formerly=FORMER)) and None)


def carried_over(one: Registered, parents: dict[str, Registered]) -> bool:
    """Whether the engine finds it by the name that it had: a child whose name starts with its parent's follows that."""
    parent = parents.get(one.parent)
    follows = parent is not None and one.name.startswith(parent.name) and carried_over(parent, parents)
    return follows or one.name.replace("shop", FORMER, 1) in one.aliases


def test_every_resource_that_is_named_after_the_entry_is_carried_over() -> None:
    run = renamed()
    parents = {one.urn: one for one in run.resources}
    named = [one for one in run.resources if one.name.startswith("shop")]
    assert len(named) > 8
    lost = [one.name for one in named if not carried_over(one, parents)]
    assert lost == []
