"""Who owns a slot's replicas, for real: every change between a number, an HPA and KEDA, with a person in between.

`make up WITH=keda` first. One path through all nine transitions, under a load that does not stop.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import pytest
import yaml

from tests.cluster import seen
from tests.cluster.copies import Copy, entry, running, service
from tests.cluster.releasing import MODEL
from tests.cluster.repeated import repeated
from tests.cluster.scaled import Scaled
from tests.cluster.stack import Json, Stack
from tests.cluster.waiting import until

pytestmark = pytest.mark.long

NAME, SERVICE = "owned", "owner"
PER_SECOND = 50
COUNTS_PER_SECOND = 3
SETTLED_SECONDS = 120
NEVER: Json = {"cron": {"timezone": "UTC", "start": "0 3 29 2 *", "end": "5 3 29 2 *", "replicas": 4}}
"""A schedule that is over: KEDA wants the minimum."""
CPU: Json = {"metrics": {"cpu": {"utilization": 80}}}


@dataclass(frozen=True)
class Owner:
    """What an entry declares, and the fewest and the most replicas that follow from it."""

    scaling: Json
    least: int
    most: int


FIXED, FIXED_4 = Owner({"replicas": 3}, 3, 3), Owner({"replicas": 4}, 4, 4)
RANGE = Owner({"minReplicas": 2, "maxReplicas": 6, **CPU}, 2, 6)
RANGE_3 = Owner({"minReplicas": 3, "maxReplicas": 6, **CPU}, 3, 6)
KEDA = Owner({"minReplicas": 2, "maxReplicas": 5, "triggers": {"peak": NEVER}}, 2, 5)
KEDA_3 = Owner({"minReplicas": 3, "maxReplicas": 5, "triggers": {"peak": NEVER}}, 3, 5)
PATH = (FIXED, FIXED_4, RANGE, RANGE_3, KEDA, KEDA_3, FIXED, KEDA, RANGE, FIXED)
"""Each transition once, those to itself included."""
SCALED_BY_HAND = {0: 5, 6: 2}
"""Before these transitions, by their number, somebody runs ``kubectl scale`` with so many replicas."""


def content(owner: Owner) -> Json:
    return entry(NAME, {SERVICE: service(NAME, MODEL, scaling=owner.scaling)})


@pytest.fixture(scope="module")
def system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    with running(stack, tmp_path_factory.mktemp(NAME), content(PATH[0])) as copy:
        yield copy


@contextmanager
def counted(scaled: Scaled) -> Generator[list[int]]:
    """Count the ready pods again and again until the block ends; yield the counts."""
    counts = list[int]()
    with repeated(lambda: counts.append(len(scaled.pods())), per_second=COUNTS_PER_SECOND):
        yield counts


def test_the_path_has_each_transition() -> None:
    kinds = ["replicas" if "replicas" in one.scaling else max(one.scaling) for one in PATH]
    assert len(set(pairwise(kinds))) == len(PATH) - 1 == 9


def test_every_transition_keeps_the_smaller_floor_and_loses_no_request(
    system: Copy, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory, facts: list[str]
) -> None:
    scaled = Scaled(system, SERVICE)
    ingress, folder = system.ingress(SERVICE), tmp_path_factory.mktemp("load")
    told = list[str]()
    with seen.running(ingress, pictures[0][0], folder, per_second=PER_SECOND) as load:
        for number, (was, now) in enumerate(pairwise(PATH)):
            if number in SCALED_BY_HAND:
                system.kubectl("scale", "deployment", scaled.name, f"--replicas={SCALED_BY_HAND[number]}")
                until(lambda: len(scaled.pods()) == SCALED_BY_HAND[number], SETTLED_SECONDS, "scaled by hand")  # noqa: B023
            floor = min(was.least, now.least, SCALED_BY_HAND.get(number, was.least))
            file = system.folder / "catalog" / f"{NAME}.yaml"
            file.write_text(yaml.safe_dump(content(now), sort_keys=False))
            with counted(scaled) as counts:
                system.up()
                until(lambda: now.least <= len(scaled.pods()) <= now.most, SETTLED_SECONDS, f"transition {number}")  # noqa: B023
            told.append(f"{was.least}..{was.most} → {now.least}..{now.most}: at least {min(counts)} ready")
            assert min(counts) >= floor, told
            assert system.pulumi("preview", "--expect-no-changes").returncode == 0, told
        until(lambda: scaled.wanted() == FIXED.least, SETTLED_SECONDS, "the declared number stands")
        answers = load.read()
    failed = [one for one in answers if not one.good]
    facts.append(f"replica owners, {len(answers)} requests at {PER_SECOND}/s, {len(failed)} failed: " + "; ".join(told))
    assert len(answers) > 1_000
    assert failed == []
