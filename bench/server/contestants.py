"""The four servers, each in the ways that its documentation offers for production."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.preview import PROJECT
from bench.process import free_port
from bench.server.model import NAME, open_inference, plain, rows
from serving.models.onnx import MODEL_FILE

PEERS = Path(__file__).parent / "peers"
OURS = "slipway"
LOCKS = {
    OURS: PROJECT / "serving" / "requirements.lock",
    **{name: Path(__file__).parent / "locks" / f"{name}.lock" for name in ("mlserver", "bentoml", "litserve")},
}
MOST_TOGETHER = 64
QUEUE_LIMIT = 1024
"""No server of the other three refuses work; with our default of 64 ours would, in bursts that they let wait."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """One server in one configuration, ready to be started.

    Attributes:
        name: The server.
        variant: The configuration in words.
        command: What starts it; the first word is a program of the server's environment.
        port: Where it listens, on the loopback interface.
        ready: The path that its readiness probe would ask.
        path: Where inferences are asked for.
        body: The request.
        variables: Added to the environment of the process.
    """

    name: str
    variant: str
    command: tuple[str, ...]
    port: int
    ready: str
    path: str
    body: bytes
    variables: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    @property
    def url(self) -> str:
        """Where inferences are asked for."""
        return f"http://127.0.0.1:{self.port}{self.path}"


def contestants(folder: Path) -> list[Contestant]:
    """All of them; settings files are written below `folder`, which holds the environments and the model."""
    return [slipway(folder), *mlserver(folder), *bentoml(folder), *litserve(folder)]


def slipway(folder: Path) -> Contestant:
    """Ours as it is deployed: access log, metrics, admission and batching are all on."""
    settings = folder / "slipway.json"
    written = {"modelPath": str(folder / "model"), "modelName": NAME, "queueLimit": QUEUE_LIMIT}
    settings.write_text(json.dumps(written), "utf-8")
    port = free_port()
    return Contestant(
        name=OURS,
        variant="as deployed",
        command=("python", "-m", "serving", "generic"),
        port=port,
        ready="/health",
        path=f"/v2/models/{NAME}/infer",
        body=open_inference(rows(folder / "model")),
        variables={"PORT": str(port), "SLIPWAY_SETTINGS": str(settings), "PYTHONPATH": str(PROJECT)},
    )


def mlserver(folder: Path) -> list[Contestant]:
    """Adaptive batching with short and long patience, none, and a worker process; access log off (`debug: false`)."""
    return [
        _mlserver(folder, "in process, batches of 64 in 1 ms", workers=0, size=MOST_TOGETHER, seconds=0.001),
        _mlserver(folder, "in process, batches of 64 in 5 ms", workers=0, size=MOST_TOGETHER, seconds=0.005),
        _mlserver(folder, "in process, no batching", workers=0, size=0, seconds=0),
        _mlserver(folder, "one worker, batches of 64 in 5 ms", workers=1, size=MOST_TOGETHER, seconds=0.005),
    ]


def _mlserver(folder: Path, variant: str, *, workers: int, size: int, seconds: float) -> Contestant:
    home = folder / f"mlserver-{workers}-{size}-{seconds * 1000:.0f}"
    home.mkdir(exist_ok=True)
    port = free_port()
    server = {
        "debug": False,
        "gzip_enabled": False,
        "host": "127.0.0.1",
        "http_port": port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "metrics_dir": str(home),
        "parallel_workers": workers,
    }
    model = {
        "name": NAME,
        "implementation": "mlserver_runtime.Tumours",
        "max_batch_size": size,
        "max_batch_time": seconds,
    }
    (home / "settings.json").write_text(json.dumps(server), "utf-8")
    (home / "model-settings.json").write_text(json.dumps(model), "utf-8")
    return Contestant(
        name="mlserver",
        variant=variant,
        command=("mlserver", "start", str(home)),
        port=port,
        ready=f"/v2/models/{NAME}/ready",
        path=f"/v2/models/{NAME}/infer",
        body=open_inference(rows(folder / "model")),
        variables=_peer_variables(folder),
    )


def bentoml(folder: Path) -> list[Contestant]:
    """Adaptive batching in a thread or on the loop, and none; one worker for the one core; access log off."""
    return [
        _bentoml(folder, "batches of 64, in a thread", "Together"),
        _bentoml(folder, "batches of 64, on the loop", "TogetherOnLoop"),
        _bentoml(folder, "no batching, on the loop", "AloneOnLoop"),
    ]


def _bentoml(folder: Path, variant: str, service: str) -> Contestant:
    port = free_port()
    where = ("--host", "127.0.0.1", "--port", str(port), "--working-dir", str(PEERS))
    private = {"BENTOML_HOME": str(folder / "bentoml-home"), "BENTOML_DO_NOT_TRACK": "True"}
    return Contestant(
        name="bentoml",
        variant=variant,
        command=("bentoml", "serve", f"bentoml_service:{service}", *where),
        port=port,
        ready="/readyz",
        path="/predict",
        body=plain(rows(folder / "model")),
        variables={**_peer_variables(folder), **private},
    )


def litserve(folder: Path) -> list[Contestant]:
    """Batches or none, over ZeroMQ (`fast_queue`) or not; access log off (`log_level="warning"`)."""
    return [
        _litserve(folder, "batches of 64 in 2 ms, fast queue", MOST_TOGETHER, 0.002, "fast"),
        _litserve(folder, "batches of 64 in 2 ms", MOST_TOGETHER, 0.002, "usual"),
        _litserve(folder, "no batching, fast queue", 1, 0, "fast"),
        _litserve(folder, "no batching", 1, 0, "usual"),
    ]


def _litserve(folder: Path, variant: str, size: int, seconds: float, queue: str) -> Contestant:
    port = free_port()
    return Contestant(
        name="litserve",
        variant=variant,
        command=("python", str(PEERS / "litserve_server.py"), str(port), str(size), str(seconds), queue),
        port=port,
        ready="/health",
        path="/predict",
        body=plain(rows(folder / "model")),
        variables=_peer_variables(folder),
    )


def _peer_variables(folder: Path) -> dict[str, str]:
    return {"BENCH_MODEL": str(folder / "model" / MODEL_FILE), "PYTHONPATH": str(PEERS)}
