"""The endpoints: the page, synchronous answers, and jobs."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.errors import refusal
from serving.http.uploads import Upload, no_body, read_upload
from serving.payloads.parsing.answers import Answer, palette
from serving.payloads.parsing.jobs import Jobs, Progress
from serving.payloads.parsing.loading import Parsing
from serving.payloads.parsing.page import PAGE, POLICY
from serving.pictures import PictureError, PictureTooLargeError
from serving.role.service import Service

MOST_FILES = 8
MOST_BYTES = 16 * 1024 * 1024
"""Limit for all pictures of one request together."""
MOST_PIXELS_AT_ONCE = 4_000_000
"""Limit for each picture that is answered synchronously; larger ones take seconds and must be sent as jobs."""
_PNG = "image/png"


@dataclass(frozen=True)
class Api:
    """The endpoints of the role."""

    service: Service[Parsing]

    def routes(self) -> list[Route]:
        """Return the routes to add to the application."""
        return [
            Route("/", self.page),
            Route("/api/model", self.model),
            Route("/api/parse", self.parse, methods=["POST"]),
            Route("/api/jobs", self.submit, methods=["POST"]),
            Route("/api/jobs/{id}", self.job),
            Route("/api/jobs/{id}/result", self.result),
        ]

    async def page(self, _: Request) -> Response:
        """Return the web page, a single self-contained file."""
        return Response(PAGE, media_type="text/html", headers={"content-security-policy": POLICY})

    async def model(self, _: Request) -> Response:
        """Return the model's version, both variants' measured accuracy, and their speed in this pod."""
        loaded, speeds = await self.service.compute(
            no_body, lambda parsing, _: (parsing, parsing.speeds.milliseconds())
        )
        parser = loaded.answers.parser
        metadata = parser.onnx.metadata
        return JSONResponse(
            {
                **self._about(loaded),
                "floors": metadata.floors,
                "held_out": metadata.held_out,
                "variants": {
                    name: {**facts.model_dump(), "milliseconds": speeds[name]}
                    for name, facts in metadata.variants.items()
                },
                "limits": {"files": MOST_FILES, "bytes": MOST_BYTES, "pixels": MOST_PIXELS_AT_ONCE},
                "jobs": loaded.jobs is not None,
            }
        )

    async def parse(self, request: Request) -> Response:
        """Return masks of one or more pictures as JSON, or of one picture as PNG if the client accepts only PNG."""
        upload, found = await self.service.compute(
            lambda: self._read(request),
            lambda parsing, upload: (
                upload,
                parsing.answers.of([file.content for file in upload.files], MOST_PIXELS_AT_ONCE),
            ),
        )
        errors = [answer for answer in found if isinstance(answer, PictureError)]
        if len(errors) == len(found):
            raise refusal(413 if isinstance(errors[0], PictureTooLargeError) else 400, str(errors[0])) from errors[0]
        if _wants_png(request):
            if len(found) > 1:
                raise refusal(406, f"an answer of type {_PNG} holds one picture; accept application/json for several")
            return _picture(found[0])
        return JSONResponse({**self._about(self.service.lifecycle.serving_model()), "results": _entries(upload, found)})

    async def submit(self, request: Request) -> Response:
        """Queue pictures as one job."""
        job, count = await self.service.compute(
            lambda: self._read(request),
            lambda parsing, upload: (
                _jobs(parsing).submit([file.content for file in upload.files]),
                len(upload.files),
            ),
        )
        where = f"/api/jobs/{job}"
        shown = _shown(job, Progress("queued", 0, count))
        return JSONResponse(shown, 202, headers={"location": where})

    async def job(self, request: Request) -> Response:
        """Return a job's progress."""
        job = _id(request)
        return JSONResponse(_shown(job, await self._progress(job)))

    async def result(self, request: Request) -> Response:
        """Return the answers of a finished job."""
        job = _id(request)
        progress = await self._progress(job)
        if progress.state == "failed":
            raise refusal(500, f"job {job} failed; see the log of the worker, then send its pictures again")
        if progress.state != "done":
            raise refusal(409, f"job {job} is {progress.state}: {progress.done} of {progress.of} done", retry=True)
        answers = await self.service.compute(no_body, lambda parsing, _: _jobs(parsing).result(job))
        about = self._about(self.service.lifecycle.serving_model())
        return JSONResponse({**about, "id": job, "results": answers})

    async def _progress(self, job: str) -> Progress:
        progress = await self.service.compute(no_body, lambda parsing, _: _jobs(parsing).progress(job))
        if progress is None:
            raise refusal(404, f"job {job}: does not exist, or its results have expired; send its pictures again")
        return progress

    async def _read(self, request: Request) -> Upload:
        return await read_upload(request, most_files=MOST_FILES, most_bytes=MOST_BYTES)

    def _about(self, loaded: Parsing) -> dict[str, object]:
        parser = loaded.answers.parser
        return {
            "model": {"version": parser.onnx.version, "variant": parser.variant},
            "palette": palette(),
            "served_by": self.service.identity.served_by(),
        }


def routes(service: Service[Parsing]) -> list[Route]:
    """Return all routes of the role."""
    return Api(service).routes()


def _jobs(parsing: Parsing) -> Jobs:
    if parsing.jobs is None:
        raise refusal(503, "jobs: no queue is configured; declare the store 'queue' under calls, or use /api/parse")
    return parsing.jobs


def _id(request: Request) -> str:
    """Return the id in the path; a malformed one is refused without a look-up."""
    given = str(request.path_params["id"])
    if not given.isascii() or not given.replace("-", "").isalnum():
        raise refusal(404, f"job {given[:64]!r}: is not a job ID; use the one that POST /api/jobs returned")
    return given


def _shown(job: str, progress: Progress) -> dict[str, object]:
    where = f"/api/jobs/{job}"
    return {
        "id": job,
        "state": progress.state,
        "progress": {"done": progress.done, "of": progress.of},
        "links": {"self": where, "result": f"{where}/result"},
    }


def _entries(upload: Upload, found: Sequence[Answer | PictureError]) -> list[Answer]:
    entries: list[Answer] = []
    for file, answer in zip(upload.files, found, strict=True):
        said = {"error": str(answer)} if isinstance(answer, PictureError) else answer
        entries.append({"name": file.name, **said})
    return entries


def _wants_png(request: Request) -> bool:
    accepted = [part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")]
    return _PNG in accepted and not {"*/*", "application/json"} & set(accepted)


def _picture(answer: Answer | PictureError) -> Response:
    if isinstance(answer, PictureError):
        raise refusal(400, str(answer))
    areas = ", ".join(f"{name}={share}" for name, share in answer["areas"].items())
    return Response(base64.b64decode(answer["mask"]), media_type=_PNG, headers={"x-areas": areas})
