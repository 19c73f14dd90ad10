"""Servers as strangers bring them (examples/servers): built, deployed, and asked as their published clients ask."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import curl
from tests.cluster.program import deployed
from tests.cluster.stack import Stack
from tests.cluster.strangers import Example, picture
from tests.cluster.waiting import within

ROOT_CHECK = ("python3", "-c", "import os; print(os.getuid(), os.access('/', os.W_OK), os.environ.get('SLIPWAY_SLOT'))")
HTTP = ("flask", "fastapi", "home", "litserve", "mlserver", "bentoml", "ray-serve", "prebuilt")
"""Each with a build; `prebuilt` is the image of `home`, so it comes after it."""
LARGE = {"litserve", "mlserver", "bentoml", "ray-serve"}
"""Install dozens of packages."""
USERS = {"flask": 10001, "fastapi": 1001, "home": 10001, "litserve": 1001, "mlserver": 1000, "bentoml": 1034,
         "ray-serve": 1000, "prebuilt": 10001}  # fmt: skip


@pytest.fixture(scope="module")
def example(
    request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Example]:
    """One server, deployed from its folder as it stands."""
    with deployed(Example.laid_out(stack, tmp_path_factory.mktemp(request.param), request.param)) as made:
        yield made


def only(*names: str) -> pytest.MarkDecorator:
    """Run a test against these servers; all tests of a server run while it is up."""
    given = [pytest.param(name, marks=pytest.mark.long if name in LARGE else ()) for name in names]
    return pytest.mark.parametrize("example", given, indirect=True, scope="module")


def ask(example: Example, path: str, *options: str) -> Any:
    """Send a request through the proxy, as a person does."""
    return curl.answer(f"{example.url}{path}", "-H", f"Host: {example.host}", *options)


@only(*HTTP)
def test_a_server_answers_as_itself_on_a_root_that_it_cannot_write(example: Example, tmp_path: Path) -> None:
    server = example.server
    body = tmp_path / "body"
    body.write_bytes(server.body)
    sent = ("-X", "POST", "-H", f"Content-Type: {server.kind}", "--data-binary", f"@{body}")
    reached = (f"{example.url}{server.path}", "-H", f"Host: {example.host}", *sent)
    within(lambda: curl.status(*reached) == "200", "the proxy has seen the pod")
    assert ask(example, server.path, *sent)
    name = example.name.removesuffix("-dev")
    assert example.inside(*ROOT_CHECK) == f"{USERS[name]} False None"


@only("flask")
def test_the_published_health_check_of_flask_is_answered(example: Example) -> None:
    answer = ask(example, "/health")
    assert (answer["status"], answer["model_loaded"]) == ("healthy", True)
    assert "T" in answer["timestamp"]


@only("flask")
def test_flask_answers_a_picture_in_a_form(example: Example, tmp_path: Path) -> None:
    sent = tmp_path / "test.png"
    sent.write_bytes(picture())
    result = ask(example, "/parse", "-X", "POST", "-F", f"image=@{sent}")["result"]
    assert result[0][1] == "shirt"
    assert sum(share for _, _, share in result) == pytest.approx(1)


@only("fastapi")
def test_the_published_requests_of_fastapi_are_answered(example: Example) -> None:
    assert ask(example, "/health") == {"status": "ok"}
    assert ask(example, "/predict", *curl.posted(json.loads(example.server.body))) == {"sentiment": "positive"}


@only("fastapi")
def test_the_workers_of_fastapi_report_their_requests_together(example: Example) -> None:
    script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:7860/metrics').read().decode())"

    def counted() -> float:
        lines = example.inside("python3", "-c", script).splitlines()
        series = 'nlu_requests_total{endpoint="/health",method="GET",status="200"}'
        return next(float(line.rpartition(" ")[2]) for line in lines if line.startswith(series))

    before = counted()
    for _ in range(20):
        ask(example, "/health")
    assert counted() >= before + 20


@only("home", "prebuilt")
def test_a_server_without_a_user_finds_a_home_that_it_can_write_to(example: Example) -> None:
    home = example.entry["services"]["speller"]["home"]["path"]
    assert example.inside("sh", "-c", "echo $HOME; ls $HOME/.cache/speller") == f"{home}\nindex.db"
