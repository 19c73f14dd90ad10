"""The deployed text understanding: requests through the proxy, its objects, and its pods from inside."""

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
    """Fields that replace those of the service in the environment dev."""

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, **overlay: Any) -> "Nlu":
        """Return the program with a catalogue of this entry, as committed except for the overlay."""
        made = cls(stack, folder, STACK, overlay)
        project_elsewhere(folder, made.entry())
        # A copy, so that an edit of the sources during the test does not start an image build.
        (folder / "serving").unlink()
        shutil.copytree(PROJECT / "serving", folder / "serving", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config_of(STACK)}))
        return made

    def entry(self, **files: Any) -> Json:
        """Return the committed entry with these changes to its configuration files."""
        entry = cast("Json", yaml.safe_load((PROJECT / "catalog" / "nlu.yaml").read_text()))
        entry["services"][SERVICE]["files"].update(copy.deepcopy(files))
        entry["environments"]["dev"]["services"][SERVICE].update(self.overlay)
        return entry

    def up(self, **files: Any) -> Done:
        """Deploy the entry with these changes to its configuration files."""
        (self.folder / "catalog" / "nlu.yaml").write_text(yaml.safe_dump(self.entry(**files), sort_keys=False))
        return super().up()

    def ingress(self) -> Ingress:
        """Return the address of the service."""
        service = self.outputs()[SERVICE]
        return Ingress(service["url"], service["host"])

    def client(self) -> httpx.Client:
        """Return an HTTP client for the service, through the proxy."""
        found = self.ingress()
        return httpx.Client(base_url=found.url, headers={"Host": found.host}, timeout=15)

    def pods(self, workload: str = SERVICE, slot: str = "") -> list[Json]:
        """Return the pods that are ready and not being deleted, the oldest first."""
        return [pod for pod in super().pods(workload, slot) if ready(pod)]

    def python(self, pod: str, script: str) -> Any:
        """Run a Python script in a pod's container; return what it prints as JSON."""
        return json.loads(self.kubectl("exec", pod, "-c", CONTAINER, "--", "python", "-c", script))

    def inside(self, pod: Json, port: int = PORT) -> httpx.Client:
        """Return an HTTP client for one pod, without proxy and Service."""
        return httpx.Client(base_url=f"http://{pod['status']['podIP']}:{port}", timeout=15)

    def config_maps(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.found("configmaps")["items"]}


def identities(pods: list[Json]) -> dict[str, int]:
    """Return the restarts of each pod by UID, which stay the same if nothing restarts."""
    return {
        pod["metadata"]["uid"]: sum(one["restartCount"] for one in pod["status"]["containerStatuses"]) for pod in pods
    }


@contextmanager
def load(nlu: Nlu, *, per_second: float = 20, at_most: int = 12_000) -> Generator[Tally]:
    """Send one sentence at a steady rate until the block ends."""
    with (
        nlu.client() as client,
        steady(lambda: client.post("/", json=SENTENCE).status_code, per_second=per_second, at_most=at_most) as tally,
    ):
        yield tally
