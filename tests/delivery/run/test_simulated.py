"""The real driver's verdicts on simulated releases of each kind, whose drivers are killed and resumed."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.delivery.simulated import DEADLINE, NONE, TROUBLES, Simulation, Trouble
from tests.samples import Config

GATE: Config = {"errors": {"margin": 1}, "deadline": f"{DEADLINE}s"}
STRATEGIES: dict[str, Config] = {
    "rolling": {"strategy": "rolling", "gate": GATE},
    "blueGreen": {"strategy": "blueGreen", "warm": "0s", "gate": GATE},
    "canary": {"strategy": "canary", "steps": [20, {"weight": 100, "approval": True}], "warm": "0s", "gate": GATE},
}
RELEASES = int(os.environ.get("SLIPWAY_SIMULATED", "40"))
"""Of each kind; `make simulated` has 200, with the same first seeds."""
BUSY, HARDLY = 200.0, 1.5
"""Requests per second; of the latter the deadline sees half a sample."""
GOOD, WORSE, BAD = 0.01, 0.02, 0.04
"""Shares of errors; the live version's is 1 %, the margin 1 point."""
ANY = (NONE, *TROUBLES)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def simulation(folder: Path, strategy: str) -> Simulation:
    return Simulation(folder, STRATEGIES[strategy])


def endings(given: Simulation, bad: float, traffic: float) -> Counter[str]:
    """Simulate all releases of a kind, each with a trouble of its own."""
    found = Counter(
        given.release(bad=bad, traffic=traffic, seed=f"{bad} {seed}", trouble=ANY[seed % len(ANY)])
        for seed in range(RELEASES)
    )
    print(f"{bad:.0%} errors at {traffic:g}/s: {dict(found)}")  # noqa: T201 -- `pytest -s` shows the counts
    return found


@each_strategy
def test_good_releases_are_promoted_and_hardly_ever_blamed(tmp_path: Path, strategy: str) -> None:
    found = endings(simulation(tmp_path, strategy), GOOD, BUSY)
    assert found["rolled back"] <= 0.02 * RELEASES
    assert found["promoted"] >= 0.8 * RELEASES


@each_strategy
def test_releases_that_are_worse_by_just_the_margin_are_not_promoted(tmp_path: Path, strategy: str) -> None:
    found = endings(simulation(tmp_path, strategy), WORSE, BUSY)
    assert found["promoted"] <= 0.01 * RELEASES
    assert found["rolled back"] >= 0.8 * RELEASES


@each_strategy
def test_releases_that_hardly_anybody_asks_are_inconclusive_without_exception(tmp_path: Path, strategy: str) -> None:
    assert endings(simulation(tmp_path, strategy), GOOD, HARDLY) == {"inconclusive": RELEASES}


@each_strategy
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_every_kind_of_resume_comes_to_the_verdict_of_a_driver_that_was_never_killed(
    tmp_path: Path, strategy: str, trouble: Trouble
) -> None:
    given = simulation(tmp_path, strategy)
    for seed in range(RELEASES):
        bad = BAD if seed % 2 else GOOD
        undisturbed, disturbed = (
            given.release(bad=bad, traffic=BUSY, seed=str(seed), trouble=one) for one in (NONE, trouble)
        )
        assert disturbed == undisturbed, f"seed {seed}"


def test_a_seed_gives_the_same_again(tmp_path: Path) -> None:
    given = simulation(tmp_path, "canary")
    first, second = (given.release(bad=WORSE, traffic=BUSY, seed="1", trouble=TROUBLES[2]) for _ in range(2))
    assert first == second
