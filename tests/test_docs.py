"""The documentation keeps its promises: the README's example works, and lists name everything that there is."""

import re
from pathlib import Path

import yaml

from models.stack import StackSettings
from tests.components.deploying import deployed
from tests.recording import PROJECT
from tests.samples import Config

README_LINES, GLOSSARY_WORDS = 120, 30
STACK: Config = {
    "system": {"entry": "wine", "environment": "dev"},
    "cluster": {"context": "dev"},
    "image": {"registry": "registry.example.com/ml"},
}


def text(name: str) -> str:
    return (PROJECT / name).read_text("utf-8")


def rows(name: str) -> list[str]:
    """The first cell of each row of a page's tables, without the heads."""
    cells = re.findall(r"^\| ([^|]+) \|", text(name), re.MULTILINE)
    return [cell for cell in cells if cell not in ("Word", "Key", "File")]


def test_the_readme_is_short() -> None:
    assert len(text("README.md").splitlines()) <= README_LINES


def test_the_readmes_entry_declares_what_the_readme_says() -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```", text("README.md"), re.MULTILINE | re.DOTALL)
    kinds = {manifest.inputs["kind"] for manifest in deployed(yaml.safe_load(example), STACK).manifests}
    (said,) = re.findall(r"^`pulumi up` creates (.*?)\.$", text("README.md"), re.MULTILINE | re.DOTALL)
    named = {word.removesuffix("s") if word not in kinds else word for word in re.findall(r"\b[A-Z]\w+", said)}
    named = {"NetworkPolicy" if word == "NetworkPolicie" else word for word in named} - {"Pod", "Security"}
    assert named == kinds


def test_every_key_of_a_stack_file_is_described() -> None:
    keys = {info.alias or name for name, info in StackSettings.model_fields.items()}
    described = [row for row in rows("docs/stack-files.md") if row.startswith("`slipway:")]
    assert {row.strip("`").removeprefix("slipway:") for row in described} == keys


def test_every_stack_file_is_described() -> None:
    described = set(re.findall(r"Pulumi\.[a-z-]+\.yaml", " ".join(rows("docs/stack-files.md"))))
    assert described == {path.name for path in PROJECT.glob("Pulumi.*.yaml")}


def test_the_glossary_is_short_and_in_order() -> None:
    words = rows("docs/glossary.md")
    assert len(words) <= GLOSSARY_WORDS
    assert words == sorted(words, key=str.lower)


def anchors(page: Path) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def test_every_link_between_pages_leads_somewhere() -> None:
    folders = (".", "docs", "docs/adr", "templates", "local")
    pages = [page for folder in folders for page in (PROJECT / folder).glob("*.md")]
    assert len(pages) > 30
    missing = [
        f"{page.relative_to(PROJECT)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
        if "://" not in link and not leads_somewhere(page, link)
    ]
    assert missing == []


def test_the_answers_to_the_twenty_questions_are_in_at_most_three_files_that_exist() -> None:
    section = text("CONTRIBUTING.md").partition("## Twenty questions")[2].partition("\n## ")[0]
    answers = [line.split(" | ")[-1] for line in section.splitlines() if re.match(r"\| \d+ \|", line)]
    files = [re.findall(r"`([^`]+)`", answer) for answer in answers]
    assert len(files) == 20
    assert all(1 <= len(found) <= 3 for found in files)
    assert [name for found in files for name in found if not (PROJECT / name).is_file()] == []


RIDDLES = re.compile(r"\b(so many|what it must|for somebody who|as far as|such as are|is borne)\b", re.IGNORECASE)
"""Phrases that readers asked about. Write what is meant: a number, a condition, a name."""


def test_no_phrase_that_readers_asked_about() -> None:
    folders = ("models", "components", "sizing", "delivery", "serving", "local", "bench", "schema", "docs", "templates")
    paths = [
        path for folder in folders for path in (PROJECT / folder).rglob("*.*") if path.suffix in (".py", ".md", ".json")
    ]
    paths += [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "__main__.py")]
    assert len(paths) > 300
    found = [
        f"{path.relative_to(PROJECT)}:{number}: {line.strip()}"
        for path in paths
        if "adr" not in path.parts
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if RIDDLES.search(line)
    ]
    assert found == []
