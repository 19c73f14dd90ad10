"""The contracts of every system, held by those of strangers' servers (examples/servers)."""

import pytest

from tests.contracts.examples import NAMES, systems
from tests.contracts.test_generated_systems import hold_together
from tests.each import each
from tests.generated import run_generated


@pytest.mark.slow
@each("name", NAMES)
def test_an_example_holds_together_in_each_environment_with_one_slot_and_with_both(name: str) -> None:
    found = list(systems(name))
    assert {environment for environment, _ in found} >= {"dev", "prod"}
    for _, system in found:
        hold_together(run_generated(system), system)
