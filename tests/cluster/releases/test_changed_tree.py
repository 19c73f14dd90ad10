"""A stack that builds its own image: a changed tree or entry reaches users only through a release."""

import pytest

from tests.cluster import faulty, seen
from tests.cluster.building import Building
from tests.cluster.faulty import Fault
from tests.cluster.releasing import BLUE_GREEN, CANARY, ROLLED_BACK, ROLLING, SIDE_BY_SIDE
from tests.cluster.seen import Load

pytestmark = pytest.mark.parametrize(
    "made",
    [
        pytest.param(CANARY, id="canary", marks=pytest.mark.core),
        pytest.param(BLUE_GREEN, id="blue-green", marks=pytest.mark.long),
        pytest.param(SIDE_BY_SIDE, id="ab", marks=pytest.mark.long),
        pytest.param(ROLLING, id="rolling", marks=pytest.mark.long),
    ],
    indirect=True,
    scope="module",
)
ALL_FAIL = Fault(every=1)


def test_a_tree_whose_every_answer_is_a_500_goes_back(made: Building, load: Load, facts: list[str]) -> None:
    before = made.live()
    made.change(ALL_FAIL)
    command = made.release()
    assert command.code == ROLLED_BACK, command.said
    assert made.live()["image"] == before["image"]
    answers = load.since(command.began)
    bad = sum(not answer.good for answer in answers)
    facts.append(f"{made.strategy['strategy']}: a tree of 500s: {bad} of {len(answers)} requests failed")
    assert bad > 0
    if made.strategy["strategy"] == "canary":
        assert bad < len(answers) / 4, "20 % until the gate is sure"
    made.driven.agrees()
    last = load.wait_for(lambda answer: answer.good, command.began + command.seconds)
    assert last.version == before["image"].partition("@")[2]


def test_an_edit_changes_nothing_that_runs_until_it_is_released(made: Building, load: Load) -> None:
    made.change(faulty.good(1))
    before = made.container()
    made.edit(env={"BATCH": "8"})
    preview = made.copy.pulumi("preview", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "env.BATCH" in preview.stdout + preview.stderr
    assert made.container() == before
    command = made.release()
    if command.code != 0:  # A/B waits for a person
        command = made.driven.slipway("approve", "--reason", "more clicks")
    assert command.code == 0, command.said
    assert {"name": "BATCH", "value": "8"} in made.container()["env"]
    assert not seen.machinery(load.since(command.began))
    made.driven.agrees()
