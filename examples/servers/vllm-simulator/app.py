"""A stand-in for vLLM where there is no GPU: its API, its metric names, and the pace of its tokens.

The words are those of a small model of which word follows which; the times are set by two variables.
"""

import asyncio
import json
import os
import random
import time
import uuid
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from metrics import RUNNING, Timed, observed, page

MODEL = Path(os.environ.get("MODEL", "/app/model.json"))
NAME = "chat"
# Seconds. The time to the first token is that of reading the prompt; the spread is a share of each time.
FIRST = float(os.environ.get("FIRST_TOKEN_SECONDS", "0.06"))
NEXT = float(os.environ.get("NEXT_TOKEN_SECONDS", "0.01"))
SPREAD = 0.2
MOST_TOKENS, USUAL_TOKENS = 512, 20
BAD_REQUEST = 400
RANDOM = random.Random()  # noqa: S311 - words, not secrets

words: dict[str, list[str]] = json.loads(MODEL.read_text("utf-8"))
app = FastAPI()
app.middleware("http")(observed)


async def tokens(prompt: str, count: int, timed: Timed):
    """Yield words at the pace of the model."""
    last = prompt.lower().split()[-1] if prompt.split() else ""
    for number in range(count):
        await asyncio.sleep((NEXT if number else FIRST) * RANDOM.uniform(1 - SPREAD, 1 + SPREAD))
        timed.token()
        last = RANDOM.choice(words.get(last) or words[""])
        yield f" {last}"


def piece(kind: str, name: str, text: str, end: str | None) -> dict:
    """Return a part of an answer as OpenAI's API has it."""
    choice = {"index": 0, "finish_reason": end}
    choice |= {"delta": {"content": text}} if kind == "chat.completion.chunk" else {"text": text}
    return {"id": name, "object": kind, "created": int(time.time()), "model": NAME, "choices": [choice]}


async def answered(request: Request, *, chat: bool):
    """Answer a request for a completion, as a stream if it asks for one."""
    try:
        asked = await request.json()
        prompt = asked["messages"][-1]["content"] if chat else asked["prompt"]
        count = min(int(asked.get("max_tokens") or USUAL_TOKENS), MOST_TOKENS)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return JSONResponse({"error": {"message": f"the request is not complete: {error!r}"}}, BAD_REQUEST)
    name, timed = f"cmpl-{uuid.uuid4().hex}", Timed()
    if asked.get("stream"):
        kind = "chat.completion.chunk" if chat else "text_completion"
        return StreamingResponse(streamed(name, kind, prompt, count, timed), media_type="text/event-stream")
    with RUNNING.track_inprogress():
        text = "".join([word async for word in tokens(str(prompt), count, timed)])
    timed.end()
    whole = piece("text_completion", name, text, "length")
    if chat:
        whole["choices"] = [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": text}}]
    return JSONResponse(whole | {"usage": {"completion_tokens": count}})


async def streamed(name: str, kind: str, prompt: object, count: int, timed: Timed):
    """Yield server-sent events, the last of which says that the answer is complete."""
    with RUNNING.track_inprogress():
        async for word in tokens(str(prompt), count, timed):
            yield f"data: {json.dumps(piece(kind, name, word, None))}\n\n"
    timed.end()
    yield f"data: {json.dumps(piece(kind, name, '', 'length'))}\n\ndata: [DONE]\n\n"


@app.post("/v1/completions")
async def completions(request: Request):
    """Continue a text."""
    return await answered(request, chat=False)


@app.post("/v1/chat/completions")
async def chat_completions(request: Request):
    """Answer a conversation."""
    return await answered(request, chat=True)


@app.get("/v1/models")
async def models():
    """List the one model."""
    return {"object": "list", "data": [{"id": NAME, "object": "model", "owned_by": "vllm"}]}


@app.get("/health")
async def health():
    """Say that the engine lives."""
    return JSONResponse({})


@app.get("/metrics")
async def metrics():
    """Return the metrics."""
    return page()
