"""A stack that builds its own image: a changed tree or entry reaches users only through the slot of a release."""

from collections.abc import Iterator

import pytest

from tests.cluster import faulty, seen
from tests.cluster.building import Building, building
from tests.cluster.faulty import Fault
from tests.cluster.releasing import BLUE_GREEN, CANARY, ROLLED_BACK, ROLLING, SERVICE, SIDE_BY_SIDE
from tests.cluster.seen import Load
from tests.cluster.stack import Json, Stack

ALL_FAIL = Fault(every=1)
RATE = 100


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(CANARY, id="canary", marks=pytest.mark.core),
        pytest.param(BLUE_GREEN, id="blue-green", marks=pytest.mark.long),
        pytest.param(SIDE_BY_SIDE, id="ab", marks=pytest.mark.long),
        pytest.param(ROLLING, id="rolling", marks=pytest.mark.long),
    ],
)
def made(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    strategy: Json = request.param
    with building(stack, tmp_path_factory.mktemp("tree"), f"tree-{strategy['strategy'].lower()}", strategy) as found:
        yield found


@pytest.fixture(scope="module")
def load(made: Building, pictures: list[tuple[bytes, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    made.copy.ingress(SERVICE)
    with seen.running(made.driven.ingress, pictures[0][0], tmp_path_factory.mktemp("load"), per_second=RATE) as found:
        yield found


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


@pytest.mark.parametrize(
    "fields",
    [
        {"args": ["no-such-payload"]},
        {"env": {"PYTHONHOME": "/nowhere"}},
        {"health": {"startup": "15s", "ready": "/nowhere", "live": "/nowhere"}},
    ],
    ids=["args", "env", "probe"],
)
def test_a_bad_entry_goes_back_and_users_see_nothing_of_it(
    made: Building, load: Load, fields: Json, facts: list[str]
) -> None:
    made.change(faulty.good(0))
    before = made.container()
    made.edit(rollout={"progressDeadline": "20s", "timeout": "25s"}, **fields)
    command = made.release()
    assert command.code == ROLLED_BACK, command.said
    after = made.container()
    assert {key: after.get(key) for key in ("args", "image")} == {key: before.get(key) for key in ("args", "image")}
    lost = seen.machinery(load.since(command.began))
    facts.append(f"{made.strategy['strategy']}: bad {next(iter(fields))}: {sum(lost.values())} requests lost")
    assert not lost
    made.driven.agrees()


def test_an_edit_changes_nothing_that_runs_until_it_is_released(made: Building, load: Load) -> None:
    made.change(faulty.good(1))
    before = made.container()
    made.edit(env={"BATCH": "8"})
    preview = made.copy.pulumi("preview", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "env.BATCH" in preview.stdout + preview.stderr
    assert made.container() == before
    command = made.release()
    if command.code != 0:  # A/B waits for somebody
        command = made.driven.slipway("step")
    assert command.code == 0, command.said
    assert {"name": "BATCH", "value": "8"} in made.container()["env"]
    assert not seen.machinery(load.since(command.began))
    made.driven.agrees()
