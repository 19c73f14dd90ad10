"""Servers as strangers bring them (examples/servers): what each is asked, and how its releases are driven.

What is under test knows no server by name; this file does.
"""

import io
import json
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import yaml
from PIL import Image

from tests.cluster import registry, spoiling
from tests.cluster.copies import initialised
from tests.cluster.program import Program
from tests.cluster.releasing import Releasing
from tests.cluster.stack import Json, Stack, project_elsewhere
from tests.cluster.traffic import Ingress
from tests.recording import PROJECT

LATER = "prod"
"""Takes its images by digest, so its first `up` is no build."""
FIRST: Json = {"strategy": "rolling", "gate": {"errors": None}}
"""How the first version comes, before there are requests to judge it by."""
PER_SECOND = 20
_FOLDER = "misbehave"
_BUILT = "home"
"""The example whose image stands for one that somebody pushed by hand."""
_BOUNDARY = "picture"
_PREFIX, _HOSTS = "stranger-", ".slipway.test"
FOLDER = PROJECT / "examples" / "servers"


@dataclass(frozen=True)
class Server:
    """What a folder's server is asked."""

    service: str
    path: str
    body: bytes
    kind: str = "application/json"
    within: str = "300ms"
    """Bound of a histogram that the gate can judge."""
    judged: tuple[tuple[str, str], ...] = ()
    """Further histograms of the gate, each with its bound."""


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def picture() -> bytes:
    """A blue shirt."""
    content = io.BytesIO()
    Image.new("RGB", (16, 16), (40, 70, 170)).save(content, "PNG")
    return content.getvalue()


def _form() -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="test.png"\r\n\r\n'
    return head.encode() + picture() + f"\r\n--{_BOUNDARY}--\r\n".encode()


_TENSOR = {"name": "rows", "shape": [1, 4], "datatype": "FP64", "data": [45.0, 15.0, 3.0, 8.0]}
_QUESTION = {"text": "a great phone and I like the screen", "schema": {"sentiment": ["positive", "negative"]}}
SPELLER = Server("speller", "/correct", _json({"word": "wether"}))
SERVERS = {
    "flask": Server("parser", "/parse", _form(), f"multipart/form-data; boundary={_BOUNDARY}"),
    "fastapi": Server("nlu", "/predict", _json(_QUESTION)),
    "grpc": Server("classifier", "/iris.v1.Classifier/Predict", b"", "application/grpc", within="250ms"),
    "home": SPELLER,
    "litserve": Server("demand", "/predict", _json({"hour": 19, "celsius": 5})),
    "mlserver": Server("anomaly", "/v2/models/transactions/infer", _json({"inputs": [_TENSOR]}), within="250ms"),
    "bentoml": Server("reviews", "/judge", _json({"text": "excellent fish and kind people"})),
    "ray-serve": Server("languages", "/", _json({"text": "the sun is warm"})),
    "prebuilt": SPELLER,
}
SIMULATOR = "vllm-simulator"
STREAM = {"prompt": "the text", "max_tokens": 20, "stream": True}
_BOUNDS = (("first-token", "100ms"), ("next-token", "50ms"))
KNOWN = SERVERS | {SIMULATOR: Server("llm", "/v1/completions", _json(STREAM), within="1s", judged=_BOUNDS)}


@dataclass(frozen=True)
class Example(Program):
    """The stack of one folder of examples/servers."""

    seconds: ClassVar[float] = 600
    """Each image installs its packages and fits its model while it is built."""
    server: Server
    entry: Json
    config: Json

    @classmethod
    def laid_out(cls, stack: Stack, folder: Path, name: str) -> "Example":
        """Return the example of this name with its own stack file."""
        found, file = entry(name), f"Pulumi.{name}-dev.yaml"
        project_elsewhere(folder, found)
        text = (FOLDER / name / file).read_text("utf-8")
        (folder / file).write_text(text, "utf-8")
        return cls(stack, folder, f"{name}-dev", KNOWN[name], found, yaml.safe_load(text)["config"])

    @property
    def url(self) -> str:
        """The proxy's address."""
        return str(self.config["slipway:cluster"]["ingressUrl"])

    @property
    def host(self) -> str:
        """The host of the server's route; empty if it has none."""
        return str(self.entry["environments"]["dev"]["services"][self.server.service].get("route", {}).get("host", ""))

    def image(self) -> str:
        """Return the server's image by digest, as it runs."""
        return str(self.outputs()[self.server.service]["image"])

    def inside(self, *command: str) -> str:
        """Run a command in the server's container; return its standard output."""
        return self.kubectl("exec", f"deployment/{self.server.service}-blue", "-c", "server", "--", *command).strip()


