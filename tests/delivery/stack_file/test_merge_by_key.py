"""Two versions of a stack file become one, by key."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from delivery.commands.cli import app
from delivery.stack_file.merge_by_key import merged

RUN = {"id": "r1", "stage": 1}


def content(**config: Any) -> dict[str, Any]:
    return {"config": {key.replace("_", ":", 1): value for key, value in config.items()}}


def of(release: object, delivery: object, **others: Any) -> dict[str, Any]:
    return content(slipway_release={"web": release}, slipway_delivery={"web": delivery}, **others)


BASE = of({"live": "blue", "weight": 20}, {"run": RUN, "holds": [{"image": "a"}]}, other_key=1)


def test_what_one_side_changed_is_kept_whichever_it_is() -> None:
    ours = of({"live": "blue", "weight": 50}, {"run": RUN | {"stage": 2}, "holds": [{"image": "a"}]}, other_key=1)
    theirs = of({"live": "blue", "weight": 20}, {"run": RUN, "holds": [{"image": "a"}]}, other_key=2, more_key=[3])
    theirs["encryptionsalt"] = "v1"
    found = merged(BASE, ours, theirs)
    assert found.clashes == []
    both = of(
        {"live": "blue", "weight": 50},
        {"run": RUN | {"stage": 2}, "holds": [{"image": "a"}]},
        other_key=2,
        more_key=[3],
    )
    assert found.data == both | {"encryptionsalt": "v1"}
    assert merged(BASE, theirs, ours).data == found.data


def test_a_release_and_its_run_are_one_value_of_which_theirs_stands() -> None:
    ours = of({"live": "blue", "weight": 50, "match": {"cookie": "x"}}, {"run": RUN | {"stage": 2}}, other_key=1)
    theirs = of({"live": "green"}, {"history": [{"id": "r1"}]}, other_key=1)
    found = merged(BASE, ours, theirs)
    assert found.data == of({"live": "green"}, {"history": [{"id": "r1"}]}, other_key=1)
    (said,) = found.clashes
    assert said == (
        "slipway:release.web.live is green (was blue), slipway:release.web.weight is not set (was 20, here 50), "
        "slipway:delivery.web.run is not set (was {id: r1, stage: 1}, here {id: r1, stage: 2})"
    )


def test_a_run_that_they_began_while_we_ended_ours_is_theirs() -> None:
    ours = of({"live": "green"}, {}, other_key=1)
    theirs = of({"live": "blue", "weight": 20}, {"run": {"id": "r2"}, "holds": [{"image": "a"}]}, other_key=1)
    found = merged(BASE, ours, theirs)
    assert found.data["config"]["slipway:release"]["web"] == {"live": "blue", "weight": 20}
    assert found.data["config"]["slipway:delivery"]["web"]["run"] == {"id": "r2"}
    assert len(found.clashes) == 1


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (["a"], ["a", "b"], ["a", "c"], ["a", "b", "c"]),
        (["a", "b"], ["b", "c"], ["a", "b"], ["b", "c"]),
        (["a", "b"], ["a", "b", "c"], ["b"], ["b", "c"]),
        ([], ["a"], ["a"], ["a"]),
        (["a"], [], ["a", "b"], ["b"]),
    ],
)
def test_lists_of_the_record_are_merged_by_item(
    base: list[str], ours: list[str], theirs: list[str], expected: list[str]
) -> None:
    sides = [of({}, {"holds": [{"image": one} for one in side]}) for side in (base, ours, theirs)]
    found = merged(*sides)
    assert found.clashes == []
    assert [one["image"] for one in found.data["config"]["slipway:delivery"]["web"]["holds"]] == expected


def test_holds_on_two_revisions_of_one_image_are_two_items() -> None:
    one, two = ({"image": "a", "config": "1", "revision": name} for name in ("r1", "r2"))
    other = {"image": "b", "config": "1", "revision": "r1"}
    found = merged(of({}, {"holds": [one]}), of({}, {"holds": [one, two]}), of({}, {"holds": [one, other]}))
    assert found.data["config"]["slipway:delivery"]["web"]["holds"] == [one, two, other]


def test_a_verdict_that_they_revoked_stays_revoked_and_ours_are_added() -> None:
    old, new = {"image": "a", "config": "1", "result": "pass"}, {"image": "b", "config": "1", "result": "pass"}
    revoked = old | {"revoked": {"reason": "errors"}}
    found = merged(of({}, {"verdicts": [old]}), of({}, {"verdicts": [old, new]}), of({}, {"verdicts": [revoked]}))
    assert found.data["config"]["slipway:delivery"]["web"]["verdicts"] == [revoked, new]


def test_approvals_of_both_sides_count_and_are_no_conflict() -> None:
    ours = of({}, {"run": RUN | {"stage": 2}})
    theirs = of({}, {"run": RUN | {"approvals": [{"stage": 2}]}})
    found = merged(of({}, {"run": RUN}), ours, theirs)
    assert found.clashes == []
    assert found.data == of({}, {"run": RUN | {"stage": 2, "approvals": [{"stage": 2}]}})


def test_lists_of_others_and_values_of_both_are_a_conflict() -> None:
    found = merged(content(a=[1], b=1), content(a=[1, 2], b=True), content(a=[1, 3], b=2))
    assert found.data == content(a=[1, 3], b=2)
    assert found.clashes == ["a is [1, 3] (was [1], here [1, 2])", "b is 2 (was 1, here true)"]


def command(folder: Path, base: str, ours: str, theirs: str) -> tuple[int, str, str]:
    for name, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        (folder / name).write_text(text)
    done = CliRunner().invoke(app, ["merge-record", *(str(folder / name) for name in ("base", "ours", "theirs"))])
    return done.exit_code, done.stderr, (folder / "ours").read_text()


TEXT = "config:\n  # why\n  a: 1\n  b: 2\n  c: 3\n"


def test_the_command_keeps_the_comments_of_both_sides(tmp_path: Path) -> None:
    ours, theirs = TEXT.replace("a: 1", "a: 1 # ours"), TEXT.replace("c: 3", "c: 3 # theirs")
    both = TEXT.replace("a: 1", "a: 1 # ours").replace("c: 3", "c: 3 # theirs")
    assert command(tmp_path, TEXT, ours, theirs) == (0, "", both)


def test_the_command_merges_neighbors_and_new_keys_at_one_place(tmp_path: Path) -> None:
    ours, theirs = TEXT.replace("b: 2", "b: 4") + "  d: 1\n", TEXT.replace("c: 3", "c: 5 # theirs") + "  e: 1 # new\n"
    code, said, text = command(tmp_path, TEXT, ours, theirs)
    assert (code, said) == (0, "")
    assert text == "config:\n  # why\n  a: 1\n  b: 4\n  c: 5 # theirs\n  e: 1 # new\n  d: 1\n"


def test_lines_that_git_merges_into_no_yaml_are_merged_by_key(tmp_path: Path) -> None:
    new = "  slipway:release:\n    web: {live: blue}\n"
    ours, theirs = TEXT.replace("  # why\n", f"{new}  # why\n"), TEXT + new.replace("web", "api")
    code, _, text = command(tmp_path, TEXT, ours, theirs)
    assert code == 0
    assert yaml.safe_load(text)["config"]["slipway:release"] == {"web": {"live": "blue"}, "api": {"live": "blue"}}
    assert text.count("slipway:release") == 1


def test_the_command_says_a_conflict_in_one_line(tmp_path: Path) -> None:
    code, said, text = command(tmp_path, TEXT, TEXT.replace("a: 1", "a: 2"), TEXT.replace("a: 1", "a: 3 # theirs"))
    assert code == 1
    assert said == (
        "slipway: ours: both sides changed the same values: a is 3 (was 1, here 2); "
        "the result has the values of THEIRS\n"
    )
    assert text == TEXT.replace("a: 1", "a: 3 # theirs")


@pytest.mark.parametrize(("place", "text"), [(0, "a: ["), (1, "- x\n"), (2, "a: 1\na: 2\n")])
def test_the_command_writes_nothing_where_a_side_is_no_yaml(tmp_path: Path, place: int, text: str) -> None:
    sides = [TEXT, TEXT + "  d: 1\n", TEXT + "  e: 1\n"]
    sides[place] = text
    code, said, left = command(tmp_path, *sides)
    assert code == 2
    assert said.startswith(f"slipway: {('base', 'ours', 'theirs')[place]}")
    assert said.count("\n") == 1
    assert left == sides[1]


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["merge-record", *(str(tmp_path / name) for name in ("base", "ours", "theirs"))])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
