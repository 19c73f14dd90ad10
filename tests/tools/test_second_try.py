"""Cluster tests, and no others, run once more when they fail; who needed that is listed."""

from pathlib import Path

import pytest

from tests.cluster import flaky

pytestmark = pytest.mark.slow

HEAD = "| Date | Commit | Test | Owner |\n|---|---|---|---|\n"
CONFTEST = """
    from pathlib import Path
    import pytest
    from tests.cluster.second_try import SecondTry

    ROOT = Path(__file__).parent

    def noted(what):
        with (ROOT / "events").open("a") as file:
            file.write(what + "\\n")

    def pytest_configure(config):
        plugin = SecondTry(ROOT / "live", ROOT / "flaky.md", "abc1234", lambda: noted("renewed"))
        config.pluginmanager.register(plugin)

    @pytest.fixture(scope="session")
    def cluster():
        noted("cluster up")
        yield
        noted("cluster down")

    @pytest.fixture(scope="module")
    def system(cluster):
        noted("system up")
        yield
        noted("system down")

    def first_time(name):
        path = ROOT / name
        before = path.exists()
        path.touch()
        return not before
"""
FLAKY = """
    import sys
    sys.path.insert(0, {root!r})
    from conftest import first_time, noted

    def test_before(system):
        noted("before")

    def test_sometimes(system):
        noted("sometimes")
        print("what it said")
        assert not first_time("once"), "the proxy was late"

    def test_after(system):
        noted("after")
"""
BAD = "def test_bad():\n    print('what it said')\n    assert False, 'always'"


