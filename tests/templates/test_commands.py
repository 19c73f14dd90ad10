"""Every `slipway …` in templates and docs is a command that there is, with arguments and options that it takes."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import typer

from delivery import errors
from delivery.commands.cli import app
from delivery.errors import DeliveryError
from models.delivery import Run
from tests.each import each
from tests.recording import PROJECT
from tests.templates.workflow import WORKFLOW, document, gitlab_jobs

COMMANDS = cast("dict[str, Any]", vars(typer.main.get_command(app))["commands"])
DOCUMENTS = [
    *sorted((PROJECT / "docs").rglob("*.md")),
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "templates/README.md")),
]
RUNBOOK = PROJECT / "docs" / "runbook-releases.md"


def written(path: Path) -> Iterator[str]:
    """Commands in code spans and code blocks of a document."""
    text = path.read_text()
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from (line for line in block.splitlines() if re.match(r"\$? ?slipway [a-z]", line))
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(span.split()) for span in re.findall(r"`(slipway [a-z][^`]*)`", prose))


def driven() -> Iterator[str]:
    """Commands that the templates run, and those that a person may choose there."""
    texts = [step["run"] for job in document(WORKFLOW)["jobs"].values() for step in job["steps"] if "run" in step]
    texts += [line for job in gitlab_jobs().values() for line in job["script"]]
    for text in texts:
        if found := re.search(r"\bdrive \S+ (.+)", text):
            yield f"slipway {found[1]} --json"
    for choice in document(WORKFLOW)["on"]["workflow_dispatch"]["inputs"]["command"]["options"]:
        reason = ' --reason "why"' if choice in ("abort", "rollback", "approve") else ""
        yield f"slipway {choice} prod classifier{reason} --json"


CASES = [(path.name, line) for path in DOCUMENTS for line in written(path)] + [("templates", line) for line in driven()]


def test_there_are_commands_to_check() -> None:
    assert len([line for name, line in CASES if name == "templates"]) >= 12
    assert {name for name, _ in CASES} >= {"runbook-releases.md", "releases.md"}


def parsed(line: str) -> None:
    _, name, *arguments = shlex.split(line.lstrip("$ "), comments=True)
    assert name in COMMANDS, f"{line}: slipway has no command {name}"
    if arguments:  # a bare name is only talked about
        COMMANDS[name].make_context(name, arguments)


@each(("name", "line"), sorted(set(CASES)))
def test_a_command_in_the_text_is_one_that_the_program_takes(name: str, line: str) -> None:
    assert name
    parsed(line)


@pytest.mark.parametrize("line", ["slipway promt dev staging", "slipway status prod --jsn", "slipway abort prod a b"])
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(Exception, match=r"promt|--jsn|b\b"):
        parsed(line)


def sections(path: Path) -> set[str]:
    titles = re.findall(r"^##+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def links() -> Iterator[tuple[Path, str]]:
    for path in [*DOCUMENTS, PROJECT / "templates" / "ci.sh"]:
        for target in re.findall(r"\]\(([^)\s]*#[^)\s]+)\)|\$page(#[\w-]+)", path.read_text()):
            yield path, target[0] or f"{RUNBOOK}{target[1]}"


def test_every_link_to_a_section_leads_to_one() -> None:
    found = [(path, link) for path, link in links() if "://" not in link]
    assert len(found) > 20
    for path, link in found:
        name, _, section = link.partition("#")
        assert section in sections((path.parent / name) if name else path), f"{path.name}: {link}"


STOPS: dict[str, set[str]] = {
    "Refused": {"held", "evidence", "refused"},
    "Busy": {"busy"},
    "Conflict": {"conflict"},
    "Unreadable": {"conflict", "refused"},
    "Lost": {"busy"},
    "StaleObject": {"busy"},
    "Forbidden": {"busy"},
    "Unchanged": {"refused"},
    "UpdateFailed": {"update-failed"},
    "UpdatePutOff": {"source-away"},
    "MetricsUnavailable": {"source-away"},
    "MetricsForbidden": {"refused", "source-away"},
    "ClusterUnavailable": {"source-away"},
}
OUTCOMES = {
    "rolled back": "rolled-back", "inconclusive": "inconclusive", "aborted": "waiting", "superseded": "waiting",
}  # fmt: skip


def test_every_way_to_stop_has_its_section() -> None:
    kinds = {name for name, kind in vars(errors).items() if isinstance(kind, type) and kind is not DeliveryError}
    assert {name for name in kinds if issubclass(getattr(errors, name), DeliveryError)} == STOPS.keys()
    there = sections(RUNBOOK)
    assert set().union(*STOPS.values()) <= there
    outcome = str(Run.model_fields["outcome"].annotation)
    assert set(re.findall(r"'([\w ]+)'", outcome)) == OUTCOMES.keys()
    assert set(OUTCOMES.values()) | {"interrupted", "switch-back", "drain", "drift", "split-not-observed"} <= there


MESSAGES = {
    "its verdict was revoked": "evidence", "must soak for": "evidence", "a verdict is valid for": "evidence",
    "its verdict is": "evidence", "has no evidence about": "evidence", "cannot be read": "evidence", "is held": "held",
    "no verdict within": "inconclusive", "metrics source:": "inconclusive",
    "no requests to the new slot": "inconclusive", "no data yet": "inconclusive",
    "another person or process has changed": "conflict", "no longer gets requests": "conflict",
    "traffic is unchanged": "conflict",
    "was not observed": "split-not-observed", "another slipway process holds it": "busy",
    "writes no more changes": "busy", "the lock does not cover other machines": "busy",
    "pulumi cancel": "busy", "waits for approval": "waiting", "interrupted at": "interrupted",
    "has no version before": "switch-back", "declared, but never deployed": "drift",
    "but no release is under way": "drift", "nothing to release": "refused", "no release is under way": "refused",
    "the API server does not answer": "source-away",
}  # fmt: skip


@each("words", MESSAGES)
def test_a_message_that_the_runbook_explains_is_one_that_the_program_says(words: str) -> None:
    code = " ".join(path.read_text() for folder in ("delivery", "models") for path in (PROJECT / folder).rglob("*.py"))
    joined = re.sub(r'"\s+f?"', "", code)
    assert words in joined
    titles = re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    title = next(name for name in titles if _slug(name) == MESSAGES[words])
    section = RUNBOOK.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    assert words in " ".join(section.split())


def _slug(title: str) -> str:
    return title.lower().replace(" ", "-")
