"""A gRPC server as its authors wrote it: the standard health service, and metrics under the usual names for gRPC."""

import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import Counter, Histogram, start_http_server

SERVICE = "iris.v1.Classifier"
MODEL = Path(os.environ.get("MODEL", "/app/model.json"))
PORT, METRICS_PORT = 50051, 9100
WORKERS, DRAIN_SECONDS = 8, 20
# Callers keep a connection for hours, and would never see a new pod: the server closes each after a while.
OPTIONS = [("grpc.max_connection_age_ms", 30_000), ("grpc.max_connection_age_grace_ms", 10_000)]
HANDLED = Counter("grpc_server_handled_total", "Calls", ["grpc_service", "grpc_method", "grpc_code"])
SECONDS = Histogram("grpc_server_handling_seconds", "Time to answer", ["grpc_service", "grpc_method"])


class Measured(grpc.ServerInterceptor):
    """Count each call of our service and its time."""

    def intercept_service(self, continuation, details):
        """Wrap the handler of a call."""
        handler = continuation(details)
        _, service, method = details.method.split("/")
        if handler is None or service != SERVICE:
            return handler

        def measured(request, context):
            began, failed = time.perf_counter(), True
            try:
                answer = handler.unary_unary(request, context)
                failed = False
                return answer
            finally:
                code = context.code() or (grpc.StatusCode.UNKNOWN if failed else grpc.StatusCode.OK)
                SECONDS.labels(service, method).observe(time.perf_counter() - began)
                HANDLED.labels(service, method, code.name).inc()

        return grpc.unary_unary_rpc_method_handler(measured, handler.request_deserializer, handler.response_serializer)


class Classifier:
    """Softmax regression over four measurements of a flower."""

    def __init__(self, path):
        loaded = json.loads(path.read_text("utf-8"))
        self.labels = loaded["labels"]
        self.weights, self.bias = np.array(loaded["weights"]), np.array(loaded["bias"])

    def predict(self, request, context):
        """Return the probability of each label."""
        values = MessageToDict(request).get("measurements", [])
        if len(values) != len(self.weights) or not all(isinstance(value, float) for value in values):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"send {len(self.weights)} numbers as measurements")
        scores = np.array(values) @ self.weights + self.bias
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        found = {label: float(share) for label, share in zip(self.labels, shares, strict=True)}
        return ParseDict({"probabilities": found, "label": max(found, key=found.get)}, Struct())


def main():
    """Serve until SIGTERM; then finish the calls that have begun."""
    server = grpc.server(ThreadPoolExecutor(WORKERS), interceptors=[Measured()], options=OPTIONS)
    checks = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    handler = grpc.unary_unary_rpc_method_handler(
        Classifier(MODEL).predict, Struct.FromString, Struct.SerializeToString
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"Predict": handler})])
    server.add_insecure_port(f"0.0.0.0:{PORT}")
    start_http_server(METRICS_PORT)
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server.start()
    for name in ("", SERVICE):
        checks.set(name, health_pb2.HealthCheckResponse.SERVING)
    stopped.wait()
    checks.enter_graceful_shutdown()
    server.stop(DRAIN_SECONDS).wait()


if __name__ == "__main__":
    main()
