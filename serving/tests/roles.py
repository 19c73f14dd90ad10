"""A small role for tests: it has no model and answers with a word from a mounted file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from serving.errors import ModelUnusableError, UnreachableError
from serving.http.uploads import read_body
from serving.role.payload import Context, Payload, WarmUp
from serving.role.service import Service

BAD, UNANSWERABLE, AWAY, AWAY_NOW = "bad", "unanswerable", "away", "away now"


@dataclass
class Word:
    """What the role loads: the content of `word.txt`."""

    text: str
    closed: bool = False


@dataclass
class Watched:
    """What the test sees and sets while the role serves."""

    loads: int = 0
    made: list[Word] = field(default_factory=list[Word])
    away: bool = False

    def load(self, context: Context) -> Word:
        self.loads += 1
        text = context.file("word.txt").decode()
        if text == BAD:
            raise ModelUnusableError("word.txt: 'bad' is no word; give another")
        if text == AWAY and self.away:
            raise UnreachableError("the dictionary does not answer")
        self.made.append(Word(text))
        return self.made[-1]

    def check(self, _: Word) -> None:
        if self.away:
            raise UnreachableError("the dictionary does not answer (planted)")


def close(word: Word) -> None:
    word.closed = True


def word_role(watched: Watched, **changes: Callable[..., object]) -> Payload[Word]:
    def routes(service: Service[Word]) -> list[Route]:
        async def say(request: Request) -> Response:
            def answer(word: Word, _: bytes) -> str:
                if word.text == UNANSWERABLE:
                    raise ValueError("planted")
                if word.text == AWAY_NOW:
                    raise UnreachableError("the dictionary does not answer")
                return word.text

            return PlainTextResponse(await service.compute(lambda: read_body(request), answer))

        return [Route("/say", say, methods=["POST"])]

    def warm_up(_: Word) -> list[WarmUp]:
        return [WarmUp(path="/say")]

    return Payload(load=watched.load, routes=routes, warm_up=warm_up, close=close, **changes)  # type: ignore[arg-type]


def mount(folder: Path, version: str, **files: str) -> None:
    """Put files into a folder as the kubelet mounts a ConfigMap: a folder per version, and one link that is swapped."""
    data = folder / f"..{version}"
    data.mkdir(parents=True)
    for keyword, content in files.items():
        name = keyword.replace("_", ".")
        (data / name).write_text(content)
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(Path("..data") / name)
    fresh = folder / "..data_tmp"
    fresh.symlink_to(data.name)
    fresh.replace(folder / "..data")