def entry(name: str) -> Json:
    """The folder's entry; a prebuilt image is one that somebody has pushed by hand."""
    found = cast("Json", yaml.safe_load((FOLDER / name / f"{name}.yaml").read_text("utf-8")))
    if name == "prebuilt":
        found["images"]["app"]["reference"] = _pushed_by_hand(found["images"]["app"]["reference"])
    return found


def _pushed_by_hand(reference: str) -> str:
    """Return the image of another example, which its stack pushed before."""
    repository = f"{reference.partition('/')[0]}/{_BUILT}/app"
    return f"{repository}@{registry.digest_of(repository, 'dev')}"


@dataclass(frozen=True)
class Stranger(Releasing):
    """An example's server in an environment that takes its image by digest, and whose releases are watched."""

    server: Server

    def content(self, strategy: Json) -> Json:
        """The folder's entry: its dev environment, under another host, released by this strategy."""
        found = entry(self.copy.name.removeprefix(_PREFIX))
        found["name"] = self.copy.name
        service = found["services"][self.server.service]
        overlay: Json = found["environments"]["dev"]["services"][self.server.service]
        if "route" in overlay:
            overlay["route"]["host"] = f"{self.copy.name}{_HOSTS}"
        gate: Json = {
            "errors": {"margin": 5}, "latency": {"within": self.server.within, "margin": 20},
            "traffic": PER_SECOND, "deadline": "5m",
        }  # fmt: skip
        if self.server.judged:
            gate["histograms"] = {key: {"within": bound, "margin": 20} for key, bound in self.server.judged}
        service["release"] = {"gate": gate} | strategy
        found["environments"] = {"dev": {}, LATER: {"services": {self.server.service: overlay}}}
        return found

    def strategy(self, strategy: Json, **_: Any) -> None:
        """Say in the catalogue how the next release goes."""
        file = self.copy.folder / "catalog" / f"{self.copy.name}.yaml"
        file.write_text(yaml.safe_dump(self.content(strategy), sort_keys=False))

    @property
    def service(self) -> str:
        """The example's service."""
        return self.server.service

    @property
    def ingress(self) -> Ingress:
        """Where the server is asked."""
        url = self.copy.settings["slipway:cluster"]["ingressUrl"]
        return Ingress(f"{url}{self.server.path}", f"{self.copy.name}{_HOSTS}")

    def changed(self, *variables: str) -> str:
        """Push the image with other variables, each as NAME=value; return it by digest."""
        repository, _, digest = self.original.partition("@")
        return registry.pushed_again(repository, digest, " ".join(variables), *variables)

    def spoiled(self, *, every: int = 0, delay: float = 0.0) -> str:
        """Push the image with a fault; return it by digest."""
        repository, _, digest = self.original.partition("@")
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            for name, content in (
                ("sitecustomize.py", Path(spoiling.__file__).read_bytes()),
                (spoiling.FAULT, _json({"every": every, "delay": delay})),
            ):
                member = tarfile.TarInfo(f"{_FOLDER}/{name}")
                member.size, member.mode = len(content), 0o644
                tar.addfile(member, io.BytesIO(content))
        return registry.pushed_with(repository, digest, layer.getvalue(), f"PYTHONPATH=/{_FOLDER}")


@contextmanager
def stranger(stack: Stack, folder: Path, name: str, image: str, strategy: Json) -> Generator[Stranger]:
    """Return the server's system for releases, not yet up."""
    system = f"{_PREFIX}{name}"
    project = project_elsewhere(folder, {**entry(name), "name": system})
    with initialised(stack, project, system, environment=LATER) as copy:
        given = yaml.safe_load((FOLDER / name / f"Pulumi.{name}-dev.yaml").read_text("utf-8"))["config"]
        copy.settings.clear()
        copy.settings.update(
            {
                "slipway:system": {"entry": system, "environment": LATER, "namespace": system},
                "slipway:cluster": given["slipway:cluster"],
                "slipway:images": {"app": image},
            }
        )
        made = Stranger(copy, image, KNOWN[name])
        made.strategy(strategy)
        copy.write({})
        yield made
