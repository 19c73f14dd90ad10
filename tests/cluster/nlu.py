"""The deployed text understanding, asked through the proxy and looked at through the API server and from inside."""

import copy
import json
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, cast

import httpx
import yaml

from tests.cluster.copies import ready
from tests.cluster.program import Program
from tests.cluster.stack import Done, Json, Stack, config_of, project_elsewhere
from tests.cluster.traffic import Ingress, Tally, steady
from tests.recording import PROJECT

STACK = NAMESPACE = "nlu-dev"
SERVICE = "nlu"
CONTAINER = "server"
PORT = 7860
SENTENCE = {"text": "Zorblax called yesterday.", "schema": {"person": None, "place": None}}


@dataclass(frozen=True)
class Nlu(Program):
    """One stack of the nlu entry, which tests edit."""

    seconds: ClassVar[float] = 600
    overlay: Json = field(default_factory=dict[str, Any])
    """What dev says of the service beside what is committed."""

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, **overlay: Any) -> "Nlu":
        """The program with a catalogue of one entry, as committed but for the overlay."""
        made = cls(stack, folder, STACK, overlay)
        project_elsewhere(folder, made.entry())
        # A copy: whoever edits a source meanwhile must not make an image build out of a configuration change.
        (folder / "serving").unlink()
        shutil.copytree(PROJECT / "serving", folder / "serving", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config_of(STACK)}))
        return made

    def entry(self, **files: Any) -> Json:
        """The committed entry, with other configuration files or another way to change them."""
        entry = cast("Json", yaml.safe_load((PROJECT / "catalog" / "nlu.yaml").read_text()))
        entry["services"][SERVICE]["files"].update(copy.deepcopy(files))
        entry["environments"]["dev"]["services"][SERVICE].update(self.overlay)
        return entry

    def up(self, **files: Any) -> Done:
        """Deploy the entry with these configuration files."""
        (self.folder / "catalog" / "nlu.yaml").write_text(yaml.safe_dump(self.entry(**files), sort_keys=False))
        return super().up()

    def ingress(self) -> Ingress:
        """Where the service is asked."""
        service = self.outputs()[SERVICE]
        return Ingress(service["url"], service["host"])

    def client(self) -> httpx.Client:
        """A client of the proxy, for this service's host."""
        found = self.ingress()
        return httpx.Client(base_url=found.url, headers={"Host": found.host}, timeout=15)

    def pods(self, workload: str = SERVICE, slot: str = "") -> list[Json]:
        """Return the pods that are ready and not being deleted, the oldest first."""
        return [pod for pod in super().pods(workload, slot) if ready(pod)]

    def python(self, pod: str, script: str) -> Any:
        """Run a script in a pod's container; what it prints as JSON."""
        return json.loads(self.kubectl("exec", pod, "-c", CONTAINER, "--", "python", "-c", script))

    def inside(self, pod: Json, port: int = PORT) -> httpx.Client:
        """A client of one pod, past proxy and Service."""
        return httpx.Client(base_url=f"http://{pod['status']['podIP']}:{port}", timeout=15)

    def config_maps(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.found("configmaps")["items"]}


def identities(pods: list[Json]) -> dict[str, int]:
    """Pods by uid with their restarts: what stays the same where nothing is restarted."""
    return {
        pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"]) for pod in pods
    }


@contextmanager
def load(nlu: Nlu, *, per_second: float = 20, at_most: int = 12_000) -> Generator[Tally]:
    """Ask for one sentence at a steady rate until the block ends."""
    with (
        nlu.client() as client,
        steady(lambda: client.post("/", json=SENTENCE).status_code, per_second=per_second, at_most=at_most) as tally,
    ):
        yield tally