class Project:
    """A project whose folder `live` has the cluster tests."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.root = pytester.path
        (self.root / "live").mkdir()
        pytester.makeconftest(CONFTEST)
        (self.root / "flaky.md").write_text(HEAD)
        pytester.makeini("[pytest]\nmarkers =\n    ordered: one builds on the other")

    def write(self, path: str, text: str) -> None:
        lines = text.replace("{root!r}", repr(str(self.root)))
        made = self._pytester.makepyfile(lines)
        made.rename(self.root / path)

    def run(self, *arguments: str) -> pytest.RunResult:
        return self._pytester.runpytest("-p", "no:cacheprovider", *arguments)

    @property
    def events(self) -> list[str]:
        return (self.root / "events").read_text().splitlines()

    @property
    def listed(self) -> list[flaky.Row]:
        return flaky.read(self.root / "flaky.md")

    def list(self, test: str, times: int) -> None:
        for _ in range(times):
            flaky.append(self.root / "flaky.md", flaky.Row("2026-11-01", "abc1234", test, "Ada"))


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    return Project(pytester)


def test_a_test_that_passes_in_its_second_try_is_green_and_listed_with_both_outputs(project: Project) -> None:
    project.write("live/test_x.py", FLAKY)
    result = project.run()
    assert result.ret == 0
    result.assert_outcomes(passed=3)
    (row,) = project.listed
    assert (row.commit, row.test, row.owner) == ("abc1234", "live/test_x.py::test_sometimes", "")
    result.stdout.fnmatch_lines(
        [
            "*= flaky =*",
            "*first try of live/test_x.py::test_sometimes*",
            "call: failed*",
            "*the proxy was late*",
            "*what it said*",
            "*second try of live/test_x.py::test_sometimes*",
            "call: passed*",
            "*what it said*",
            "*commit them with an owner*",
            str(row),
        ]
    )


def test_the_second_try_has_fresh_fixtures_but_for_the_sessions(project: Project) -> None:
    project.write("live/test_x.py", FLAKY)
    project.run()
    assert project.events == [
        *("cluster up", "system up", "before", "sometimes"),
        *("system down", "renewed", "system up", "sometimes", "after", "system down", "cluster down"),
    ]


def test_a_test_that_fails_twice_is_red_and_shows_both_tries(project: Project) -> None:
    project.write("live/test_x.py", BAD)
    result = project.run()
    assert result.ret == 1
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*AssertionError: always*", "*first try*", "call: failed*", "*always*"])
    assert not project.listed


@pytest.mark.parametrize(("rows", "failed"), [(1, 0), (2, 1)])
def test_a_test_that_is_listed_twice_has_no_second_try(project: Project, rows: int, failed: int) -> None:
    project.write("live/test_x.py", FLAKY)
    project.list("live/test_x.py::test_sometimes[other parameters]", rows)
    project.run().assert_outcomes(passed=3 - failed, failed=failed)
    assert ("renewed" in project.events) is not failed
    assert len(project.listed) == 2


def test_a_test_elsewhere_has_no_second_try(project: Project) -> None:
    project.write("test_x.py", FLAKY)
    project.run().assert_outcomes(passed=2, failed=1)
    assert "renewed" not in project.events
    assert not project.listed


def test_a_fixture_that_fails_to_set_up_is_set_up_again(project: Project) -> None:
    project.write(
        "live/test_x.py",
        """
        import sys
        sys.path.insert(0, {root!r})
        from conftest import first_time, noted
        import pytest

        @pytest.fixture(scope="module")
        def late(system):
            assert not first_time("once")

        def test_one(late):
            pass
        """,
    )
    project.run().assert_outcomes(passed=1)
    assert len(project.listed) == 1


def test_a_teardown_that_fails_before_the_second_try_is_shown_and_the_try_decides(project: Project) -> None:
    project.write(
        "live/test_x.py",
        """
        import sys
        sys.path.insert(0, {root!r})
        from conftest import first_time, noted
        import pytest

        @pytest.fixture(scope="module")
        def left(system):
            yield
            assert not first_time("teardown"), "could not be destroyed"

        def test_one(left):
            assert not first_time("once")

        def test_two(left):
            pass
        """,
    )
    result = project.run()
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*before the second try: AssertionError: could not be destroyed*"])


def test_in_a_file_whose_tests_build_on_each_other_only_the_first_has_a_second_try(project: Project) -> None:
    ordered = FLAKY.replace(
        "def test_before", "import pytest\n    pytestmark = pytest.mark.ordered\n\n    def test_before"
    )
    project.write("live/test_x.py", ordered)
    project.run().assert_outcomes(passed=2, failed=1)
    (project.root / "once").unlink()
    project.run("-k", "sometimes").assert_outcomes(passed=1, deselected=2)


def test_a_hang_is_ended_in_the_second_try_too(project: Project) -> None:
    project.write("live/test_x.py", "import time\n\ndef test_hang():\n    time.sleep(30)")
    result = project.run("--timeout=0.5")
    result.assert_outcomes(failed=1)
    assert result.duration < 20


def test_a_row_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "flaky.md"
    path.write_text(f"# Some text\n\n{HEAD}")
    flaky.append(path, flaky.Row.now("abc1234", "tests/cluster/test_x.py::test_y[a|b, 20 %]"))
    (row,) = flaky.read(path)
    assert row.test == "tests/cluster/test_x.py::test_y[a/b, 20 %]"
    assert flaky.times(path, "tests/cluster/test_x.py::test_y[c]") == 1
    assert flaky.times(path, "tests/cluster/test_x.py::test_z") == 0


def test_a_row_with_a_cell_missing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "flaky.md"
    path.write_text(f"{HEAD}| 2026-11-01 | abc1234 | tests/cluster/test_x.py::test_y |\n")
    with pytest.raises(ValueError, match="a row has 4 cells: date, commit, test, owner"):
        flaky.read(path)


def test_every_row_of_the_committed_list_has_an_owner_and_a_test_that_is_there() -> None:
    root = flaky.LIST.parent.parent.parent
    for row in flaky.read(flaky.LIST):
        assert row.owner, f"{flaky.LIST.name}: {row.test}: write down who will mend it"
        file, _, name = row.function.partition("::")
        assert f"def {name}(" in (root / file).read_text(), f"{flaky.LIST.name}: {row.test} is gone: delete its rows"
