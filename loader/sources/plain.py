"""Models on a web server: a folder with SHA256SUMS (`https://host/folder/`) or one file (`https://host/model.onnx`)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urljoin, urlsplit

from loader.errors import LoaderError
from loader.files import RemoteFile
from loader.web import Web


@dataclass(frozen=True)
class WebFolder:
    """A folder or a file on a web server."""

    uri: str
    web: Web
    environment: Mapping[str, str] = field(repr=False)
    version: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def single(self) -> str | None:
        """The file's name if the URI names one file."""
        return None if self.uri.endswith("/") else self.uri.rpartition("/")[2]

    def url_of(self, path: str) -> str:
        """Return the URL of a file."""
        return urljoin(self.uri, quote(path))

    def headers(self, url: str) -> dict[str, str]:
        """Return the Authorization header if the environment contains a login."""
        del url
        return authorization(self.environment)

    def hashed_files(self) -> None:
        """Return None: web servers state no hashes."""
        return

    def all_files(self) -> list[RemoteFile]:
        """Return the single file; raise LoaderError for a folder, because web servers do not list folders."""
        if self.single is None:
            raise LoaderError(f"{self.uri}: a web server does not list its folders; publish SHA256SUMS in it")
        return [RemoteFile(self.single, self.uri, None, None)]


def open_folder(uri: str, web: Web, environment: Mapping[str, str]) -> WebFolder:
    """Return the folder that an https:// URI names."""
    parts = urlsplit(uri)
    if not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise LoaderError(f"{uri}: is not a web folder or file; use https://host/folder/ or https://host/file")
    return WebFolder(uri, web, environment)


def authorization(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the Authorization header for MODEL_TOKEN (bearer), or for MODEL_USER and MODEL_PASSWORD (basic)."""
    if token := environment.get("MODEL_TOKEN"):
        return {"Authorization": f"Bearer {token}"}
    if user := environment.get("MODEL_USER"):
        both = f"{user}:{environment.get('MODEL_PASSWORD', '')}".encode()
        return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
    return {}
