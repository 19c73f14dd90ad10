"""A server without a model, with a bad model or before the warm-up is not ready, says why, and recovers by itself."""

import asyncio
import math
import shutil
import threading
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.errors import ModelUnusableError
from serving.models.checksums import write_sums
from serving.payloads.digits import PAYLOAD
from serving.payloads.digits.model import Digits, load_digits
from serving.role import loading, warmup
from serving.role.lifecycle import Lifecycle
from serving.role.payload import Payload, WarmUp
from serving.role.service import Service
from serving.telemetry.metrics import Telemetry
from serving.tests.support import IDENTITY, HeldSession, loaded_by, model_with, serve, wait_until

pytestmark = pytest.mark.slow  # real sockets and real waits


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(loading, "LONGEST_PAUSE_SECONDS", 0.04)


def test_not_ready_before_the_model_is_loaded_and_ready_after() -> None:
    gate = threading.Event()

    def slowly() -> Digits:
        assert gate.wait(10)
        return model_with(HeldSession())

    with serve(loaded_by(slowly)) as running:
        health = running.client.get("/health")
        assert health.status_code == 503
        assert health.json()["model_loaded"] is False
        assert health.json()["status"] == "unavailable"
        assert health.json()["reason"] == "the model is loading"
        assert running.client.get("/v2/health/ready").status_code == 503
        assert running.client.get("/v2/models/digits/ready").status_code == 503
        assert running.client.get("/v2/models/digits").status_code == 503
        assert running.client.get("/v2/health/live").status_code == 200
        refused = running.client.post("/predict", content=b"x")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        gate.set()
        running.wait_ready()
        health = running.client.get("/health")
        assert health.status_code == 200
        assert sorted(health.json()) == ["model_loaded", "status", "timestamp"]
        assert (health.json()["status"], health.json()["model_loaded"]) == ("ok", True)
        assert running.metric("model_loaded") == 1
        assert running.metric("model_load_duration_seconds") > 0


def test_loaded_is_not_ready_before_it_is_warm() -> None:
    session = HeldSession(held=True)
    with serve(loaded_by(lambda: model_with(session))) as running:
        assert session.entered.acquire(timeout=10)
        health = running.client.get("/health")
        assert (health.status_code, health.json()["model_loaded"]) == (503, True)
        session.release.set()
        running.wait_ready()
        assert session.calls == 3 * warmup.ROUNDS * running.service.admission.workers
        assert running.metric("http_requests_total", method="POST", route="/predict", status="200") == 0


def test_a_model_that_cannot_answer_the_warm_up_never_becomes_ready_and_recovers() -> None:
    session = HeldSession(broken=True)
    with serve(loaded_by(lambda: model_with(session))) as running:
        wait_until(lambda: running.metric("model_load_failures_total") >= 2, "loading was tried again")
        health = running.client.get("/health")
        assert health.status_code == 503
        assert "planted failure" in health.json()["reason"]
        session.broken = False
        running.wait_ready()


def test_the_warm_up_goes_over_connections_and_through_every_worker_thread_and_is_no_traffic(
    caplog: pytest.LogCaptureFixture,
) -> None:
    together = threading.Barrier(3)
    threads: set[str] = set()
    clients: set[str] = set()

    def job(*_: object) -> None:
        together.wait(10)
        threads.add(threading.current_thread().name)

    def routes(service: Service[None]) -> list[Route]:
        async def meet(request: Request) -> Response:
            assert request.client
            clients.add(request.client.host)
            await service.compute(request.body, job)
            return Response()

        return [Route("/meet", meet, methods=["POST"])]

    payload = Payload(load=lambda _: None, routes=routes, warm_up=lambda _: [WarmUp(path="/meet")])
    with caplog.at_level("DEBUG", "slipway.access"), serve(payload, threads=3) as running:
        running.wait_ready()
        assert (len(threads), clients) == (3, {"127.0.0.1"})
        assert running.metric("http_requests_total", method="POST", route="/meet", status="200") == 0
        assert running.service.lifecycle.last_arrival == -math.inf
    assert not [record for record in caplog.records if record.name == "slipway.access"]


def test_a_reason_is_logged_once_even_during_a_drain(caplog: pytest.LogCaptureFixture) -> None:
    faults = iter([ModelUnusableError("planted")] * 3)

    async def load() -> None:
        if (fault := next(faults, None)) is not None:
            raise fault

    async def load_while_draining() -> None:
        lifecycle = Lifecycle[None]()
        lifecycle.begin_drain(10)
        await loading.load_until_good(load, lifecycle, Telemetry(IDENTITY))

    with caplog.at_level("INFO", "slipway.model"):
        asyncio.run(load_while_draining())
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == ["not ready: planted"]


def damage(folder: Path, kind: str) -> None:
    contents = {name: (folder / name).read_bytes() for name in ("model.onnx", "metadata.json")}
    match kind:
        case "no folder":
            shutil.rmtree(folder)
        case "no sums":
            (folder / "SHA256SUMS").unlink()
        case "no model":
            (folder / "model.onnx").unlink()
        case "flipped bit":
            weights = bytearray(contents["model.onnx"])
            weights[len(weights) // 2] ^= 1
            (folder / "model.onnx").write_bytes(weights)
        case "no onnx":
            write_sums(folder, {**contents, "model.onnx": b"not a model"})
        case "unlisted metadata":
            write_sums(folder, {"model.onnx": contents["model.onnx"]})
        case "bad metadata":
            write_sums(folder, {**contents, "metadata.json": b'{"version": "1", "labels": []}'})
        case _:
            labels = contents["metadata.json"].replace(b'"9"', b'"9", "10"')
            write_sums(folder, {**contents, "metadata.json": labels})


REASONS = {
    "no folder": "SHA256SUMS: cannot be read",
    "no sums": "SHA256SUMS: cannot be read",
    "no model": "model.onnx: cannot be read",
    "flipped bit": "model.onnx: SHA-256 is",
    "no onnx": "model.onnx: onnxruntime rejected it",
    "unlisted metadata": "does not list metadata.json",
    "bad metadata": "metadata.json: figures: Field required",
    "other labels": r"'probabilities' FP32 \[-1, 11\]",
}


@pytest.mark.parametrize("kind", REASONS)
def test_a_bad_model_is_named_in_one_line(model_folder: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    damage(folder, kind)
    with pytest.raises(ModelUnusableError, match=REASONS[kind]) as caught:
        load_digits(folder, 1)
    assert "\n" not in str(caught.value)


def test_a_variant_that_was_not_published_is_named(model_folder: Path) -> None:
    with serve(PAYLOAD, modelPath=str(model_folder), variant="int8") as running:
        wait_until(lambda: "does not list model.int8.onnx" in running.client.get("/health").text, "the reason is told")


def test_a_process_without_a_model_stays_says_why_once_and_recovers_when_one_appears(
    model_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "slipway.model"), serve(PAYLOAD, modelPath=str(tmp_path / "model")) as running:
        wait_until(lambda: running.metric("model_load_failures_total") >= 3, "loading was tried again")
        health = running.client.get("/health")
        assert health.status_code == 503
        assert "SHA256SUMS: cannot be read" in health.json()["reason"]
        assert running.client.get("/v2/health/live").status_code == 200
        shutil.copytree(model_folder, tmp_path / "model")
        running.wait_ready()
        assert running.client.get("/health").status_code == 200
    lines = [record.getMessage() for record in caplog.records if "cannot be read (No such file" in record.getMessage()]
    assert len(set(lines)) == len(lines), "the same reason was logged for every attempt"
