"""How often a release ends as it should not: 200 simulated ones of each kind, with the judge that the gate asks."""

from random import Random

import pytest

from bench.simulated import KINDS, Kind, Tally, drawn, tallies

pytestmark = pytest.mark.slow

RELEASES, SEED = 200, 20
BY_NAME = {kind.name: kind for kind in KINDS}


def tally(kind: Kind) -> Tally:
    (found,) = tallies(RELEASES, SEED, [kind])
    print(  # noqa: T201 -- `pytest -s` shows the counts
        f"{kind.name}: {dict(found.outcomes)}, median {found.seconds:.0f} s, {found.candidate:.0f} requests"
    )
    return found


def test_good_releases_are_promoted_and_hardly_ever_blamed() -> None:
    good = tally(BY_NAME["good"])
    assert good.outcomes["rolled back"] <= 0.02 * RELEASES
    assert good.outcomes["promoted"] >= 0.8 * RELEASES, "a gate that lets nothing through is of no use"
    assert good.seconds <= 300, "three steps at 200 requests/s"


@pytest.mark.parametrize("name", ["2 % errors", "7 % slow", "7 % late"])
def test_releases_that_are_worse_by_just_the_margin_are_not_promoted(name: str) -> None:
    bad = tally(BY_NAME[name])
    assert bad.outcomes["promoted"] <= 0.01 * RELEASES
    assert bad.outcomes["rolled back"] >= 0.8 * RELEASES, "noticed, and not only never shown to be good"


def test_releases_that_hardly_anybody_asks_are_inconclusive_without_exception() -> None:
    assert tally(BY_NAME["starved"]).outcomes == {"inconclusive": RELEASES}


def test_twice_the_time_to_the_first_token_is_noticed_at_the_first_step() -> None:
    doubled = tally(BY_NAME["twice to the first token"])
    assert doubled.outcomes == {"rolled back": RELEASES}
    assert doubled.candidate <= 100


def test_a_fifth_of_errors_is_noticed_after_a_few_dozen_requests_of_the_new_slot() -> None:
    broken = tally(BY_NAME["20 % errors"])
    assert broken.outcomes == {"rolled back": RELEASES}
    assert broken.candidate <= 50
    assert max(ending.candidate for ending in broken.endings) <= 200


@pytest.mark.parametrize(("of", "share"), [(1000, 0.01), (1000, 0.5), (40, 1.0)])
def test_the_simulation_draws_as_many_as_the_share_says(of: int, share: float) -> None:
    hits = [drawn(Random(seed), of, share) for seed in range(300)]  # noqa: S311 -- a simulation
    assert sum(hits) / len(hits) == pytest.approx(of * share, rel=0.05)
