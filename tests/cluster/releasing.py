"""A small system to release: one service, one stack, the real `slipway`, and a load that continues."""

import sys
import time
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from components import names
from tests.cluster import seen
from tests.cluster.commanded import Commanded, Started, started
from tests.cluster.copies import SMALL, Copy, by_name, entry, image, initialised, service
from tests.cluster.faulty import Fault
from tests.cluster.faulty import image as faulty_image
from tests.cluster.seen import Answer, Load
from tests.cluster.stack import Json, Stack, project_elsewhere, run
from tests.cluster.traffic import Ingress

SERVICE = "reader"
ENVIRONMENT = "later"
"""Not the building environment, whose first deployment is a build and not a release."""
MODEL = "s3://models/digits/1"
COOKIE = "reader"
BUSY: Json = SMALL | {"requests": SMALL["requests"] | {"cpu": "300m"}}
"""The CPU request that 200 requests/s take, so that each slot keeps its share while Pulumi runs beside it."""
ROLLOUT: Json = {"progressDeadline": "90s", "timeout": "120s"}
"""For good versions: their pods take seconds to start, more on a busy machine."""
HASTY: Json = {"progressDeadline": "15s", "timeout": "20s"}
"""For versions that never become ready, because tests wait for the failure."""
QUEUE = 512
"""Requests that may wait. On two cores, an update can delay the server for a second, and no request may be refused."""
REFUSED, ROLLED_BACK, INCONCLUSIVE, WAITS = 1, 3, 4, 5
"""Exit codes."""
COMMAND_SECONDS = 600
"""Time limit of a command: longer than any release here, so that a hang fails only its test."""
WARM = "5s"
"""How long the old slot is kept after a promotion."""
SLOW_SECONDS = 0.25
"""Limit of a slow answer in the figures; an answer of `faulty.SLOW` takes 0.3 s longer than a good one."""
GATE: Json = {"errors": {"margin": 5}, "latency": {"within": "200ms", "margin": 20}, "deadline": "90s"}
"""At 200 requests/s, a verdict with these margins takes seconds. The deadline allows for a busy machine."""
ROLLING: Json = {"strategy": "rolling", "gate": GATE}
BLUE_GREEN: Json = {"strategy": "blueGreen", "warm": WARM, "gate": GATE}
CANARY: Json = {"strategy": "canary", "warm": WARM, "gate": GATE, "steps": [20, 50, 100]}
NOT_A_SECOND_LONGER: Json = CANARY | {"gate": GATE | {"deadline": "6s"}}
"""For releases that end without a verdict."""
SIDE_BY_SIDE: Json = {"strategy": "ab", "warm": WARM, "gate": GATE, "weight": 50}


def content(name: str, strategy: Json, *, sticky: bool = False, rollout: Json = ROLLOUT) -> Json:
    """Return a catalogue entry with one service that has this strategy."""
    session = {"session": {"cookie": COOKIE}} if sticky else {}
    one = service(
        name,
        MODEL,
        resources=BUSY,
        server={"queueLimit": QUEUE},
        health={"startup": "15s"},
        rollout=rollout,
        route={"host": f"{name}.slipway.test", "path": "/predict", **session},
        monitoring={"interval": "1s"},
        release=strategy,
    )
    return entry(name, {SERVICE: one}, environments={"dev": {}, ENVIRONMENT: {}})


