"""The deployed human parsing: requests through the proxy, its objects, and its pods from inside."""

import base64
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import httpx
import psutil
import yaml
from PIL import Image

from serving.payloads.parsing.answers import labels_of
from serving.payloads.parsing.api import MOST_FILES
from serving.payloads.parsing.iou import Labels, overlap
from serving.payloads.parsing.training.people import Picture, pictures
from tests.cluster.copies import ready
from tests.cluster.program import Program
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere
from tests.recording import PROJECT

STACK = NAMESPACE = "parsing-dev"
SERVICE, WORKER, QUEUE = "parsing", "worker", "queue"
LARGE_SERIES = 9
"""First number in the seeds of the large pictures."""
COLOURS_OF_FIRST_MASK = """
const mask = document.querySelector("figure:last-of-type img.mask"), canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [mask.naturalWidth, mask.naturalHeight];
const brush = canvas.getContext("2d");
brush.drawImage(mask, 0, 0);
const {data} = brush.getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
return [...seen].map(colour => colour.split(",").map(Number));
"""
"""JavaScript that returns the colors of the first mask."""


@dataclass(frozen=True)
class Parsing(Program):
    """One stack of the parsing entry."""

    seconds: ClassVar[float] = 900

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, **worker: Any) -> "Parsing":
        """Return the program with the committed catalogue, or with only this entry if the worker's fields change."""
        entry = cast("Json", yaml.safe_load((PROJECT / "catalog" / "parsing.yaml").read_text()))
        entry["environments"]["dev"]["services"][WORKER].update(worker)
        made = cls(stack, project_elsewhere(folder, entry if worker else None), STACK)
        made.configure()
        return made

    def configure(self, **release: Any) -> None:
        """Write the committed stack file, with another ``slipway:release`` if one is given."""
        config = config_of(STACK)
        if release:
            config["slipway:release"] = release
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        """Return an HTTP client for the service, through the proxy, from one loopback address."""
        service = self.output()
        transport = httpx.HTTPTransport(local_address=source)
        return httpx.Client(base_url=service["url"], headers={"Host": service["host"]}, timeout=60, transport=transport)

    def output(self) -> Json:
        """Return the stack's output for the service."""
        return self.outputs()[SERVICE]

    def ready(self, workload: str) -> list[Json]:
        """Return the pods of a workload that are ready."""
        return [pod for pod in self.pods(workload) if ready(pod)]

    def python(self, pod: Json, script: str) -> Any:
        """Run a Python script in a pod's first container; return what it prints as JSON."""
        container = pod["spec"]["containers"][0]["name"]
        name = pod["metadata"]["name"]
        return json.loads(self.kubectl("exec", name, "-c", container, "--", "python", "-c", script))

    def health(self, pod: Json) -> tuple[int, str]:
        """Return status and reason from a pod's health endpoint."""
        script = (
            "import http.client,json,os;c=http.client.HTTPConnection('127.0.0.1',int(os.environ['PORT']));"
            "c.request('GET','/health');r=c.getresponse();print(json.dumps([r.status,json.load(r).get('reason','')]))"
        )
        status, reason = self.python(pod, script)
        return status, reason

    def metrics(self, pod: Json) -> dict[str, float]:
        """Return a pod's metrics by name with labels."""
        script = (
            "import http.client,json,os;port=int(os.environ['SLIPWAY_MANAGEMENT_PORT']);"
            "c=http.client.HTTPConnection('127.0.0.1',port);c.request('GET','/metrics');print(json.dumps(c.getresponse().read().decode()))"
        )
        lines = [line.rpartition(" ") for line in self.python(pod, script).splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}


def process_of(pod: Json, command: str) -> psutil.Process:
    """Return a process of a pod, for tests that kill it: it then cleans nothing up, as after a crash."""
    (found,) = [each for each in psutil.process_iter() if _runs_in(each, pod) and command in " ".join(_command(each))]
    return found


def _runs_in(process: psutil.Process, pod: Json) -> bool:
    try:
        return uid(pod) in Path(f"/proc/{process.pid}/cgroup").read_text()
    except OSError:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def restarts(pod: Json) -> int:
    """Return how often a pod's containers were restarted."""
    return sum(int(status["restartCount"]) for status in pod["status"].get("containerStatuses", []))


def uid(pod: Json) -> str:
    """Return a pod's UID."""
    return str(pod["metadata"]["uid"])


def form(contents: Sequence[bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    """Return a form with pictures."""
    return [("file", (f"{number}.jpg", content, "image/jpeg")) for number, content in enumerate(contents)]


def mask_of(result: Json) -> Labels:
    """Return the labels in an answer."""
    return labels_of(base64.b64decode(result["mask"]))


def large(number: int, side: int = 3600) -> bytes:
    """Return a picture that takes long to parse; each number gives another picture."""
    picture: Picture = next(pictures([LARGE_SERIES, number], 1))
    content = io.BytesIO()
    Image.fromarray(picture.pixels).resize((side, side)).save(content, "JPEG", quality=60)
    return content.getvalue()


def batches(people: list[Picture]) -> Iterator[list[Picture]]:
    """Yield batches as large as one request may be."""
    for first in range(0, len(people), MOST_FILES):
        yield people[first : first + MOST_FILES]


def measured(client: httpx.Client, people: list[Picture]) -> float:
    """Return the mean IoU of pictures that are sent in batches."""

    def masks() -> Iterator[tuple[Json, Picture]]:
        for batch in batches(people):
            reply = client.post("/api/parse", files=form([picture.encoded() for picture in batch]))
            assert reply.status_code == 200, reply.text
            yield from zip(reply.json()["results"], batch, strict=True)

    return overlap((mask_of(result), picture.labels) for result, picture in masks()).mean


def submitted(client: httpx.Client, contents: list[bytes]) -> str:
    """Submit a job; return its path."""
    reply = client.post("/api/jobs", files=form(contents))
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == reply.json()["links"]["self"]
    return str(reply.headers["location"])


def done_of(client: httpx.Client, job: str) -> int:
    """Return how many pictures of a job are done; 0 while the queue is unavailable."""
    reply = client.get(job)
    return int(reply.json()["progress"]["done"]) if reply.status_code == 200 else 0


def finished(client: httpx.Client, job: str) -> bool:
    """Return whether a job is done; False while the queue is unavailable."""
    reply = client.get(job)
    return reply.status_code == 200 and reply.json()["state"] == "done"


def fetched(parsing: Parsing, pod: Json) -> Json:
    """Return the init container's last report of what it fetched."""
    init = pod["spec"]["initContainers"][0]["name"]
    lines = parsing.kubectl("logs", pod["metadata"]["name"], "-c", init).splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{") and "bytesFetched" in line]
    return found[-1]
