"""``slipway`` in a process of its own, on a played stack: ``python -m tests.delivery.played FOLDER WEIGHTS COMMAND…``.

Pulumi, pods and Prometheus are played. The command line, the driver, its signals and the client of the API server that
keeps the Lease are the real ones. The gate never gets enough requests for a verdict: a release stays at its first step.
"""

import sys
import tempfile
import time
from pathlib import Path

from delivery.cluster.client import Cluster
from delivery.commands.cli import main
from delivery.release.stack import Stack
from tests.delivery.api import CONTEXT
from tests.delivery.world import CANARY, world
from tests.samples import Config

UNDECIDED: Config = CANARY | {"gate": {"errors": {"margin": 1}, "deadline": "10m"}}
FEW = 10
UPDATE_SECONDS = 0.2


def play(folder: Path, weights: Path) -> None:
    """Let every stack of this process be one of the played stack."""
    with tempfile.TemporaryDirectory() as scratch:
        given = world(Path(scratch), UNDECIDED)
    given.stack.project = folder
    for read in ("project_file", "file", "configuration", "entry", "revisions", "lock"):  # in the scratch folder
        given.stack.__dict__.pop(read, None)
    if weights.exists():  # a driver before this one has filled the other slot: it is one cluster
        given.cluster.runs["green"] = given.cluster.runs["blue"]
    given.prometheus.traffic = FEW
    given.engine.during = lambda _: time.sleep(UPDATE_SECONDS)
    apply = given.cluster.apply

    def noted(path: str, found: Config) -> None:
        apply(path, found)
        with weights.open("a") as stream:
            stream.write(f"{time.time()} {given.cluster.weights[-1]}\n")

    given.cluster.__dict__.update(apply=noted, leases=Cluster(CONTEXT))
    Stack.open = lambda *_: given.stack  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    play(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.argv[1:] = ["--cwd", *sys.argv[1:2], *sys.argv[3:]]
    main()
