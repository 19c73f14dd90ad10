"""Models on a hub with the protocol of Hugging Face, at a commit, which never changes.

The hub states the SHA-256 of files in large-file storage, and Git's hash of the others. Protocol: `model_info(…,
files_metadata=True)` and `hf_hub_url` of huggingface_hub.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from loader.errors import LoaderError, MissingError
from loader.files import Digest, RemoteFile, safe_path
from loader.web import Web

_URI = re.compile(r"hf://([\w.-]+/)?([\w.-]+)@([0-9a-f]{40})")
DEFAULT_ENDPOINT = "https://huggingface.co"


@dataclass(frozen=True)
class HubModel:
    """A model of the hub at a commit."""

    uri: str
    web: Web
    endpoint: str
    repository: str
    commit: str
    token: str | None = field(repr=False)
    single: None = None

    @property
    def version(self) -> dict[str, str]:
        """The commit."""
        return {"commit": self.commit}

    def url_of(self, path: str) -> str:
        """Return the URL of a file, which may redirect to the storage of large files."""
        return f"{self.endpoint}/{self.repository}/resolve/{self.commit}/{quote(path)}"

    def headers(self, url: str) -> dict[str, str]:
        """Return the token, if there is one."""
        del url
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def hashed_files(self) -> list[RemoteFile]:
        """Return the commit's files with the hub's hashes."""
        url = f"{self.endpoint}/api/models/{self.repository}/revision/{self.commit}?blobs=true"
        try:
            said: dict[str, Any] = json.loads(self.web.read(url, self.headers))
            if said["sha"] != self.commit:
                raise LoaderError(f"{self.uri}: the hub answered with commit {said['sha']}; name that commit's full id")
            return [self._file(one) for one in said["siblings"]]
        except MissingError as error:
            raise MissingError(
                f"{self.uri}: the hub has no such model or commit; check both, and model.secrets if it is private"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise LoaderError(
                f"{self.uri}: {self.endpoint} does not answer as a model hub does; check its URL"
            ) from error

    all_files = hashed_files

    def _file(self, one: dict[str, Any]) -> RemoteFile:
        path = safe_path(one["rfilename"], self.uri)
        large = one.get("lfs")
        digest = Digest("sha256", large["sha256"]) if large else Digest("git", one["blobId"])
        return RemoteFile(path, self.url_of(path), int(large["size"] if large else one["size"]), digest)


def open_model(uri: str, web: Web, environment: Mapping[str, str]) -> HubModel:
    """Return the model that an hf:// URI names. Variables as in huggingface_hub: HF_ENDPOINT, HF_TOKEN."""
    parts = _URI.fullmatch(uri)
    if parts is None:
        raise LoaderError(f"{uri}: is not a model at a commit; use hf://organization/model@<40 hex digits>")
    endpoint = (environment.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")
    return HubModel(uri, web, endpoint, (parts[1] or "") + parts[2], parts[3], environment.get("HF_TOKEN"))
