"""Becomes ``sitecustomize`` in images of tests/cluster/strangers.py, and gives any server one fault.

The servers have no switch for faults. Each POST and each gRPC call is delayed, or every n-th one fails; health checks
are not affected. The faults occur below the server's own metrics, so it counts them.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

FAULT = "fault.json"
_NUMBERS = itertools.count(1)
_FAILED = 500
_TOLD: dict[str, float] = {}


def _fails() -> bool:
    every = int(_TOLD["every"])
    return bool(every) and next(_NUMBERS) % every == 0


def _asgi() -> None:
    """Patch how Starlette reads a body: FastAPI, LitServe, MLServer, BentoML, Ray Serve."""
    from starlette.exceptions import HTTPException  # noqa: PLC0415 -- where it is installed
    from starlette.requests import Request  # noqa: PLC0415

    request = cast("Any", Request)
    read = request.body

    async def spoiled(self: Any) -> bytes:
        if self.method == "POST" and not self.scope.get("spoiled"):
            self.scope["spoiled"] = True
            await asyncio.sleep(_TOLD["delay"])
            if _fails():
                raise HTTPException(_FAILED)
        return cast("bytes", await read(self))

    request.body = spoiled


def _wsgi() -> None:
    """Patch Flask applications, under any WSGI server."""
    flask = __import__("flask")
    serve = flask.Flask.wsgi_app

    def spoiled(self: Any, environ: Any, start_response: Callable[..., object]) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            time.sleep(_TOLD["delay"])
            if _fails():
                start_response("500 Internal Server Error", [("Content-Length", "0")])
                return [b""]
        return serve(self, environ, start_response)

    flask.Flask.wsgi_app = spoiled


def _standard_library() -> None:
    """Patch the handlers of ``http.server``."""
    from http.server import BaseHTTPRequestHandler  # noqa: PLC0415 -- as above

    def spoil(cls: Any) -> None:
        post = cls.__dict__.get("do_POST")
        if post is None:
            return

        def spoiled(self: Any) -> None:
            time.sleep(_TOLD["delay"])
            if not _fails():
                post(self)
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(_FAILED)
            self.send_header("Content-Length", "0")
            self.end_headers()

        cls.do_POST = spoiled

    cast("Any", BaseHTTPRequestHandler).__init_subclass__ = classmethod(spoil)


def _grpc() -> None:
    """Patch gRPC servers with an interceptor below their own."""
    grpc = __import__("grpc")
    make = grpc.server

    class Spoiled(grpc.ServerInterceptor):
        def intercept_service(self, continuation: Any, details: Any) -> Any:
            handler = continuation(details)
            if handler is None or "grpc.health" in details.method:
                return handler

            def answer(request: Any, context: Any) -> Any:
                time.sleep(_TOLD["delay"])
                if _fails():
                    context.abort(grpc.StatusCode.INTERNAL, "spoiling: the model fails on this request")
                return handler.unary_unary(request, context)

            kinds = handler.request_deserializer, handler.response_serializer
            return grpc.unary_unary_rpc_method_handler(answer, *kinds)

    def server(*arguments: Any, interceptors: Any = (), **options: Any) -> Any:
        return make(*arguments, interceptors=[*interceptors, Spoiled()], **options)

    grpc.server = server


if __name__ == "sitecustomize":
    _TOLD.update(json.loads(Path(__file__).with_name(FAULT).read_text()))
    for spoil in (_asgi, _wsgi, _standard_library, _grpc):
        with contextlib.suppress(ImportError):
            spoil()
