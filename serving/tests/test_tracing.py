"""With an endpoint, each request is one span between those of its caller and its callees; without one, none."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.clients.calls import answering, async_client, client
from serving.http.uploads import read_body
from serving.role.payload import Context, Payload
from serving.role.service import Service
from serving.tests.collector import Collector, attributes, collecting
from serving.tests.support import Running, serve

pytestmark = pytest.mark.slow  # real sockets and real waits

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
INCOMING = {"traceparent": f"00-{TRACE}-{PARENT}-01"}


@pytest.fixture
def collector() -> Generator[Collector]:
    with collecting() as collecting_now:
        yield collecting_now


def nothing(*_: object) -> None:
    pass


def echo_role() -> Payload[None]:
    def routes(service: Service[None]) -> list[Route]:
        async def echo(request: Request) -> Response:
            await service.compute(lambda: read_body(request), nothing)
            return JSONResponse(dict(request.headers))

        async def broken(_: Request) -> Response:
            raise RuntimeError("planted")

        return [Route("/echo/{name}", echo, methods=["POST"]), Route("/broken", broken)]

    return Payload(load=lambda _: None, routes=routes)


def calling_role() -> Payload[Any]:
    """Calls `echo` from the event loop and from a worker thread."""

    def load(context: Context) -> Any:
        return async_client(context, "echo"), client(context, "echo")

    def routes(service: Service[Any]) -> list[Route]:
        async def on_loop(request: Request) -> Response:
            async def ask(clients: Any, _: bytes) -> Any:
                with answering("echo"):
                    return (await clients[0].post("/echo/loop")).json()

            return JSONResponse(await service.orchestrate(lambda: read_body(request), ask))

        async def in_thread(request: Request) -> Response:
            def ask(clients: Any, _: bytes) -> Any:
                with answering("echo"):
                    return clients[1].post("/echo/thread").json()

            return JSONResponse(await service.compute(lambda: read_body(request), ask))

        return [Route("/loop", on_loop, methods=["POST"]), Route("/thread", in_thread, methods=["POST"])]

    async def close(clients: Any) -> None:
        await clients[0].aclose()
        clients[1].close()

    return Payload(load=load, routes=routes, close=close)


@pytest.fixture
def echo() -> Generator[Running]:
    with serve(echo_role()) as running:
        running.wait_ready()
        yield running


def test_a_request_is_one_span_that_continues_the_callers_trace(collector: Collector) -> None:
    with serve(echo_role(), environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}) as running:
        running.wait_ready()
        assert running.client.post("/echo/a", headers=INCOMING).status_code == 200
    [span] = collector.spans
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (span.name, span.kind) == ("POST /echo/{name}", 2)
    told = attributes(span)
    assert (told["http.route"], told["http.response.status_code"], told["url.path"]) == ("/echo/{name}", 200, "/echo/a")
    assert span.end_time_unix_nano > span.start_time_unix_nano
    assert collector.resources[0]["service.name"] == "classifier"
    assert collector.resources[0]["slipway.slot"] == "blue"


def test_probes_are_not_traced_and_a_request_without_a_caller_begins_a_trace(collector: Collector) -> None:
    with serve(echo_role(), environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}) as running:
        running.wait_ready()
        for path in ("/health", "/metrics", "/v2/health/ready"):
            running.client.get(path)
        running.client.get("/nowhere")
    [span] = collector.spans
    assert (span.name, span.parent_span_id) == ("GET", b"")
    assert attributes(span)["http.response.status_code"] == 404


def test_an_error_of_ours_is_an_error_in_the_trace(collector: Collector) -> None:
    with serve(echo_role(), environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}) as running:
        running.wait_ready()
        assert running.client.get("/broken").status_code == 500
    assert collector.spans[0].status.code == 2


def test_the_access_log_names_the_trace(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level("INFO", "slipway.access"),
        serve(echo_role(), environment={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}) as running,
    ):
        running.wait_ready()
        running.client.post("/echo/a", headers=INCOMING)
    [record] = [record for record in caplog.records if record.name == "slipway.access"]
    assert record.__dict__["fields"]["trace"] == TRACE


@pytest.mark.parametrize("path", ["/loop", "/thread"])
def test_calls_of_a_payload_carry_the_trace_to_the_callee(echo: Running, collector: Collector, path: str) -> None:
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "ECHO_ADDRESS": f"127.0.0.1:{echo.port}"}
    with serve(calling_role(), environment=environment) as running:
        running.wait_ready()
        received = running.client.post(path, headers=INCOMING).json()
    [span] = collector.spans
    assert received["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"


def test_without_an_endpoint_calls_carry_nothing(echo: Running) -> None:
    with serve(calling_role(), environment={"ECHO_ADDRESS": f"127.0.0.1:{echo.port}"}) as running:
        running.wait_ready()
        assert "traceparent" not in running.client.post("/loop", headers=INCOMING).json()


@pytest.mark.parametrize("path", ["/loop", "/thread"])
def test_a_callee_that_is_away_is_503_with_its_name(path: str) -> None:
    with serve(calling_role(), environment={"ECHO_ADDRESS": "127.0.0.1:9"}) as running:
        running.wait_ready()
        answer = running.client.post(path)
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("echo: does not answer (")


def test_without_an_endpoint_the_sdk_is_not_even_imported() -> None:
    code = (
        "import json, sys\n"
        "from serving.http.app import make_app\n"
        "from serving.tests.support import serve\n"
        "from serving.role.payload import Payload\n"
        "with serve(Payload(load=lambda _: None, routes=lambda _: [])) as running:\n"
        "    running.wait_ready()\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('opentelemetry'))))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == []


def test_a_collector_that_is_away_does_not_hold_up_answers_or_the_end(caplog: pytest.LogCaptureFixture) -> None:
    with serve(echo_role(), environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as running:
        running.wait_ready()
        assert running.client.post("/echo/a").status_code == 200
    assert caplog.records
