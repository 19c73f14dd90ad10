"""The deployed face recognition, asked through the proxy and looked at through the API server."""

import itertools
import json
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, cast

import httpx
import yaml

from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture
from serving.tests.collector import Collector
from tests.cluster.copies import ready
from tests.cluster.program import Program
from tests.cluster.stack import Done, Json, Stack, config_of, project_elsewhere, run
from tests.cluster.traffic import Tally, steady
from tests.recording import PROJECT

STACK = "faces-dev"


@dataclass(frozen=True)
class Project(Program):
    """The stack of the faces entry, which sends its traces to the collector."""

    seconds: ClassVar[float] = 600
    collector: Collector

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, collector: Collector) -> "Project":
        """The program as committed."""
        made = cls(stack, project_elsewhere(folder), STACK, collector)
        if not (folder / "images").exists():
            (folder / "images").symlink_to(PROJECT / "images")
        made.configure()
        return made

    def configure(self) -> None:
        """Write the committed stack file, with traces to the collector."""
        config = {**config_of(STACK), "slipway:tracing": {"url": self.collector.endpoint}}
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))

    def slipway(self, *arguments: str) -> Done:
        """Run a `slipway` command in the project's folder, as CI does."""
        command = (sys.executable, "-m", "delivery", "-C", str(self.folder), *arguments, "--json")
        return run(*command, env=self.stack.env, timeout=600)

    def served(self, pod: Json, folder: str) -> dict[str, str]:
        """Return the SHA-256 of each file below a folder of a running pod, by the file's name."""
        script = (
            "import hashlib,json,pathlib,sys;files=[p for p in pathlib.Path(sys.argv[1]).rglob('*') if p.is_file()];"
            "print(json.dumps({p.name:hashlib.sha256(p.read_bytes()).hexdigest() for p in files}))"
        )
        said = self.kubectl("exec", pod["metadata"]["name"], "--", "python3", "-c", script, folder)
        return cast("dict[str, str]", json.loads(said))

    def ready(self, workload: str) -> list[str]:
        """Return the UIDs of the workload's ready pods."""
        return [pod["metadata"]["uid"] for pod in self.pods(workload) if ready(pod)]


@dataclass(frozen=True)
class Faces:
    """The deployed system, asked through the proxy."""

    project: Project
    url: str
    host: str

    @classmethod
    def behind_proxy(cls, project: Project) -> "Faces":
        """Return the deployed system; its gateway `capture` has the route."""
        gateway = project.outputs()["capture"]
        return cls(project, gateway["url"], gateway["host"])

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        """A client with an address of its own, all of which are loopback's."""
        transport = httpx.HTTPTransport(local_address=source)
        headers = {"Host": self.host, "Content-Type": "image/jpeg"}
        return httpx.Client(base_url=self.url, headers=headers, transport=transport, timeout=30)

    def ask(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        """Ask as somebody who may enrol and delete."""
        authorized = {"Authorization": f"Bearer {self.project.stack.env['SLIPWAY_SERVICE_TOKEN']}"}
        with self.client() as client:
            return client.request(method, path, content=body, headers=authorized)

    def enrol(self, who: int) -> httpx.Response:
        return self.ask("POST", f"/enrol?person=person-{who}", picture(person(who), 0))

    def recognise(self, who: int, number: int = 1) -> httpx.Response:
        return self.ask("POST", "/recognise", picture(person(who), number))

    def names(self, people: range) -> list[str | None]:
        """Who is seen on other pictures of these people than the enrolled ones; a refused request is nobody."""
        answers = [self.recognise(who) for who in people]
        return [cast("str | None", answer.json().get("person")) for answer in answers]

    def flood(self, client: httpx.Client, requests: int) -> list[int]:
        """Ask for the health many times at once; return the statuses."""
        with ThreadPoolExecutor(16) as pool:
            return [answer.status_code for answer in pool.map(client.get, ["/health"] * requests)]


def services_of(collector: Collector, trace: bytes) -> set[str]:
    """Who has sent a part of a trace."""
    return {collector.services[span.span_id] for span in collector.spans if span.trace_id == trace}


def waterfall(collector: Collector, trace: bytes, caller: bytes) -> list[str]:
    """Check that a trace is one tree below its caller, each call inside its caller's time; say what took how long."""
    found = sorted((s for s in collector.spans if s.trace_id == trace), key=lambda span: span.start_time_unix_nano)
    by_id = {span.span_id: span for span in found}
    assert [span.parent_span_id for span in found if span.parent_span_id not in by_id] == [caller]
    for span in found[1:]:
        parent = by_id[span.parent_span_id]
        assert parent.start_time_unix_nano <= span.start_time_unix_nano, "one machine, one clock"
        assert span.end_time_unix_nano <= parent.end_time_unix_nano
    return [
        f"{collector.services[span.span_id]} {(span.end_time_unix_nano - span.start_time_unix_nano) / 1e6:.1f} ms"
        for span in found
    ]


def split(released: Done) -> list[str]:
    """What the gate saw of each step of a release."""
    return [f"{stage['stage']}: {stage.get('checks')}" for stage in json.loads(released.stdout)["stages"]]


def judged(released: Done) -> list[int]:
    """Return how many requests the new and the live version answered at their common step, as the gate counted."""
    stages = [stage for stage in json.loads(released.stdout)["stages"] if 0 < stage["weight"] < 100]
    (step,) = [stage for stage in stages if stage["checks"]]  # the other one scales for the next step
    return [step["checks"]["errors"][arm]["total"] for arm in ("candidate", "live")]


@contextmanager
def recognising(faces: Faces) -> Generator[Tally]:
    """Have the faces of ten people recognised in turn, at a steady rate, until the block ends."""
    people = itertools.cycle(range(10))
    with steady(lambda: faces.recognise(next(people)).status_code, per_second=20, at_most=20_000) as tally:
        yield tally
