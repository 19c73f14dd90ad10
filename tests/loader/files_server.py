"""A web server on loopback that serves a folder with ranges, by sendfile: as fast as a real one, in its own process.

`python -m tests.loader.files_server <folder>` prints its port and serves until it is killed.
"""

import os
import re
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Files(BaseHTTPRequestHandler):
    """Answers GET with a file or a range of it."""

    protocol_version = "HTTP/1.1"
    folder = Path()
    ranges = True

    def do_GET(self) -> None:
        """Serve a file of the folder."""
        self.send(self.folder / unquote(urlsplit(self.path).path).lstrip("/"))

    def send(self, path: Path) -> None:
        """Send a file, or the range of it that the request asks for."""
        if not path.is_file():
            self.refuse(HTTPStatus.NOT_FOUND)
            return
        size = path.stat().st_size
        asked = _RANGE.fullmatch(self.headers.get("Range", "")) if self.ranges else None
        start, end = 0, size
        if asked and int(asked[1]) >= size:
            self.refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, Content_Range=f"bytes */{size}")
            return
        if asked:
            start, end = int(asked[1]), min(int(asked[2]) + 1 if asked[2] else size, size)
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        else:
            self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        self.wfile.flush()
        with path.open("rb") as content:
            self.body(content.fileno(), start, end)

    def body(self, descriptor: int, start: int, end: int) -> None:
        """Send the bytes of a file from `start` to before `end`."""
        while start < end and (sent := os.sendfile(self.connection.fileno(), descriptor, start, end - start)):
            start += sent

    def refuse(self, status: HTTPStatus, **headers: str) -> None:
        """Answer without content."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the parameter's name in http.server
        """Print nothing."""


class Server(ThreadingHTTPServer):
    """A server that says nothing about clients that go away."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing."""


def main(folder: str) -> None:
    """Serve a folder until the process ends."""
    Files.folder = Path(folder)
    server = Server(("127.0.0.1", 0), Files)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1])
