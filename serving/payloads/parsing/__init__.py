"""Human parsing: which part of a person each pixel of a picture shows. Page, API, pre-/post-processing and model."""

from contextlib import suppress

from serving.errors import UnreachableError
from serving.payloads.parsing.api import routes
from serving.payloads.parsing.loading import Parsing, example, open_parsing
from serving.role.payload import Payload, WarmUp


def _observe(parsing: Parsing) -> None:
    """Measure the queue, so that an autoscaler can start workers from zero; readiness never depends on Redis."""
    if parsing.jobs is not None:
        with suppress(UnreachableError):
            parsing.jobs.observe()


def _warm_up(_: Parsing) -> list[WarmUp]:
    return [WarmUp(path="/api/parse", content_type="image/jpeg", body=example())]


PAYLOAD = Payload[Parsing](
    load=open_parsing,
    routes=routes,
    warm_up=_warm_up,
    check=_observe,
    tensors=lambda parsing: parsing.answers.parser.onnx,
    default_model_name="parsing",
    healthy="healthy",
)
