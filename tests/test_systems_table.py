"""docs/systems.md has a row for every requirement, and every test that it names exists."""

import re
import tomllib

from tests.recording import PROJECT

PAGE = (PROJECT / "docs" / "systems.md").read_text()
ROWS = {row[0].strip(): row for row in (line.strip("| ").split(" | ") for line in PAGE.splitlines() if "|" in line)}
REQUIREMENTS = [
    f"{system}{n}"
    for system, most in {"P": 10, "F": 10, "C": 9, "N": 10, "G": 10, "K": 3}.items()
    for n in range(1, most + 1)
]
NAMED = sorted(set(re.findall(r"`([^`]+\.py)::(\w+)`", PAGE)))


def test_every_requirement_has_a_test_or_says_where_it_is_left() -> None:
    rows = {requirement: " | ".join(ROWS[requirement]) for requirement in REQUIREMENTS}
    assert [requirement for requirement, row in rows.items() if "::test_" not in row and "issue" not in row] == []


def test_every_test_that_the_page_names_exists() -> None:
    defined = {
        file: set(re.findall(r"^def (\w+)\(", (PROJECT / file).read_text(), flags=re.MULTILINE))
        for file in {file for file, _ in NAMED}
    }
    assert [f"{file}::{name}" for file, name in NAMED if name not in defined[file]] == []


def test_the_page_names_tests() -> None:
    assert len(NAMED) > len(REQUIREMENTS)


def test_the_number_of_waivers_is_the_real_one() -> None:
    from tests.cluster.test_scores import WAIVERS  # noqa: PLC0415 -- tier 2, of which only the table is read

    (said,) = re.findall(r"Waivers: (\d+)", PAGE)
    assert int(said) == len(WAIVERS)


def test_the_design_cards_files_and_packages_are_there() -> None:
    for name in ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "__main__.py", "components", "models", "tests"):
        assert (PROJECT / name).exists(), name
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    packages = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for name in ("pulumi", "pulumi-kubernetes", "pulumi-docker", "pydantic", "pytest"):
        assert any(re.match(rf"{name}[=><]", package) for package in packages), name