@dataclass(frozen=True)
class Releasing:
    """The system, deployed by the first release."""

    copy: Copy
    original: str
    """The classifier's own image."""

    @property
    def service(self) -> str:
        """Name of the service that is released."""
        return SERVICE

    def strategy(self, strategy: Json, *, sticky: bool = False, rollout: Json = ROLLOUT) -> None:
        """Set the strategy of the next release in the catalogue."""
        file = self.copy.folder / "catalog" / f"{self.copy.name}.yaml"
        said = content(self.copy.name, strategy, sticky=sticky, rollout=rollout)
        file.write_text(yaml.safe_dump(said, sort_keys=False))

    def command(self, command: str, *arguments: str) -> list[str]:
        """Return the command line of a `slipway` command about the service."""
        told = (self.copy.name, self.service, *arguments) if command != "status" else (self.copy.name,)
        events = ("--events",) if command in _MOVING else ()
        return [sys.executable, "-m", "delivery", "-C", str(self.copy.folder), command, *told, "--json", *events]

    def slipway(self, command: str, *arguments: str) -> Commanded:
        """Run a command about the service, as CI does."""
        began = time.time()
        done = run(*self.command(command, *arguments), env=self.copy.stack.env, timeout=COMMAND_SECONDS)
        return Commanded(began, time.time() - began, done)

    def running(self, command: str, *arguments: str) -> AbstractContextManager[Started]:
        """Start a command; kill it at the end if it still runs."""
        return started(self.command(command, *arguments), self.copy.stack.env, self.copy.stack.folder / "events.jsonl")

    def release(self, fault: Fault, *arguments: str) -> Commanded:
        """Release an image with this fault."""
        return self.slipway("release", "--image", self.image(fault), *arguments)

    def image(self, fault: Fault) -> str:
        """Return the image with this fault, by digest."""
        return faulty_image(self.original, fault)

    def version(self, fault: Fault) -> str:
        """Return the version that answers of the image with this fault name."""
        return self.image(fault).partition("@")[2]

    @property
    def ingress(self) -> Ingress:
        """The address of the service, known before it is deployed."""
        url = self.copy.settings["slipway:cluster"]["ingressUrl"]
        return Ingress(f"{url}/predict", f"{self.copy.name}.slipway.test")

    @property
    def file(self) -> Path:
        """The stack file."""
        return self.copy.folder / f"Pulumi.{self.copy.name}.yaml"

    def declared(self) -> Json:
        """The stack file's configuration."""
        return cast("Json", yaml.safe_load(self.file.read_text())["config"])

    def declare(self, **cluster: str | None) -> None:
        """Edit ``slipway:cluster`` of the stack file as a person would; None removes a key."""
        text = cast("Json", yaml.safe_load(self.file.read_text()))
        said = {**text["config"]["slipway:cluster"], **cluster}
        text["config"]["slipway:cluster"] = {key: value for key, value in said.items() if value is not None}
        self.file.write_text(yaml.safe_dump(text, sort_keys=False))

    def live(self) -> str:
        """Return the live slot in the stack file."""
        return str(self.declared()["slipway:release"][self.service]["live"])

    def refused(self, *arguments: str) -> str:
        """Ask for a release that must be refused before anything is written; return the error."""
        before = self.file.read_bytes()
        refused = self.slipway("release", *arguments)
        assert refused.code == REFUSED, refused.said
        assert self.file.read_bytes() == before
        return str(refused.document["error"])

    def forgive(self, version: Fault) -> None:
        """Remove the holds on a version, if there are any."""
        holds = self.declared().get("slipway:delivery", {}).get(self.service, {}).get("holds", [])
        if any(held["image"] == self.image(version) for held in holds):
            forgiven = self.slipway("release-hold", self.image(version))
            assert forgiven.code == 0, forgiven.said

    def weights(self) -> Json:
        """Return the percentage of requests of each slot, from the API server."""
        found = by_name(self.copy.found("ingresses")["items"])
        slots = {role: str(_backend(ingress)).rpartition("-")[2] for role, ingress in found.items()}
        canary = names.canary_name(self.service)
        if canary not in found:
            return {slots[self.service]: 100}
        weight = int(found[canary]["metadata"]["annotations"]["nginx.ingress.kubernetes.io/canary-weight"])
        return {slots[self.service]: 100 - weight, slots[canary]: weight}

    def agrees(self) -> None:
        """Assert that file, state and cluster agree, by `slipway status` and by `pulumi preview`."""
        status = self.slipway("status")
        assert status.code == 0, status.said
        assert status.document["services"][self.service]["differences"] == []
        done = self.copy.pulumi("preview", "--expect-no-changes")
        assert done.returncode == 0, done.stdout + done.stderr


def _backend(ingress: Json) -> str:
    return str(ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"])


_MOVING = {"release", "step", "resume", "abort", "rollback", "approve"}


@dataclass(frozen=True)
class Life:
    """The system, and a load that began before its first deployment."""

    system: Releasing
    load: Load

    def since(self, command: Commanded | Started) -> list[Answer]:
        """Return the answers that users got since the start of a command."""
        return self.load.since(command.began)

    def lost(self, command: Commanded | Started, *bad: Fault) -> dict[str, int]:
        """Count the failures since the start of a command, except those of the bad versions themselves."""
        return dict(seen.machinery(self.since(command), {self.system.version(fault) for fault in bad}))


@contextmanager
def releasing(stack: Stack, folder: Path, name: str, strategy: Json, **cluster: object) -> Generator[Releasing]:
    """Create the system without deploying it; ``cluster`` is added to the dev stack's ``slipway:cluster``."""
    project = project_elsewhere(folder, content(name, strategy))
    with initialised(stack, project, name, environment=ENVIRONMENT) as copy:
        copy.settings["slipway:cluster"] |= cluster
        copy.write({})
        yield Releasing(copy, image("server"))
