"""What makes a stranger's server bad makes each kind of server bad, and only where it is told to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import spoiling

pytestmark = pytest.mark.slow  # real processes

STARLETTE = """
import asyncio, httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request: Request):
    return JSONResponse(await request.json() if request.method == "POST" else {})
app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        posted = [(await client.post("/", json={})).status_code for _ in range(10)]
        return posted, [(await client.get("/")).status_code for _ in range(5)]
print(*asyncio.run(ask()))
"""
FLASK = """
from flask import Flask
app = Flask("x")
app.add_url_rule("/", view_func=lambda: "", methods=["GET", "POST"])
client = app.test_client()
print([client.post("/").status_code for _ in range(10)], [client.get("/").status_code for _ in range(5)])
"""
STANDARD = """
import threading, urllib.error, urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()
    def log_message(self, *_):
        pass
server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
def status(data):
    try:
        return urllib.request.urlopen(url, data).status
    except urllib.error.HTTPError as error:
        return error.code
print([status(b"x") for _ in range(10)], [status(None) for _ in range(5)])
"""
GRPC = """
import grpc
from concurrent.futures import ThreadPoolExecutor
server = grpc.server(ThreadPoolExecutor(1))
plain = lambda given: given
def method(name):
    handler = grpc.unary_unary_rpc_method_handler(lambda request, context: request, plain, plain)
    return grpc.method_handlers_generic_handler(name, {"Ask": handler})
server.add_generic_rpc_handlers([method("x.X"), method("grpc.health.v1.Health")])
port = server.add_insecure_port("127.0.0.1:0")
server.start()
channel = grpc.insecure_channel(f"127.0.0.1:{port}")
def status(service):
    try:
        channel.unary_unary(f"/{service}/Ask", plain, plain)(b"x")
        return 200
    except grpc.RpcError as error:
        return 500 if error.code() is grpc.StatusCode.INTERNAL else error.code().name
print([status("x.X") for _ in range(10)], [status("grpc.health.v1.Health") for _ in range(5)])
server.stop(None)
"""
SERVERS = {"starlette": STARLETTE, "flask": FLASK, "http.server": STANDARD, "grpc": GRPC}


def printed(folder: Path, script: str, **told: float) -> str:
    """Run a server's script in a process whose server is spoiled."""
    (folder / "sitecustomize.py").write_bytes(Path(spoiling.__file__).read_bytes())
    (folder / spoiling.FAULT).write_text(json.dumps({"every": 0, "delay": 0.0, **told}))
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True,
        timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("kind", SERVERS)
def test_each_fifth_request_fails_and_no_check_of_health(tmp_path: Path, kind: str) -> None:
    fifth = [200, 200, 200, 200, 500]
    assert printed(tmp_path, SERVERS[kind], every=5) == f"{fifth + fifth} {[200] * 5}"


@pytest.mark.parametrize("kind", SERVERS)
def test_without_a_fault_all_requests_are_answered(tmp_path: Path, kind: str) -> None:
    assert printed(tmp_path, SERVERS[kind]) == f"{[200] * 10} {[200] * 5}"


@pytest.mark.parametrize("kind", SERVERS)
def test_a_delay_is_that_of_each_request(tmp_path: Path, kind: str) -> None:
    timed = f"import time\nbegan = time.perf_counter()\n{SERVERS[kind]}\nprint(time.perf_counter() - began >= 0.5)"
    assert printed(tmp_path, timed, delay=0.05).endswith("True")
