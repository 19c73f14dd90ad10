"""The preview benchmark is fair: both programs ask for the same objects."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml

import catalog
from bench import system
from bench.preview import environment
from components.system import System, SystemArgs
from models.entry import CatalogueEntry
from models.parsing import parse
from models.resolve import resolve
from models.stack import StackSettings
from tests.recording import PROJECT, Recorded, record


def objects(recorded: Recorded) -> dict[str, Any]:
    return {f"{r.kind}/{r.object_name}": json.loads(json.dumps(r.inputs, sort_keys=True)) for r in recorded.manifests}


@pytest.mark.slow
@pytest.mark.parametrize("services", [1, 3])
def test_the_flat_program_declares_what_slipway_declares(
    services: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = parse(
        CatalogueEntry, catalog.with_profiles(yaml.safe_load(yaml.safe_dump(system.entry(services)))), "bench"
    )
    spec = resolve(parse(StackSettings, system.stack(services, "any"), "bench"), entry)
    ours = objects(record(lambda: System(spec.name, SystemArgs(spec=spec))))
    for name, value in environment(tmp_path, services).items():
        if name.startswith("BENCH_"):
            monkeypatch.setenv(name, value)
    for name in [name for name in ours if name.startswith("Deployment/")]:
        del ours[name]["metadata"]["annotations"]  # Slipway waits for pods itself, and says so there
    flat = objects(record(lambda: runpy.run_path(str(PROJECT / "bench" / "flat" / "__main__.py"))))
    assert len(flat) == 5 + 10 * services
    assert flat == ours
