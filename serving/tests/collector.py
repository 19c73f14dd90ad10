"""An OTLP/HTTP receiver in the test process: it decodes what a real collector would."""

import gzip
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """What was received so far."""

    endpoint: str = ""
    resources: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    spans: list[Any] = field(default_factory=list[Any])
    services: dict[bytes, str] = field(default_factory=dict[bytes, str])
    """Whose span it is, by the span's identifier."""


def attributes(message: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in message.attributes}


@contextmanager
def collecting(address: str = "127.0.0.1") -> Generator[Collector]:
    collector = Collector()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                collector.resources.append(attributes(part.resource))
                service = str(collector.resources[-1]["service.name"])
                for span in (span for scope in part.scope_spans for span in scope.spans):
                    collector.services[span.span_id] = service
                    collector.spans.append(span)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    server = ThreadingHTTPServer((address, 0), Receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    collector.endpoint = f"http://{address}:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
