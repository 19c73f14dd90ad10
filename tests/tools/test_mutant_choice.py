"""The mutants of a CI run: those that the change touches, a sample that a seed repeats, and a limit."""

import subprocess
from pathlib import Path

import pytest

from tests.mutants import history
from tests.mutants.__main__ import all_known, parser, selected, told
from tests.mutants.choice import Known, chosen
from tests.mutants.mutant import Mutant

pytestmark = pytest.mark.slow

MOST = 200


def known(
    file: str, count: int, by: str = "tools/test_none.py", described_in: str = "tests/mutants/x.yaml"
) -> list[Known]:
    return [
        Known(Mutant(file, "", f"old {number}", "new", f"why {number}", by), described_in) for number in range(count)
    ]


TWO_FILES = [*known("models/one.py", 30), *known("models/two.py", 300, "models/test_two.py", "tests/mutants/y.yaml")]


def test_all_mutants_of_a_changed_file_run() -> None:
    choice = chosen(TWO_FILES, {"models/one.py"}, sample=0, most=MOST, seed=1)
    assert choice.mutants == [one.mutant for one in TWO_FILES[:30]]
    assert not choice.left_out


def test_a_changed_test_runs_the_mutants_that_it_must_notice() -> None:
    choice = chosen(TWO_FILES, {"tests/models/test_two.py"}, sample=0, most=1000, seed=1)
    assert {one.mutant.file for one in choice.touched} == {"models/two.py"}


def test_a_changed_list_of_mutants_runs_those_of_that_list() -> None:
    choice = chosen(TWO_FILES, {"tests/mutants/x.yaml"}, sample=0, most=MOST, seed=1)
    assert {one.mutant.file for one in choice.touched} == {"models/one.py"}


def test_the_sample_is_drawn_from_what_the_change_does_not_touch() -> None:
    choice = chosen(TWO_FILES, {"models/one.py"}, sample=100, most=MOST, seed=1)
    assert (len(choice.touched), len(choice.sampled)) == (30, 100)
    assert len({id(one) for one in (*choice.touched, *choice.sampled)}) == 130
    assert len(chosen(TWO_FILES[:40], set(), sample=100, most=MOST, seed=1).sampled) == 40


def test_a_seed_repeats_a_sample_and_another_seed_draws_another_one() -> None:
    first, again, other = (chosen(TWO_FILES, set(), sample=100, most=MOST, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_more_touched_mutants_than_the_limit_are_drawn_and_the_rest_is_named() -> None:
    choice = chosen(TWO_FILES, {"models/two.py"}, sample=0, most=MOST, seed=3)
    assert (len(choice.touched), len(choice.left_out)) == (MOST, 100)
    said = told(choice, len(TWO_FILES), 3)
    assert "left out beyond the limit: 100 of models/two.py" in said
    assert "--seed 3" in said


def test_without_a_choice_every_mutant_runs() -> None:
    everything = all_known("")
    assert len(everything) > 500
    assert selected(everything, parser().parse_args([])) == [one.mutant for one in everything]


def test_an_unknown_revision_is_refused_in_one_line() -> None:
    with pytest.raises(ValueError, match="no-such-revision"):
        selected([], parser().parse_args(["--changed-since", "no-such-revision"]))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with an old commit, two new ones, and a file that Git does not know yet."""
    monkeypatch.setattr(history, "PROJECT", tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    def git(*arguments: str, date: str = "") -> None:
        identity = {"user.name": "test", "user.email": "test@slipway.test"}
        settings = [part for key, value in identity.items() for part in ("-c", f"{key}={value}")]
        monkeypatch.setenv("GIT_COMMITTER_DATE", date)
        subprocess.run(["git", *settings, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    days = {"old.py": "2026-01-01T12:00:00Z", "new.py": "2026-02-01T12:00:00Z", "newest.py": "2026-02-02T12:00:00Z"}
    for name, date in days.items():
        (tmp_path / name).write_text("")
        git("add", name)
        git("commit", "--message", name, date=date)
    (tmp_path / "unknown.py").write_text("")
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_recent_files_are_those_of_the_days_before_the_newest_commit_and_of_the_working_tree() -> None:
    assert history.changed_within(3) == {"new.py", "newest.py", "unknown.py"}
    assert history.changed_within(100) == {"old.py", "new.py", "newest.py", "unknown.py"}


@pytest.mark.usefixtures("repository")
def test_files_changed_since_a_revision_include_those_of_the_working_tree() -> None:
    assert history.changed_since("HEAD~1") == {"newest.py", "unknown.py"}


def test_every_commit_has_a_seed_of_its_own(repository: Path) -> None:
    newest = history.seed_of_newest_commit()
    subprocess.run(["git", "checkout", "--quiet", "HEAD~1"], cwd=repository, check=True, capture_output=True)
    assert history.seed_of_newest_commit() not in (newest, 0)
