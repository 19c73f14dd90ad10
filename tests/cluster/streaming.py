"""The example with long answers (examples/servers/streams), and clients that read its streams through releases.

A stream is complete if its marker arrived and its protocol ended it, by the last chunk of an HTTP answer or the status
of a call. A WebSocket is complete with its marker.
"""

import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import grpc
import websocket
import yaml

from tests.cluster.commanded import Commanded
from tests.cluster.copies import Copy, initialised
from tests.cluster.stack import Json, Stack, config_of, project_elsewhere, run
from tests.cluster.waiting import within
from tests.recording import PROJECT

NAME = "streams"
DONE = "[DONE]"
SECONDS = 10
"""Seconds that one stream takes."""
PATIENCE_SECONDS = 60.0
"""Seconds without data after which a client gives up."""
COMMAND_SECONDS = 600
Kind = Callable[[str, str, float], str]
"""Reads one stream from a host at an address; returns its fault, or an empty text."""


def read_http(address: str, host: str, path: str) -> str:
    """Read one answer to its end."""
    connection = HTTPConnection(address, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Host": host})
        reply = connection.getresponse()
        body = reply.read().decode().rstrip()
    finally:
        connection.close()
    return "" if reply.status == 200 and body.endswith(DONE) else f"status {reply.status}, {body[-20:]!r}"


def events(address: str, host: str, seconds: float) -> str:
    """Read server-sent events."""
    return read_http(address, host, f"/events?seconds={seconds:g}")


def chunks(address: str, host: str, seconds: float) -> str:
    """Read a chunked answer."""
    return read_http(address, host, f"/chunks?seconds={seconds:g}")


def talk(address: str, host: str, seconds: float) -> str:
    """Exchange messages over a WebSocket until the server sends the marker."""
    connection: Any = websocket.create_connection(  # pyright: ignore[reportUnknownMemberType]
        f"ws://{address}/talk?seconds={seconds:g}", host=host, timeout=PATIENCE_SECONDS
    )
    try:
        said = ""
        for number in itertools.count():
            connection.send(f"{number}")
            heard = connection.recv()
            if not heard:
                return f"closed after {said!r}"
            if str(heard) == DONE:
                return ""
            said = str(heard)
            if said.partition(" ")[0] != f"{number}":
                return f"{said!r} is no answer to {number}"
    finally:
        connection.close()
    return "never"


def call(address: str, host: str, seconds: float) -> str:
    """Read the stream of a gRPC call."""
    with channel(address, host) as made:
        words = [word.decode() for word in made.unary_stream("/streams.Words/Words")(f"{seconds:g}".encode())]
    return "" if words[-1:] == [DONE] else f"ended with {words[-1:]}"


def channel(address: str, host: str) -> Any:
    """Return a gRPC channel to a host behind the proxy."""
    return grpc.insecure_channel(address, options=[("grpc.default_authority", host)])


WEB: tuple[Kind, ...] = (events, chunks, talk)
RPC: tuple[Kind, ...] = (call,)


@dataclass
class Streams:
    """The streams that have ended, and the number of open ones."""

    ended: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Kind and fault of each stream; an empty fault = complete."""
    open: Counter[str] = field(default_factory=Counter[str])

    @property
    def broken(self) -> Counter[tuple[str, str]]:
        """The incomplete streams by kind and fault."""
        return Counter(one for one in self.ended if one[1])

    def read(self, kind: Kind, address: str, host: str) -> None:
        """Read one stream and record how it ended."""
        self.open[kind.__name__] += 1
        try:
            fault = kind(address, host, SECONDS)
        except (OSError, HTTPException, websocket.WebSocketException, grpc.RpcError) as error:
            fault = f"{type(error).__name__}: {error}"[:200]
        self.open[kind.__name__] -= 1
        self.ended.append((kind.__name__, fault))


@contextmanager
def reading(url: str, host: str, kinds: tuple[Kind, ...], count: int) -> Generator[Streams]:
    """Keep ``count`` streams open until the block ends; read the last ones to their ends."""
    found, stop = Streams(), threading.Event()
    address = urlsplit(url).netloc

    def keep(number: int) -> None:
        for kind in itertools.islice(itertools.cycle(kinds), number % len(kinds), None):
            if stop.is_set():
                return
            found.read(kind, address, host)

    clients = [threading.Thread(target=keep, args=(number,)) for number in range(count)]
    for client in clients:
        client.start()
    try:
        within(lambda: found.open.total() == count, "all streams are open")
        yield found
    finally:
        stop.set()
        for client in clients:
            client.join()


@dataclass(frozen=True)
class Streaming:
    """The system: its services are ``words`` (HTTP) and ``rpc`` (gRPC)."""

    copy: Copy
    entry: Json

    @property
    def url(self) -> str:
        """The proxy's address."""
        return str(self.copy.settings["slipway:cluster"]["ingressUrl"])

    def host(self, service: str) -> str:
        """Return the host of a service."""
        return str(self.entry["environments"]["dev"]["services"][service]["route"]["host"])

    def edit(self, service: str, **fields: object) -> None:
        """Edit a service of the catalogue entry."""
        self.entry["services"][service].update(fields)
        file = self.copy.folder / "catalog" / f"{NAME}.yaml"
        file.write_text(yaml.safe_dump(self.entry, sort_keys=False))

    def up(self) -> None:
        """Run `pulumi up`."""
        done = self.copy.pulumi("up", "--yes", "--skip-preview")
        assert done.returncode == 0, done.stdout + done.stderr

    def slipway(self, command: str, service: str, *arguments: str) -> Commanded:
        """Run a command about a service, as CI does."""
        began = time.time()
        line = (sys.executable, "-m", "delivery", "-C", str(self.copy.folder), command, NAME, service, *arguments)
        done = run(*line, "--json", "--events", env=self.copy.stack.env, timeout=COMMAND_SECONDS)
        return Commanded(began, time.time() - began, done)

    def there(self, pod: str) -> bool:
        """Return whether a pod exists, even if it is being deleted."""
        return bool(self.copy.kubectl("get", "pod", pod, "--ignore-not-found", "-o", "name"))


@contextmanager
def streaming(stack: Stack, folder: Path, **cluster: object) -> Generator[Streaming]:
    """Deploy the example; ``cluster`` is added to the dev stack's ``slipway:cluster``."""
    entry = cast("Json", yaml.safe_load((PROJECT / "examples" / "servers" / NAME / f"{NAME}.yaml").read_text("utf-8")))
    with initialised(stack, project_elsewhere(folder, entry), NAME) as copy:
        for key in ("slipway:images", "slipway:objectStorage", "slipway:secrets"):
            del copy.settings[key]
        copy.settings["slipway:image"] = config_of("dev")["slipway:image"]
        copy.settings["slipway:cluster"] = {**copy.settings["slipway:cluster"], **cluster}
        copy.write({})
        made = Streaming(copy, entry)
        made.up()
        yield made
