"""One small system in three environments of one cluster, each with a stack and a namespace of its own."""

import hashlib
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import yaml

from tests.cluster import faulty
from tests.cluster.copies import Copy, entry, service
from tests.cluster.faulty import Fault
from tests.cluster.stack import Done, Json, Stack, run

SYSTEM = "promoted"
SERVICE = "reader"
COMMAND_SECONDS = 600
JUDGED_SECONDS = 300
PER_SECOND = 60
GATE: Json = {"errors": {"margin": 10}, "deadline": "90s"}
"""A wide margin, so that a verdict takes about 80 requests of each slot."""
CANARY: Json = {"strategy": "canary", "steps": [50, 100], "warm": "0s", "gate": GATE}
ROLLING: Json = {"strategy": "rolling", "gate": GATE}


def host(environment: str) -> str:
    """Return the host of an environment."""
    return f"{SYSTEM}-{environment}.slipway.test"


def catalogue(*, soak: str = "0s", fresh: str = "1h") -> Json:
    """Return the entry in three environments; the arguments set staging's rules about the age of evidence."""

    def environment(name: str, release: Json) -> Json:
        return {"services": {SERVICE: {"route": {"host": host(name), "path": "/predict"}, "release": release}}}

    one = service(SYSTEM, "s3://models/digits/1", monitoring={"interval": "1s"})
    return entry(
        SYSTEM,
        {SERVICE: one},
        environments={
            "dev": environment("dev", {**ROLLING, "fresh": "1h"}),
            "staging": environment("staging", {**CANARY, "soak": soak, "fresh": fresh}),
            "prod": environment("prod", CANARY),
        },
    )


@dataclass(frozen=True)
class Three:
    """The stacks by environment."""

    stack: Stack
    folder: Path
    copies: dict[str, Copy]
    original: str
    built: list[str] = field(default_factory=list[str])
    """The digest that dev built."""

    def slipway(self, *arguments: str) -> Done:
        """Run a command, as CI does."""
        command = (sys.executable, "-m", "delivery", "-C", str(self.folder), *arguments)
        return run(*command, env=self.stack.env, timeout=COMMAND_SECONDS)

    def name(self, environment: str) -> str:
        return self.copies[environment].name

    def image(self, fault: Fault) -> str:
        return faulty.image(self.original, fault)

    def rules(self, **ages: str) -> None:
        """Set how old staging's evidence must and may be."""
        file = self.folder / "catalog" / f"{SYSTEM}.yaml"
        file.write_text(yaml.safe_dump(catalogue(**ages), sort_keys=False))

    def config(self, environment: str) -> Json:
        return cast("Json", yaml.safe_load(self.file(environment).read_text())["config"])

    def file(self, environment: str) -> Path:
        return self.folder / f"Pulumi.{self.name(environment)}.yaml"

    def live(self, environment: str) -> str:
        """Return the digest that an environment's live slot runs."""
        return str(self.copies[environment].output(SERVICE)["image"])

    def untouched(self) -> tuple[object, ...]:
        """Return everything that a refusal must not change: files, states, writes to the API server, pods."""
        states = [self.copies[name].pulumi("stack", "export").stdout for name in self.copies]
        kinds = "deployments,services,configmaps,ingresses,pods"
        objects = [
            (item["metadata"]["uid"], item["metadata"].get("generation"))
            for copy in self.copies.values()
            for item in copy.found(kinds)["items"]
        ]
        files = [self.file(name).read_text() for name in self.copies]
        ours = [line for line in self.stack.writes() if f"/{SYSTEM}-" in line]
        return files, [hashlib.sha256(state.encode()).hexdigest() for state in states], ours, sorted(objects)


def ok(done: Done) -> Done:
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    return done


def judged(three: Three, environment: str) -> None:
    """Judge the live version as soon as it has answered enough requests."""
    deadline = time.monotonic() + JUDGED_SECONDS
    while (done := three.slipway("check", three.name(environment), SERVICE, "--window", "10")).returncode:
        assert time.monotonic() < deadline, done.stdout + done.stderr


def refused(three: Three, line: str, *arguments: str) -> None:
    """Run a command that must be refused with this line and must change nothing."""
    before = three.untouched()
    done = three.slipway(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    said = [text for text in done.stderr.splitlines() if text.strip()]
    assert len(said) == 1, done.stderr
    assert line in said[0]
    assert three.untouched() == before
