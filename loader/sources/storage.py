"""Models in object storage with the S3 interface: `s3://bucket/prefix`.

Endpoint, region and credentials come from the standard variables and the SDK's other sources (a role of the pod's
account, instance metadata). botocore finds the credentials and signs; its client would take 20 MiB of memory more.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree as ET  # parses only answers of the stack's own object storage

import botocore.session
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError

from loader.errors import LoaderError, one_line
from loader.files import RemoteFile, safe_path
from loader.web import Web

_URI = re.compile(r"s3://([a-z0-9][-a-z0-9.]{1,61}[a-z0-9])/([^\s?#]*[^\s?#/])/?")
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Bucket:
    """A prefix in a bucket."""

    uri: str
    web: Web
    endpoint: str
    region: str
    bucket: str
    prefix: str
    credentials: Any = field(repr=False)
    single: None = None
    version: dict[str, str] = field(default_factory=dict[str, str])

    def url_of(self, path: str) -> str:
        """Return the URL of an object. The bucket is in the path: few servers have a host name per bucket."""
        return f"{self.endpoint}/{self.bucket}/{quote(f'{self.prefix}/{path}')}"

    def headers(self, url: str) -> dict[str, str]:
        """Return the signature of a request; empty without credentials, for public buckets.

        Raises:
            LoaderError: the service that issues temporary credentials refuses, or does not answer.
        """
        if self.credentials is None:
            return {}
        try:
            credentials = self.credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError) as error:
            raise _no_credentials(self.uri, error) from error
        request = cast("Any", AWSRequest)(method="GET", url=url)
        cast("Any", S3SigV4Auth)(credentials, "s3", self.region).add_auth(request)
        return dict(request.headers.items())

    def hashed_files(self) -> None:
        """Return None: S3 hashes a large object in parts, not as a whole."""
        return

    def all_files(self) -> list[RemoteFile]:
        """Return every object below the prefix."""
        found: list[RemoteFile] = []
        token = ""
        while True:
            query = {"list-type": "2", "prefix": f"{self.prefix}/", **({"continuation-token": token} if token else {})}
            content = self.web.read(f"{self.endpoint}/{self.bucket}?{urlencode(query)}", self.headers)
            page = _parsed(content, self.uri)
            for one in page.findall("Contents"):
                path = (one.findtext("Key") or "").removeprefix(f"{self.prefix}/")
                if path and not path.endswith("/"):
                    size = int(one.findtext("Size") or 0)
                    found.append(RemoteFile(safe_path(path, self.uri), self.url_of(path), size, None))
            token = page.findtext("NextContinuationToken") or ""
            if not token:
                return found


def _parsed(content: bytes, uri: str) -> ET.Element:
    try:
        root = ET.fromstring(content)  # noqa: S314 -- see the import
    except ET.ParseError as error:
        raise LoaderError(
            f"{uri}: the endpoint does not answer as S3 does ({one_line(error)}); check its URL"
        ) from error
    for node in root.iter():  # servers differ in the namespace
        node.tag = node.tag.rpartition("}")[2]
    return root


def _no_credentials(uri: str, error: Exception) -> LoaderError:
    return LoaderError(f"{uri}: no usable credentials ({one_line(error)}); check the AWS_* variables or the pod's role")


def open_bucket(uri: str, web: Web, environment: Mapping[str, str]) -> Bucket:
    """Return the prefix that an s3:// URI names."""
    parts = _URI.fullmatch(uri)
    if parts is None:
        raise LoaderError(f"{uri}: is not an object storage URI; use s3://bucket/prefix")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    try:
        credentials = cast("Any", botocore.session).Session().get_credentials()
    except BotoCoreError as error:
        raise _no_credentials(uri, error) from error
    host = endpoint or f"https://s3.{region}.amazonaws.com"
    if not urlsplit(host).hostname:
        raise LoaderError(f"{uri}: AWS_ENDPOINT_URL {host!r} is not a URL; use https://host:port")
    return Bucket(uri, web, host.rstrip("/"), region, parts[1], parts[2], credentials)
