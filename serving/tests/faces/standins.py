"""Stand-ins for Redis and Chroma, in memory; tests can stop and empty them."""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import redis

_COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
Json = dict[str, Any]


@dataclass
class MemoryRedis:
    """The commands that are used, with a run of its own after each restart."""

    values: dict[str, bytes] = field(default_factory=dict[str, bytes])
    down: bool = False
    full: bool = False
    run: str = "first"

    def restart(self, *, empty: bool) -> None:
        self.down = self.full = False
        self.run = secrets.token_hex(4)
        if empty:
            self.values.clear()

    def info(self, section: str) -> Json:
        self._reach()
        assert section == "server"
        return {"run_id": self.run}

    def get(self, name: str) -> bytes | None:
        self._reach()
        return self.values.get(name)

    def set(self, name: str, value: bytes, ex: int | None = None, *, nx: bool = False) -> None:
        self._reach()
        del ex
        if self.full:
            raise redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'.")
        if not (nx and name in self.values):
            self.values[name] = value

    def delete(self, name: str) -> None:
        self._reach()
        self.values.pop(name, None)

    def close(self) -> None:
        """Nothing to close."""

    def _reach(self) -> None:
        if self.down:
            raise redis.ConnectionError("connection refused")


@dataclass
class MemoryChroma:
    """The part of Chroma's HTTP interface that is used; the answers' forms were compared with the real server's."""

    collection: str = "0f0f"
    rows: dict[str, Json] = field(default_factory=dict[str, Json])
    down: bool = False
    requests: list[str] = field(default_factory=list[str])

    def new_volume(self) -> None:
        self.collection = secrets.token_hex(4)
        self.rows.clear()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.requests.append(path.rpartition("/")[2])
        if self.down:
            raise httpx.ConnectError("connection refused", request=request)
        if path == "/api/v2/healthcheck":
            return httpx.Response(200, json={"is_executor_ready": True, "is_log_client_ready": True})
        question: Json = json.loads(request.content)
        if path == _COLLECTIONS:
            assert question["configuration"] == {"hnsw": {"space": "cosine"}}
            return httpx.Response(200, json={"id": self.collection, "name": question["name"]})
        collection, verb = path.removeprefix(_COLLECTIONS + "/").split("/")
        if collection != self.collection:
            return httpx.Response(404, json={"error": "NotFoundError", "message": "Collection does not exist"})
        return httpx.Response(200, json=getattr(self, f"_{verb}")(question))

    def _upsert(self, question: Json) -> Json:
        for face, vector, about in zip(question["ids"], question["embeddings"], question["metadatas"], strict=True):
            self.rows[face] = {"vector": vector, "about": about}
        return {}

    def _get(self, question: Json) -> Json:
        found = self._where(question)[question["offset"] : question["offset"] + question["limit"]]
        wanted = question["include"]
        vectors = [self.rows[face]["vector"] for face in found] if "embeddings" in wanted else None
        return {"ids": found, "embeddings": vectors, "metadatas": [self.rows[face]["about"] for face in found]}

    def _query(self, question: Json) -> Json:
        asked = np.array(question["query_embeddings"][0])
        distance = {face: float(1 - asked @ np.array(self.rows[face]["vector"])) for face in self._where(question)}
        best = sorted(distance, key=lambda face: distance[face])[: question["n_results"]]
        return {
            "ids": [best],
            "distances": [[distance[face] for face in best]],
            "metadatas": [[self.rows[face]["about"] for face in best]],
        }

    def _delete(self, question: Json) -> Json:
        found = self._where(question)
        for face in found:
            del self.rows[face]
        return {"deleted": len(found)}

    def _where(self, question: Json) -> list[str]:
        wanted = question.get("where", {}).items()
        return [face for face, row in self.rows.items() if wanted <= row["about"].items()]
