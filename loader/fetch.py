"""Fetch one model into a store, unless the store already holds it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loader import manifest
from loader.download import CONNECTIONS, Download
from loader.errors import LoaderError
from loader.progress import Progress
from loader.selection import files_to_fetch
from loader.sources import open_source
from loader.space import Space
from loader.store import Store
from loader.web import Web


@dataclass(frozen=True, kw_only=True)
class Request:
    """A pod's request to its loader."""

    uri: str
    store: Path
    name: str
    """The model's folder in the store."""
    checksum: str | None = None
    manifest: str | None = None
    """The lines of a manifest, as `loader.manifest` reads them."""
    limit: int | None = None
    """Largest size of the model in bytes."""
    connections: int = CONNECTIONS

    @property
    def pin(self) -> str:
        """Identifies the content: a model in the store with the same pin is the same model."""
        return hashlib.sha256(json.dumps([self.uri, self.checksum, self.manifest]).encode()).hexdigest()


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch; the field names are those of the last log line."""

    uri: str
    folder: str
    files: int
    bytesFetched: int  # noqa: N815 -- the log line's name
    bytesResumed: int  # noqa: N815
    fromCache: bool  # noqa: N815


def fetch(request: Request, environment: Mapping[str, str], progress: Progress | None = None) -> Fetched:
    """Put a model into its folder of the store, and verify every byte that no earlier run has verified.

    Raises:
        LoaderError: nothing was published; the message is one line. What has arrived stays for the next attempt.
    """
    store = Store(request.store, request.name)
    counts = progress or Progress()
    try:
        with store.locked() as held:
            if held.holds(request.pin):
                return Fetched(request.uri, str(held.published), 0, 0, 0, fromCache=True)
            web = Web(request.connections)
            source = open_source(request.uri, web, environment)
            pinned = manifest.read(request.manifest) if request.manifest else None
            files = files_to_fetch(web, source, pinned, request.checksum)
            folder = held.prepare()
            download = Download(
                web=web,
                source=source,
                folder=folder,
                space=Space(request.uri, folder, request.limit),
                progress=counts,
                connections=request.connections,
            )
            proofs = download.run(files)
            held.publish(request.uri, request.pin, proofs)
    except OSError as error:
        where = error.filename or request.store
        raise LoaderError(
            f"{request.uri}: cannot use {where} ({error.strerror or error}); check its permissions and free space"
        ) from error
    finally:
        counts.end()
    return Fetched(request.uri, str(store.published), len(proofs), counts.fetched, counts.resumed, fromCache=False)
