"""A steady load on a server of examples/servers, over HTTP through the proxy, or over gRPC through its Service."""

import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from tests.cluster import seen
from tests.cluster.strangers import PER_SECOND, Stranger

SETOSA = {"measurements": [5.1, 3.5, 1.4, 0.2]}
_SECONDS = 10.0
_AT_MOST = 20_000
_RPC: Any = grpc


@dataclass
class Calls:
    """Calls over gRPC, each on a connection of its own: kube-proxy chooses a pod for each connection."""

    target: str
    method: str
    ends: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def call(self) -> dict[str, Any]:
        """Call once; return the answer. Raises RpcError."""
        options = (("grpc.use_local_subchannel_pool", 1),)
        with _RPC.insecure_channel(self.target, options=options) as channel:
            ask = channel.unary_unary(self.method, Struct.SerializeToString, Struct.FromString)
            return dict(ask(ParseDict(SETOSA, Struct()), timeout=_SECONDS, wait_for_ready=False))

    def send(self, stop: threading.Event) -> None:
        """Call at a steady rate until told to stop."""
        for _ in range(_AT_MOST):
            began = time.time()
            try:
                self.call()
                status = "200"
            except _RPC.RpcError as error:
                status = error.code().name
            self.ends.append((began, status))
            if stop.wait(max(0.0, began + 1 / PER_SECOND - time.time())):
                return


@dataclass(frozen=True)
class Asked:
    """The load so far."""

    calls: Calls | None
    load: seen.Load | None

    def failed(self, since: float) -> Counter[str]:
        """Count what was not a good answer, of the requests sent since then."""
        if self.load:
            return Counter(answer.status for answer in self.load.since(since) if not answer.good)
        assert self.calls
        return Counter(status for sent, status in list(self.calls.ends) if sent >= since and status != "200")

    def count(self, since: float) -> int:
        """Count the requests sent since then."""
        if self.load:
            return len(self.load.since(since))
        assert self.calls
        return sum(sent >= since for sent, _ in list(self.calls.ends))


@contextmanager
def asking(system: Stranger, folder: Path) -> Generator[Asked]:
    """Ask a deployed server at a steady rate while the block runs."""
    server = system.server
    if server.kind != "application/grpc":
        with seen.running(system.ingress, server.body, folder, per_second=PER_SECOND, content_type=server.kind) as load:
            load.wait_for(lambda answer: answer.good, 0)
            yield Asked(None, load)
        return
    calls, stop = Calls(target(system), server.path), threading.Event()
    sender = threading.Thread(target=calls.send, args=(stop,))
    sender.start()
    try:
        yield Asked(calls, None)
    finally:
        stop.set()
        sender.join()


def target(system: Stranger) -> str:
    """Return the address of the server's Service."""
    spec = system.copy.found("service", system.service)["spec"]
    return f"{spec['clusterIP']}:{spec['ports'][0]['port']}"
