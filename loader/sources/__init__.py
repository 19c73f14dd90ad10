"""Where models come from: one module for each scheme of a URI."""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from loader.errors import LoaderError
from loader.files import Source
from loader.sources import hub, plain, registry
from loader.web import Web

SCHEMES = ("s3", "https", "http", "hf", "oci")


def open_source(uri: str, web: Web, environment: Mapping[str, str] = os.environ) -> Source:
    """Return the source that a URI names, without sending a request.

    Args:
        uri: The model's URI.
        web: The connections to use.
        environment: Endpoints and credentials, in the variables that each source's own tools read.

    Raises:
        LoaderError: the URI or a variable is invalid.
    """
    try:
        scheme = urlsplit(uri).scheme
    except ValueError as error:
        raise LoaderError(f"{uri}: is not a URI ({error}); use one of the schemes {', '.join(SCHEMES)}") from error
    if scheme == "s3":
        from loader.sources import storage  # noqa: PLC0415 -- only this source needs botocore, which takes memory

        return storage.open_bucket(uri, web, environment)
    if scheme in ("https", "http"):
        return plain.open_folder(uri, web, environment)
    if scheme == "hf":
        return hub.open_model(uri, web, environment)
    if scheme == "oci":
        return registry.open_artifact(uri, web, environment)
    raise LoaderError(f"{uri}: scheme '{scheme}' is not supported; use one of {', '.join(SCHEMES)}")
