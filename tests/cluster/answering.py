"""Runs in the pods of tests/cluster/standing.py: answers with its pod and slot, and hangs on one path."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 8000
SILENT = "/predict/silent"


class Answering(BaseHTTPRequestHandler):
    """Answers with the pod, the slot, and the number of received bytes."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer without a body."""
        self._answer(0)

    def do_POST(self) -> None:
        """Read the body and answer; on one path, wait until the proxy gives up."""
        size = len(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == SILENT:
            self.connection.recv(1)
            self.close_connection = True
            return
        self._answer(size)

    def _answer(self, size: int) -> None:
        body = json.dumps({"pod": os.environ["POD"], "slot": os.environ["SLOT"], "bytes": size}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Log nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Answering).serve_forever()
