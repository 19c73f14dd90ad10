"""What cluster tests make of the entries in examples/servers is still an entry, and judges what it should."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from models.entry import CatalogueEntry
from models.resolve import resolve
from models.stack import StackSettings
from tests.cluster import registry
from tests.cluster.strangers import KNOWN, LATER, SIMULATOR, Stranger
from tests.contracts.examples import NAMES, settings_of
from tests.declared import declared
from tests.samples import IMAGE, accepted

WITHOUT_GPU = set(NAMES) - {"triton", "vllm"} - {"streams"}  # tests/cluster/test_streams.py has releases of its own


def test_every_example_that_needs_no_gpu_is_released_on_the_cluster() -> None:
    assert set(KNOWN) == WITHOUT_GPU


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_released_is_valid_and_judged_by_errors_and_latency(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def digest(*_: object) -> str:
        return IMAGE.partition("@")[2]

    monkeypatch.setattr(registry, "digest_of", digest)
    copy = cast("Any", SimpleNamespace(name=f"stranger-{name}"))
    content = Stranger(copy, IMAGE, KNOWN[name]).content({"strategy": "canary", "warm": "5s", "steps": [50, 100]})
    described = accepted(CatalogueEntry, json.loads(json.dumps(content)))
    stack = {
        "system": {"entry": copy.name, "environment": LATER, "namespace": copy.name},
        "cluster": settings_of(name)["cluster"],
        "images": {"app": IMAGE},
    }
    spec = resolve(accepted(StackSettings, stack), described)
    assert declared(spec).of_kind("Deployment")
    gate = described.service_in(LATER, KNOWN[name].service).release.gate
    assert gate.errors
    assert gate.latency
    assert set(gate.histograms) == ({"first-token", "next-token"} if name == SIMULATOR else set())
