"""The deployed human parsing, asked through the proxy and looked at through the API server and from inside."""

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
"""First number of the seeds of pictures that are only here to be large."""
COLOURS_OF_FIRST_MASK = """
const mask = document.querySelector("figure:last-of-type img.mask"), canvas = document.createElement("canvas");
[canvas.width, canvas.height] = [mask.naturalWidth, mask.naturalHeight];
const brush = canvas.getContext("2d");
brush.drawImage(mask, 0, 0);
const {data} = brush.getImageData(0, 0, canvas.width, canvas.height), seen = new Set();
for (let i = 0; i < data.length; i += 4) seen.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
return [...seen].map(colour => colour.split(",").map(Number));
"""
"""Runs in the browser: the colours that the first mask shows."""


@dataclass(frozen=True)
class Parsing(Program):
    """One stack of the parsing entry."""

    seconds: ClassVar[float] = 900

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, **worker: Any) -> "Parsing":
        """The program with the committed catalogue, or with this entry alone where dev is to say more of the worker."""
        entry = cast("Json", yaml.safe_load((PROJECT / "catalog" / "parsing.yaml").read_text()))
        entry["environments"]["dev"]["services"][WORKER].update(worker)
        made = cls(stack, project_elsewhere(folder, entry if worker else None), STACK)
        made.configure()
        return made

    def configure(self, **release: Any) -> None:
        """Write the stack file: the committed one, with another release of services."""
        config = config_of(STACK)
        if release:
            config["slipway:release"] = release
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump({"config": config}))

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        """A client of the proxy, for this service's host."""
        service = self.output()
        transport = httpx.HTTPTransport(local_address=source)
        return httpx.Client(base_url=service["url"], headers={"Host": service["host"]}, timeout=60, transport=transport)

    def output(self) -> Json:
        """Return the stack's output for the service."""
        return self.outputs()[SERVICE]

    def ready(self, workload: str) -> list[Json]:
        """Those of them that are ready."""
        return [pod for pod in self.pods(workload) if ready(pod)]

    def python(self, pod: Json, script: str) -> Any:
        """Run a script in a pod's first container; what it prints as JSON."""
        container = pod["spec"]["containers"][0]["name"]
        name = pod["metadata"]["name"]
        return json.loads(self.kubectl("exec", name, "-c", container, "--", "python", "-c", script))

    def health(self, pod: Json) -> tuple[int, str]:
        """Status and reason of a pod's own health endpoint."""
        script = (
            "import http.client,json,os;c=http.client.HTTPConnection('127.0.0.1',int(os.environ['PORT']));"
            "c.request('GET','/health');r=c.getresponse();print(json.dumps([r.status,json.load(r).get('reason','')]))"
        )
        status, reason = self.python(pod, script)
        return status, reason

    def metrics(self, pod: Json) -> dict[str, float]:
        """A pod's metrics by their name with labels."""
        script = (
            "import http.client,json,os;port=int(os.environ['SLIPWAY_MANAGEMENT_PORT']);"
            "c=http.client.HTTPConnection('127.0.0.1',port);c.request('GET','/metrics');print(json.dumps(c.getresponse().read().decode()))"
        )
        lines = [line.rpartition(" ") for line in self.python(pod, script).splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in lines}


def process_of(pod: Json, command: str) -> psutil.Process:
    """A process of a pod, to be killed: as by a crash or the kernel, nothing in it can clean up or give back."""
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
    """How often a pod's containers were started again."""
    return sum(int(status["restartCount"]) for status in pod["status"].get("containerStatuses", []))


def uid(pod: Json) -> str:
    """Identity of a pod."""
    return str(pod["metadata"]["uid"])


def form(contents: Sequence[bytes]) -> list[tuple[str, tuple[str, bytes, str]]]:
    """A form with pictures."""
    return [("file", (f"{number}.jpg", content, "image/jpeg")) for number, content in enumerate(contents)]


def mask_of(result: Json) -> Labels:
    """The labels in an answer."""
    return labels_of(base64.b64decode(result["mask"]))


def large(number: int, side: int = 3600) -> bytes:
    """A picture too large to be answered at once; each number is another one."""
    picture: Picture = next(pictures([LARGE_SERIES, number], 1))
    content = io.BytesIO()
    Image.fromarray(picture.pixels).resize((side, side)).save(content, "JPEG", quality=60)
    return content.getvalue()


def batches(people: list[Picture]) -> Iterator[list[Picture]]:
    """As many as one request takes."""
    for first in range(0, len(people), MOST_FILES):
        yield people[first : first + MOST_FILES]


def measured(client: httpx.Client, people: list[Picture]) -> float:
    """Mean IoU over pictures that are sent as forms of several."""

    def masks() -> Iterator[tuple[Json, Picture]]:
        for batch in batches(people):
            reply = client.post("/api/parse", files=form([picture.encoded() for picture in batch]))
            assert reply.status_code == 200, reply.text
            yield from zip(reply.json()["results"], batch, strict=True)

    return overlap((mask_of(result), picture.labels) for result, picture in masks()).mean


def submitted(client: httpx.Client, contents: list[bytes]) -> str:
    """Submit a job; the path that tells of it."""
    reply = client.post("/api/jobs", files=form(contents))
    assert reply.status_code == 202, reply.text
    assert reply.headers["location"] == reply.json()["links"]["self"]
    return str(reply.headers["location"])


def done_of(client: httpx.Client, job: str) -> int:
    """How many pictures of a job are done; none while the queue is away."""
    reply = client.get(job)
    return int(reply.json()["progress"]["done"]) if reply.status_code == 200 else 0


def finished(client: httpx.Client, job: str) -> bool:
    """Whether a job is done; it is not while the queue is away."""
    reply = client.get(job)
    return reply.status_code == 200 and reply.json()["state"] == "done"


def fetched(parsing: Parsing, pod: Json) -> Json:
    """What the init container said last."""
    init = pod["spec"]["initContainers"][0]["name"]
    lines = parsing.kubectl("logs", pod["metadata"]["name"], "-c", init).splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{") and "bytesFetched" in line]
    return found[-1]
