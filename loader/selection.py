"""Select the files of a model and the hash that proves each: from a manifest, the source's hashes or SHA256SUMS."""

import hashlib
from collections.abc import Mapping

from loader.errors import LoaderError, MissingError
from loader.files import SUMS_FILE, Digest, RemoteFile, Source, read_sums
from loader.manifest import Pinned
from loader.web import Web

PREFIX = "sha256:"


def files_to_fetch(
    web: Web, source: Source, pinned: Mapping[str, Pinned] | None, checksum: str | None
) -> list[RemoteFile]:
    """Return the files to fetch, each with the hash that must match.

    Args:
        web: The connections to use.
        source: Where the model is.
        pinned: The files of a manifest, which takes precedence over everything else.
        checksum: `sha256:<hex>` of SHA256SUMS or, for a URI that names a single file, of that file.

    Raises:
        LoaderError: the source cannot be read, no hash proves the model, or the checksum does not match.
    """
    if pinned is not None:
        return [
            RemoteFile(path, source.url_of(path), one.size, Digest("sha256", one.sha256))
            for path, one in pinned.items()
        ]
    if (listed := source.hashed_files()) is not None:
        if not listed:
            raise LoaderError(f"{source.uri}: contains no file; check the URI")
        return listed
    if source.single is not None:
        if checksum is None:
            raise LoaderError(
                f"{source.uri}: no hash proves this file; set model.checksum to its SHA-256, or run slipway model pin"
            )
        return [RemoteFile(source.single, source.uri, None, Digest("sha256", checksum.removeprefix(PREFIX)))]
    return _summed(web, source, checksum)


def _summed(web: Web, source: Source, checksum: str | None) -> list[RemoteFile]:
    """Return the files that SHA256SUMS lists, and SHA256SUMS itself: our model server verifies it again."""
    url = source.url_of(SUMS_FILE)
    try:
        content = web.read(url, source.headers)
    except MissingError as error:
        raise MissingError(
            f"{source.uri}: has no {SUMS_FILE}, so nothing proves the model; publish it with sha256sum, or run slipway "
            "model pin and name the manifest in model.manifest"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if checksum is not None and PREFIX + found != checksum:
        raise LoaderError(
            f"{source.uri}: {SUMS_FILE} is {PREFIX}{found}, but {checksum} is required; correct the model or the pin"
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise LoaderError(f"{source.uri}: {SUMS_FILE} is not text; create it with sha256sum") from error
    sums = read_sums(text, f"{source.uri}: {SUMS_FILE}")
    if SUMS_FILE in sums:
        raise LoaderError(f"{source.uri}: {SUMS_FILE} lists itself; remove that line")
    files = [RemoteFile(path, source.url_of(path), None, Digest("sha256", digest)) for path, digest in sums.items()]
    return [*files, RemoteFile(SUMS_FILE, url, len(content), Digest("sha256", found))]
