"""A bad edit of the catalogue entry goes back without effect on users; see also test_changed_tree.py."""

import pytest

from tests.cluster import faulty, seen
from tests.cluster.building import Building
from tests.cluster.copies import SMALL
from tests.cluster.releasing import BLUE_GREEN, CANARY, ROLLED_BACK, ROLLING, SIDE_BY_SIDE
from tests.cluster.seen import Load
from tests.cluster.stack import Json

SHORT: Json = {side: {**amounts, "memory": "32Mi"} for side, amounts in SMALL.items()}
"""Less memory than the server needs to import its libraries, so the kernel kills it."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.parametrize(
        "made",
        [CANARY, BLUE_GREEN, SIDE_BY_SIDE, ROLLING],
        ids=["canary", "blue-green", "ab", "rolling"],
        indirect=True,
        scope="module",
    ),
]


@pytest.mark.parametrize(
    "fields",
    [
        {"args": ["no-such-payload"]},
        {"env": {"PYTHONHOME": "/nowhere"}},
        {"health": {"startup": "15s", "ready": "/nowhere", "live": "/nowhere"}},
        {"resources": SHORT},
    ],
    ids=["args", "env", "probe", "memory"],
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
