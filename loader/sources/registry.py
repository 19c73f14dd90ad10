"""Models in an image registry as an artifact: `oci://repository@sha256:<digest>`, one layer per file (as ORAS pushes).

Manifest and layers are named by their SHA-256, so the registry's own digests prove every byte. The requests
follow the distribution specification and its token authentication.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any
from urllib.parse import urlencode, urlsplit

from loader.errors import LoaderError
from loader.files import Digest, RemoteFile, refuse_nested, safe_path
from loader.sources.plain import authorization
from loader.web import Web, redacted

_URI = re.compile(r"oci://([\w.-]+(?::\d+)?)/([a-z0-9._/-]+)@(sha256:[0-9a-f]{64})")
_TITLE = "org.opencontainers.image.title"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
TOKEN_SECONDS = 60
"""Validity of a token without `expires_in`, as its specification says. A token is renewed after half of its time."""
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class _Login:
    """The Authorization header of requests, empty for none, and the monotonic time until which it is used."""

    header: str
    until: float = inf


@dataclass(frozen=True)
class Artifact:
    """An artifact in a registry."""

    uri: str
    web: Web
    server: str
    repository: str
    digest: str
    environment: Mapping[str, str] = field(repr=False)
    single: None = None
    _logins: "list[_Login]" = field(default_factory=list["_Login"], repr=False)
    _files: list[RemoteFile] = field(default_factory=list[RemoteFile], repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def version(self) -> dict[str, str]:
        """The digest."""
        return {"digest": self.digest}

    def url_of(self, path: str) -> str:
        """Return the URL of a file. Only the manifest knows its layer."""
        found = next((one for one in self.hashed_files() if one.path == path), None)
        if found is None:
            raise LoaderError(
                f"{self.uri}: the artifact has no layer titled {path!r}; correct the manifest of the model"
            )
        return found.url

    def headers(self, url: str) -> dict[str, str]:
        """Return the Authorization header with the token that the registry issued, or with user and password."""
        del url
        with self._lock:
            if not self._logins or time.monotonic() >= self._logins[0].until:
                self._logins[:] = [self._login()]
            header = self._logins[0].header
        return {"Authorization": header} if header else {}

    def _login(self) -> "_Login":
        """Return the login that the registry requires, with a new token if it issues tokens."""
        own = authorization(self.environment)
        challenge = self.web.challenge(f"{self.server}/v2/")
        kind, _, rest = challenge.partition(" ")
        if kind.lower() != "bearer":
            return _Login(own.get("Authorization", "") if challenge else "")
        parts: dict[str, str] = dict(_CHALLENGE.findall(rest))
        query = {"scope": f"repository:{self.repository}:pull"}
        if service := parts.get("service"):
            query["service"] = service
        realm = parts.get("realm", "")
        if urlsplit(realm).scheme not in ("https", urlsplit(self.server).scheme):
            raise LoaderError(
                f"{self.uri}: the registry sends logins to {realm}, without https; report this to its owner"
            )
        answer = self.web.read(f"{realm}?{urlencode(query)}", lambda _: own)
        try:
            issued: dict[str, Any] = json.loads(answer)
            seconds = float(issued.get("expires_in", TOKEN_SECONDS))
            return _Login(f"Bearer {issued.get('token') or issued['access_token']}", time.monotonic() + seconds / 2)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LoaderError(
                f"{self.uri}: {redacted(realm)} issued no token; check the URI, or report it to the registry's owner"
            ) from error

    def hashed_files(self) -> list[RemoteFile]:
        """Return the layers as files, with the digests of the manifest."""
        if self._files:
            return self._files
        url = f"{self.server}/v2/{self.repository}/manifests/{self.digest}"
        content = self.web.read(url, self.headers, {"Accept": _MANIFEST})
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != self.digest:
            raise LoaderError(f"{self.uri}: the registry sent a manifest with another digest; nothing was fetched")
        try:
            layers: list[dict[str, Any]] = json.loads(content)["layers"]
            files = [self._file(layer) for layer in layers]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LoaderError(
                f"{self.uri}: is not an artifact with one titled layer per file; push it with `oras push`, or mount "
                "the image without model.loader"
            ) from error
        refuse_nested((file.path for file in files), self.uri)
        self._files.extend(files)
        return files

    all_files = hashed_files

    def _file(self, layer: dict[str, Any]) -> RemoteFile:
        kind, _, digest = layer["digest"].partition(":")
        if kind != "sha256":
            raise KeyError(kind)
        url = f"{self.server}/v2/{self.repository}/blobs/{layer['digest']}"
        path = safe_path(layer["annotations"][_TITLE], self.uri)
        return RemoteFile(path, url, int(layer["size"]), Digest("sha256", digest))


def open_artifact(uri: str, web: Web, environment: Mapping[str, str]) -> Artifact:
    """Return the artifact that an oci:// URI names. MODEL_REGISTRY_HTTP=true allows a registry without TLS."""
    parts = _URI.fullmatch(uri)
    if parts is None:
        raise LoaderError(f"{uri}: is not an artifact by digest; use oci://repository@sha256:<64 hex>")
    scheme = "http" if environment.get("MODEL_REGISTRY_HTTP") == "true" else "https"
    return Artifact(uri, web, f"{scheme}://{parts[1]}", parts[2], parts[3], environment)
