"""The API server accepts the edge values of every field that the models accept, and stores them as meant.

The models may refuse more than the API server does.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from components.api_client import ApiClient
from tests.cluster import dry_run
from tests.cluster.dry_write import DryWriter, Refused
from tests.cluster.stack import Stack
from tests.edges import bases
from tests.edges.judging import Case, Manifests, cases, every_field, judged, of_base
from tests.edges.meaning import strays
from tests.rendering import Object

pytestmark = pytest.mark.long

PARTS = (
    *(f"entry.services.*.{key}" for key in ("release", "sidecars", "init", "health")),
    *("entry.services", "entry", "stack"),
)
"""Fields, by the beginning of their path: each belongs to the first part that fits. A test has 15 minutes."""
LEAST = 300
SHOWN = 60
"""Maximum lines of one kind in the message of a failure."""


@dataclass
class Found:
    """The results of the cases."""

    refused: Counter[str] = field(default_factory=Counter[str])
    """The values that the models refuse, by field."""
    accepted: int = 0
    lax: list[str] = field(default_factory=list[str])
    """Values that the models accept and the API server refuses."""
    otherwise: list[str] = field(default_factory=list[str])
    """Values that the API server would store differently."""
    skipped: Counter[str] = field(default_factory=Counter[str])
    """Manifests of kinds that this API server does not know."""
    answers: dict[str, str] = field(default_factory=dict[str, str])
    """The result of each manifest, by its text, because many cases declare the same manifest."""


@pytest.fixture(scope="module")
def writer(stack: Stack) -> Iterator[DryWriter]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", stack.env["KUBECONFIG"])
        patch.setenv("EDGE_KEY", "secret-value")
        own = of_base("nginx")["Namespace", bases.NAMESPACE]
        with dry_run.namespace(stack, own) as name:
            yield DryWriter(ApiClient("slipway-local"), name)


def ask(writer: DryWriter, manifests: Manifests, found: Found) -> tuple[str, str]:
    """Return why the API server refuses one of the manifests, or what it would store otherwise; both may be empty."""
    for (kind, name), manifest in manifests.items():
        if not writer.serves(manifest):
            found.skipped[kind] += 1
            continue
        key = repr(manifest)
        if key not in found.answers:
            found.answers[key] = _answer(writer, manifest)
        said = found.answers[key]
        if said:
            refused, _, otherwise = said.partition("\0")
            return f"{kind} {name}: {refused}" if refused else "", f"{kind} {name}{otherwise}" if otherwise else ""
    return "", ""


def _answer(writer: DryWriter, manifest: Object) -> str:
    try:
        stored = writer.written(manifest)
    except Refused as refused:
        return str(refused)
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "namespace"}
    other = next(strays({**manifest, "metadata": metadata}, stored), "")
    return f"\0{other}" if other else ""


def judge(case: Case, writer: DryWriter, found: Found) -> None:
    """Compare the verdicts of the models and of the API server on one case."""
    judgment = judged(case)
    if judgment.manifests is None:
        found.refused[str(case.field)] += 1
        return
    found.accepted += 1
    refused, otherwise = ask(writer, judgment.manifests, found)
    if refused:
        found.lax.append(f"{case}: {refused}")
    if otherwise:
        found.otherwise.append(f"{case}: {otherwise}")


def test_the_api_server_accepts_the_bases(writer: DryWriter) -> None:
    """Otherwise a refused manifest would say nothing about a value."""
    found = Found()
    assert {name: ask(writer, of_base(name), found) for name in bases.BASES} == dict.fromkeys(bases.BASES, ("", ""))


@pytest.mark.parametrize("part", PARTS)
def test_what_the_models_accept_the_api_server_accepts_and_stores(
    writer: DryWriter, part: str, facts: list[str]
) -> None:
    own = [one for one in every_field() if next(filter(str(one).startswith, PARTS)) == part]
    tried, found = [case for one in own for case in cases(one)], Found()
    for case in tried:
        judge(case, writer, found)
    facts.append(f"edge values of {part}: {len(tried)} of {len(own)} fields, {found.accepted} accepted by the models")
    facts.append(
        f"edge values of {part}: {found.refused.total()} refused by the models: {found.refused.most_common(9)}"
    )
    facts.append(f"edge values of {part}: {len(found.answers)} manifests; of unknown kinds: {dict(found.skipped)}")
    assert found.accepted >= LEAST, "too few values reach the API server"
    listed = "\n".join([*found.lax[:SHOWN], "stored otherwise:", *found.otherwise[:SHOWN]])
    assert not found.lax, f"{len(found.lax)} values accepted by the models alone:\n{listed}"
    assert not found.otherwise, f"{len(found.otherwise)} values stored otherwise:\n{listed}"
