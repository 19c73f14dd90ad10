"""The program's run on each case, as a fixture."""

import pytest

from tests.contracts.cases import CASES, Case, recorded
from tests.recording import Recorded


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Each entry, environment and filling of slots in turn."""
    return request.param


@pytest.fixture
def run(case: Case) -> Recorded:
    """What the program registers in that case."""
    return recorded(case)
