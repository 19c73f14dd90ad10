"""A steady load on a server of examples/servers, over HTTP through the proxy, or over gRPC through its Service."""

import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from tests.cluster import seen
from tests.cluster.repeated import repeated
from tests.cluster.strangers import PER_SECOND, Stranger

SETOSA = {"measurements": [5.1, 3.5, 1.4, 0.2]}
_SECONDS = 10.0
_GOOD = "200"
_RPC: Any = grpc


class Asked(Protocol):
    """The requests of a load so far."""

    def failed(self, since: float) -> Counter[str]:
        """Count the requests sent since a Unix time that got no good answer, by what they got instead."""
        ...

    def count(self, since: float) -> int:
        """Count the requests sent since a Unix time."""
        ...


@dataclass(frozen=True)
class Requests:
    """Requests over HTTP, which a process of its own sends."""

    load: seen.Load

    def failed(self, since: float) -> Counter[str]:
        return Counter(answer.status for answer in self.load.since(since) if not answer.good)

    def count(self, since: float) -> int:
        return len(self.load.since(since))


@dataclass
class Calls:
    """Calls over gRPC, each on a connection of its own: kube-proxy chooses a pod for each connection."""

    target: str
    method: str
    ends: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """When each call began (Unix time), and the status with which it ended."""

    def call(self) -> dict[str, Any]:
        """Call once; return the answer. Raises RpcError."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        with _RPC.insecure_channel(self.target, options=options) as channel:
            ask = channel.unary_unary(self.method, Struct.SerializeToString, Struct.FromString)
            return dict(ask(ParseDict(SETOSA, Struct()), timeout=_SECONDS, wait_for_ready=False))

    def note(self) -> None:
        """Call once, and note how the call ended."""
        began, status = time.time(), _GOOD
        try:
            self.call()
        except _RPC.RpcError as error:
            status = error.code().name
        self.ends.append((began, status))

    def failed(self, since: float) -> Counter[str]:
        return Counter(status for began, status in list(self.ends) if began >= since and status != _GOOD)

    def count(self, since: float) -> int:
        return sum(began >= since for began, _ in list(self.ends))


@contextmanager
def asking(system: Stranger, folder: Path) -> Generator[Asked]:
    """Send requests to a deployed server at a steady rate until the block ends."""
    server = system.server
    if server.kind == "application/grpc":
        calls = Calls(target(system), server.path)
        with repeated(calls.note, per_second=PER_SECOND):
            yield calls
        return
    with seen.running(system.ingress, server.body, folder, per_second=PER_SECOND, content_type=server.kind) as load:
        load.wait_for(lambda answer: answer.good, 0)
        yield Requests(load)


def target(system: Stranger) -> str:
    """Return the address of the server's Service."""
    spec = system.copy.found("service", system.service)["spec"]
    return f"{spec['clusterIP']}:{spec['ports'][0]['port']}"
