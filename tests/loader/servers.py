"""Sources of models on loopback, with the rules of real ones: a web server, a model hub, a registry with tokens."""

import hashlib
import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.loader.files_server import Files, Server

COMMIT = "5f0c" * 10
TOKEN = "hub-token"  # noqa: S105 -- of the server on loopback


@dataclass
class Seen:
    """What a server saw: the path, the range and the login of each request."""

    requests: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    sent: int = 0
    cut_after: int | None = None
    """Break the next answers of files after so many bytes."""
    cuts: int = 0
    """How many answers are still to be broken."""

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.requests]

    def logins(self, prefix: str) -> set[str]:
        return {login for path, _, login in self.requests if path.startswith(prefix)}


class Watched(Files):
    """A web server that keeps what it saw, and breaks connections on request."""

    seen: Seen

    def do_GET(self) -> None:  # noqa: N802 -- the name that http.server calls
        given = (self.path, self.headers.get("Range", ""), self.headers.get("Authorization", ""))
        self.seen.requests.append(given)
        self.route()

    def route(self) -> None:
        super().do_GET()

    def body(self, descriptor: int, start: int, end: int) -> None:
        most = self.seen.cut_after
        if self.seen.cuts > 0 and most is not None and end - start > most:
            self.seen.cuts -= 1
            super().body(descriptor, start, start + most)
            self.seen.sent += most
            self.close_connection = True
            return
        super().body(descriptor, start, end)
        self.seen.sent += end - start

    def answer(self, content: bytes, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class Hub(Watched):
    """A model hub: the files of one commit, large ones at another server by a redirect, private ones with a token."""

    large: Mapping[str, str]
    """Where each file in large-file storage is."""
    token: str | None = None

    def route(self) -> None:
        path = urlsplit(self.path).path
        if self.token and self.headers.get("Authorization") != f"Bearer {self.token}":
            self.refuse(HTTPStatus.UNAUTHORIZED)
        elif path == f"/api/models/acme/tiny/revision/{COMMIT}" and "blobs=true" in self.path:
            self.answer(json.dumps({"id": "acme/tiny", "sha": COMMIT, "siblings": self.siblings()}).encode())
        elif (name := path.removeprefix(f"/acme/tiny/resolve/{COMMIT}/")) == path:
            self.refuse(HTTPStatus.NOT_FOUND)
        elif name in self.large:
            self.refuse(HTTPStatus.FOUND, Location=self.large[name])
        else:
            self.send(self.folder / name)

    def siblings(self) -> list[dict[str, Any]]:
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file()]
        return [self.sibling(str(path.relative_to(self.folder)), path.read_bytes()) for path in files]

    def sibling(self, name: str, content: bytes) -> dict[str, Any]:
        """Describe a file as the hub does: a large one by SHA-256; Git's hash of it is that of a pointer."""
        size = len(content)
        if name in self.large:
            lfs = {"sha256": hashlib.sha256(content).hexdigest(), "size": size, "pointerSize": 134}
            return {"rfilename": name, "size": size, "blobId": "0" * 40, "lfs": lfs}
        blob = hashlib.sha1(f"blob {size}\0".encode() + content, usedforsecurity=False).hexdigest()
        return {"rfilename": name, "size": size, "blobId": blob}


class Registry(Watched):
    """A registry that issues tokens for a repository to those who log in, and serves an artifact by digest."""

    blobs: Mapping[str, bytes]
    manifest: bytes
    login: str | None = None

    def route(self) -> None:
        path = urlsplit(self.path).path
        if path == "/token":
            self.issue()
        elif self.login and self.headers.get("Authorization") != "Bearer issued":
            realm = f"http://{self.headers['Host']}/token"
            self.refuse(
                HTTPStatus.UNAUTHORIZED, WWW_Authenticate=f'Bearer realm="{realm}",service="models",scope="none"'
            )
        elif path == "/v2/":
            self.answer(b"{}")
        elif path == f"/v2/models/tiny/manifests/{digest_of(self.manifest)}":
            self.answer(self.manifest)
        elif (name := path.removeprefix("/v2/models/tiny/blobs/")) in self.blobs:
            blob = self.folder / name.replace(":", "-")
            blob.write_bytes(self.blobs[name])
            self.send(blob)
        else:
            self.refuse(HTTPStatus.NOT_FOUND)

    def issue(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if self.headers.get("Authorization") != self.login or asked["scope"] != ["repository:models/tiny:pull"]:
            self.refuse(HTTPStatus.UNAUTHORIZED)
        else:
            self.answer(b'{"token": "issued"}')


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def artifact(files: Mapping[str, bytes]) -> tuple[bytes, dict[str, bytes]]:
    """The manifest of an artifact with one titled layer per file, and its blobs by digest."""
    layers = [
        {
            "mediaType": "application/octet-stream",
            "digest": digest_of(content),
            "size": len(content),
            "annotations": {"org.opencontainers.image.title": name},
        }
        for name, content in files.items()
    ]
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers}
    return json.dumps(manifest).encode(), {digest_of(content): content for content in files.values()}


@contextmanager
def serving(handler: type[Watched], folder: Path, **settings: object) -> Generator[tuple[str, Seen]]:
    """Serve on loopback; yields the URL and what the server saw."""
    seen = Seen()
    folder.mkdir(parents=True, exist_ok=True)
    own = type("Own", (handler,), {"folder": folder, "seen": seen, **settings})
    server = Server(("127.0.0.1", 0), own)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
