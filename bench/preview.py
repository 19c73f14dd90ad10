"""`make bench-preview`: compare how long `pulumi preview` takes with Slipway and with a flat, hand-written program.

Both declare the same objects for N services and preview them as new against the same cluster with the same plugin. The
flat program uses the default provider, as hand-written programs do; the provider's client limit of 50 requests/s counts
against it, and Slipway's components and validation count against Slipway. Runs alternate, so that a slower machine
slows both.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from bench import system
from bench.process import Run, measured
from components.manifests.settings import FILE, settings_file
from models.entry import CatalogueEntry
from models.parsing import parse

PROJECT = Path(__file__).parent.parent
ROUNDS = {1: 5, 10: 3, 100: 3}
"""Services → counted runs of each side, after one uncounted run."""
CONTEXT = os.environ.get("BENCH_CONTEXT", "slipway-local")
PREVIEW = ["pulumi", "preview", "-s", "bench", "--non-interactive", "--suppress-outputs"]


def environment(folder: Path, services: int) -> dict[str, str]:
    """Return the environment of both sides: the same tools, an empty backend, and the flat program's settings."""
    spec = parse(CatalogueEntry, system.entry(1), "bench: ").services["model-0"]
    settings = settings_file(spec)
    assert settings  # noqa: S101 -- the benchmark's service is Slipway's own server
    # A user's Python caches byte code. If a CI machine disables that, every run would compile Slipway's modules again.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PATH": f"{PROJECT / '.venv' / 'bin'}:{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "BENCH_SERVICES": str(services),
        "BENCH_IMAGE": system.IMAGE,
        "BENCH_SETTINGS": settings.data[FILE],
        "BENCH_SETTINGS_HASH": settings.content_hash,
    }


def slipway_project(folder: Path, services: int) -> Path:
    """Create a project with Slipway's program and a catalogue that holds the bench system."""
    project = folder / "slipway"
    project.mkdir()
    for name in ("__main__.py", "models", "components", "sizing", "serving", "Pulumi.yaml"):
        (project / name).symlink_to(PROJECT / name)
    (project / "catalog").mkdir()
    for module in (PROJECT / "catalog").glob("*.py"):
        shutil.copy(module, project / "catalog")
    (project / "catalog" / "profiles").symlink_to(PROJECT / "catalog" / "profiles")
    (project / "catalog" / "bench.yaml").write_text(yaml.safe_dump(system.entry(services)), "utf-8")
    config = {f"slipway:{key}": value for key, value in system.stack(services, CONTEXT).items()}
    (project / "Pulumi.bench.yaml").write_text(yaml.safe_dump({"config": config}), "utf-8")
    return project


def flat_project(folder: Path) -> Path:
    """Create a project with the hand-written program."""
    project = folder / "flat"
    shutil.copytree(PROJECT / "bench" / "flat", project)
    return project


def compare(services: int, console: Console) -> tuple[list[Run], list[Run]]:
    """Preview both programs in turn."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as name:
        folder = Path(name)
        (folder / "state").mkdir()
        env = environment(folder, services)
        projects = (slipway_project(folder, services), flat_project(folder))
        for project in projects:
            subprocess.run(["pulumi", "stack", "init", "bench"], cwd=project, env=env, check=True, capture_output=True)
        runs: tuple[list[Run], list[Run]] = ([], [])
        for round_number in range(ROUNDS[services] + 1):
            for side, project in zip(runs, projects, strict=True):
                run = measured(PREVIEW, cwd=project, env=env)
                console.print(f"{services} services, round {round_number}, {project.name}: {run.seconds:.1f} s")
                if round_number:  # the first run warms caches
                    side.append(run)
        return runs


def main() -> None:
    """Measure every size, or those given as arguments, and print times, memory and ratios."""
    console = Console(width=100)
    table = Table(
        "services", "slipway s", "flat s", "ratio", "slipway MiB", "flat MiB", title="pulumi preview, medians"
    )
    ratios: dict[str, float] = {}
    sizes = [int(size) for size in sys.argv[1:]] or list(ROUNDS)
    for services in sizes:
        ours, flat = compare(services, console)
        seconds = [statistics.median(run.seconds for run in side) for side in (ours, flat)]
        memory = [statistics.median(run.peak_mebibytes for run in side) for side in (ours, flat)]
        # Compare pairs, because both runs of a round met the same machine.
        ratio = statistics.median(a.seconds / b.seconds for a, b in zip(ours, flat, strict=True))
        ratios[str(services)] = round(ratio, 3)
        times = (f"{seconds[0]:.2f}", f"{seconds[1]:.2f}", f"{ratio:.2f}")
        table.add_row(str(services), *times, f"{memory[0]:.0f}", f"{memory[1]:.0f}")
    console.print(table)
    sys.stdout.write(f"ratio slipway/flat: {json.dumps(ratios)}\n")


if __name__ == "__main__":
    main()
