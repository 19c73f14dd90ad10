"""A real S3 server on loopback, in this process: moto."""

import logging
from collections.abc import Callable, Generator
from functools import cache
from typing import Any, cast

import boto3
import boto3.session
import botocore.session as descriptions_of
import pytest
from moto.server import ThreadedMotoServer

from serving.models import object_storage

BUCKET = "models"


@pytest.fixture(scope="session")
def endpoint() -> Generator[str]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def client(endpoint: str) -> Any:
    given = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    made = cast("Any", boto3).session.Session().client("s3", endpoint_url=endpoint, **given)
    made.create_bucket(Bucket=BUCKET)
    return made


@cache
def sharing_descriptions() -> Callable[[], Any]:
    """Sessions that read boto3's large descriptions of the services once, not once each."""
    descriptions = cast("Any", descriptions_of).Session().get_component("data_loader")
    session = boto3.session.Session

    def make() -> Any:
        made = cast("Any", descriptions_of).Session()
        made.register_component("data_loader", descriptions)
        return session(botocore_session=made)

    return make


@pytest.fixture
def s3(endpoint: str, client: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client for the test's own questions; the variables are set for the code under test. The bucket is empty."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "publisher")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(object_storage, "ATTEMPTS", 1)
    monkeypatch.setattr("boto3.session.Session", sharing_descriptions())
    for key in keys(client):
        client.delete_object(Bucket=BUCKET, Key=key)
    return client


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
