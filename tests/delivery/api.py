"""API servers that answer over HTTP, for the real client and for several processes: one of Leases, and of anything."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import yaml

from delivery.errors import DeliveryError, Forbidden, StaleObject
from delivery.lock.lease import Json
from tests.delivery.leases import Leases

CONTEXT = "played"
_STATUS: dict[type[DeliveryError], int] = {StaleObject: 409, Forbidden: 403}


@contextmanager
def serving(leases: Leases, folder: Path) -> Generator[Path]:
    """Serve until the block ends; gives the kubeconfig that names it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(lambda: leases.get(self.path))

        def do_POST(self) -> None:
            body = self._body()
            self._answer(lambda: leases.create(self.path, body))

        def do_PUT(self) -> None:
            body = self._body()
            self._answer(lambda: leases.replace(self.path, body))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            pass

        def _body(self) -> Json:
            assert self.headers["Content-Type"] == "application/json"
            return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, act: Callable[[], Json | None]) -> None:
            try:
                found = act()
            except DeliveryError as error:
                self._send(_STATUS.get(type(error), 422), {"kind": "Status", "message": str(error)})
            else:
                self._send(404 if found is None else 200, found or {"kind": "Status", "reason": "NotFound"})

        def _send(self, code: int, document: Json) -> None:
            text = json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with listening(Handler, folder) as kubeconfig:
        yield kubeconfig


@contextmanager
def listening(handler: type[BaseHTTPRequestHandler], folder: Path) -> Generator[Path]:
    """Answer on a port of this machine until the block ends; gives the kubeconfig that names it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield _kubeconfig(folder, server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _kubeconfig(folder: Path, port: int) -> Path:
    file = folder / "kubeconfig"
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}],
    }  # fmt: skip
    file.write_text(yaml.safe_dump(config))
    return file
