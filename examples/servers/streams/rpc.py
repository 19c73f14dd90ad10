"""Words over gRPC, with the standard health service. Nothing here knows Slipway.

A request and an answer are plain UTF-8, so that no code is generated: Echo gives it back, Words gives as many words as
fit into that many seconds, Talk answers each message of a stream.
"""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from words import DONE, PACE_SECONDS, words

SERVICE = "streams.Words"


def echo(request: bytes, _: grpc.ServicerContext) -> bytes:
    """Give the request back."""
    return request


def sent(request: bytes, _: grpc.ServicerContext) -> Iterator[bytes]:
    """Send words for as many seconds as the request says."""
    for word in words(float(request)):
        yield word.encode()
        time.sleep(PACE_SECONDS)
    yield DONE.encode()


def talk(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    """Give each message back as it comes."""
    yield from requests
    yield DONE.encode()


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(256))
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                SERVICE,
                {
                    "Echo": grpc.unary_unary_rpc_method_handler(echo),
                    "Words": grpc.unary_stream_rpc_method_handler(sent),
                    "Talk": grpc.stream_stream_rpc_method_handler(talk),
                },
            )
        ]
    )
    status = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(status, server)
    server.add_insecure_port(f"[::]:{os.environ['PORT']}")
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server.start()
    status.set("", health_pb2.HealthCheckResponse.SERVING)
    stopped.wait()
    server.stop(float(os.environ.get("DRAIN_SECONDS", "30"))).wait()
