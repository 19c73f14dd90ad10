"""Text understanding by schema: POST / takes a text and requested labels and returns spans, relations and choices.

`{"text": …, "schema": {"person": {"employer": null}, "sentiment": ["positive", "negative"]}}`; see `schema`.

Texts of several requests are not batched: an inference takes 0.04 ms alone and 0.02 ms per text in a batch of 32, while
a request takes 1 ms. Labels that the model was not trained on are refused with a hint to the nearest known label,
because the model's quality on other labels was not measured. Use `synonyms` in config.json for other words for known
labels.
"""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.json_body import require_lane_for
from serving.http.uploads import read_body
from serving.payloads.nlu import model, schema
from serving.payloads.nlu.model import Language
from serving.payloads.nlu.schema import BadRequestError, UnanswerableError
from serving.payloads.nlu.understand import answer
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service
from serving.work.offload import offload

# All forms of a first request: spans, relations of spans, arguments of triggers, choices, in short and long texts.
WARM_UP: tuple[tuple[str, dict[str, object]], ...] = (
    ("Anna Weber works for Nokia in Oslo.", {"person": {"employer": None}, "place": None}),
    ("The room was clean and I love it.", {"sentiment": ["positive", "negative"]}),
    ("Book a flight from Rome to Paris.", {"intent": None, "origin": None, "destination": None}),
    ("On 3 May 2021, Nokia bought Acme for $5 million. " * 6, {"acquisition": {"buyer": None, "price": None}}),
)


def _load(context: Context) -> Language:
    return model.load(context.model_folder, context.threads.intra_op, context.files.contents)


def _reload(language: Language, context: Context) -> Language:
    return language.configured(context.model_folder, context.files.contents)


def _routes(service: Service[Language]) -> list[Route]:
    def understand(language: Language, body: bytes) -> dict[str, object]:
        require_lane_for(body)
        text, asked = offload(schema.read, body)
        question = language.reader.question(text, asked)
        return {"output": answer(language, question, service.telemetry), "model": language.version}

    async def ask(request: Request) -> Response:
        """Answer the schema in the body for the text in the body."""
        try:
            answered = await service.compute(lambda: read_body(request, schema.MOST_BYTES), understand)
        except BadRequestError as error:
            raise refusal(400, str(error)) from error
        except UnanswerableError as error:
            raise refusal(422, str(error)) from error
        return JSONResponse({**answered, "served_by": service.identity.served_by()})

    return [Route(path, ask, methods=["POST"]) for path in ("/", "/predict")]


def _warm_up(language: Language) -> list[WarmUp]:
    longest = language.config.max_length
    bodies = [json.dumps({"text": text[:longest], "schema": asked}) for text, asked in WARM_UP]
    return [WarmUp(path="/", body=body.encode()) for body in bodies]


PAYLOAD = Payload(
    load=_load,
    reload=_reload,
    routes=_routes,
    warm_up=_warm_up,
    tensors=lambda language: language,
    default_model_name="nlu",
    pod_metrics=True,
)
