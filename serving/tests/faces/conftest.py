"""One trained model, and the five services in one process, over real HTTP on loopback."""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.payloads.faces import capture, compare, features, preprocess, store
from serving.payloads.faces.embedding import FaceModel, load_face_model
from serving.payloads.faces.gallery_cache import CachedGalleries, Generation
from serving.payloads.faces.peers import Peer
from serving.payloads.faces.people import person
from serving.payloads.faces.pictures import picture
from serving.payloads.faces.train import Size, train_with
from serving.payloads.faces.vectors import VectorStore
from serving.role.payload import Context, Payload
from serving.tests.faces.standins import MemoryChroma, MemoryRedis
from serving.tests.support import Running, serve
from serving.tests.trained import shared, written
from serving.training.runner import Trained

TOKEN = "token-5e2d"  # noqa: S105 -- of these tests
AUTHORIZED = {"authorization": f"Bearer {TOKEN}"}
SMALL = Size(training=(40, 6), calibration=(12, 3), held_out=(20, 3))
"""A quarter of the people: two seconds instead of twenty, and still above every floor."""


@pytest.fixture(scope="session")
def trained() -> Trained:
    return shared("faces", lambda: train_with(0, SMALL))


@pytest.fixture(scope="session")
def faces_folder(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(trained, tmp_path_factory)


@pytest.fixture(scope="session")
def face_model(faces_folder: Path) -> FaceModel:
    return load_face_model(faces_folder, 1)


@dataclass(frozen=True)
class Faces:
    """The whole system."""

    redis: MemoryRedis
    chroma: MemoryChroma
    services: dict[str, Running]
    addresses: dict[str, str]

    def enrol(self, who: int, number: int = 0) -> httpx.Response:
        return self.ask("POST", f"/enrol?person=person-{who}", picture(person(who), number))

    def recognise(self, who: int, number: int = 1) -> httpx.Response:
        return self.ask("POST", "/recognise", picture(person(who), number))

    def ask(self, method: str, path: str, body: bytes = b"") -> httpx.Response:
        headers = {"content-type": "image/jpeg"} if body else {}
        return self.services["capture"].client.request(method, path, content=body, headers=headers)

    def source(self, name: str) -> float:
        return self.services["compare"].metric("faces_gallery_reads_total", source=name)


def error_of(answer: httpx.Response) -> str:
    return answer.json()["error"]


def store_role(chroma: MemoryChroma, redis: MemoryRedis) -> Payload[store.Store]:
    """The store with stand-ins behind it."""

    def load(_: Context) -> store.Store:
        client = httpx.Client(base_url="http://vectors:8000", transport=httpx.MockTransport(chroma))
        return store.Store(VectorStore(Peer("vectors", client)), Generation(redis))

    return replace(store.PAYLOAD, load=load)


def compare_role(redis: MemoryRedis) -> Payload[compare.Compare]:
    """Compare with a stand-in for Redis; it looks at it again as soon as it is asked."""
    ticks = iter(range(10**9))

    def load(context: Context) -> compare.Compare:
        galleries = CachedGalleries(redis, clock=lambda: 10.0 * next(ticks))
        return compare.Compare(galleries, Peer.of(context, "store"))

    return replace(compare.PAYLOAD, load=load)


@pytest.fixture(scope="session")
def running_faces(faces_folder: Path) -> Generator[Faces]:
    redis, chroma = MemoryRedis(), MemoryChroma()
    with ExitStack() as stack:
        services: dict[str, Running] = {}
        addresses = {"FACES_TOKEN": TOKEN}

        def begin(name: str, payload: Payload[Any]) -> None:
            running = stack.enter_context(serve(payload, environment=addresses, modelPath=str(faces_folder)))
            services[name] = running
            addresses[f"{name.upper()}_ADDRESS"] = f"127.0.0.1:{running.port}"

        begin("preprocess", preprocess.PAYLOAD)
        begin("features", features.PAYLOAD)
        begin("store", store_role(chroma, redis))
        begin("compare", compare_role(redis))
        begin("capture", capture.PAYLOAD)
        services["capture"].client.headers.update(AUTHORIZED)
        yield Faces(redis, chroma, services, addresses)


@pytest.fixture
def faces(running_faces: Faces) -> Faces:
    """The five services, ready, with nobody enrolled."""
    running_faces.chroma.down = False
    running_faces.chroma.rows.clear()
    running_faces.redis.restart(empty=True)
    for running in running_faces.services.values():
        running.wait_ready()
    return running_faces
