"""No response and no log line repeats more than 200 characters of a request."""

import json
import logging
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.errors import MOST_ECHOED, MOST_REASON, refusal
from serving.payloads import wine
from serving.payloads.nlu.config import Config
from serving.payloads.nlu.labels import Labels
from serving.payloads.nlu.schema import Reader, UnanswerableError, read
from serving.telemetry.logs import MOST_LINES, JsonLines
from serving.tests.support import IDENTITY, HeldSession, Running, loaded_by, model_with, serve
from serving.training.runner import write

MOST, LETTER = 200, "q"
LONG = LETTER * 5000
"""In no word of ours: `q` counts what an answer repeats."""
INFER = "/v2/models/digits/infer"


@pytest.fixture(scope="module")
def running() -> Generator[Running]:
    with serve(loaded_by(lambda: model_with(HeldSession()))) as started:
        started.wait_ready()
        yield started


def tensor(**changes: object) -> dict[str, Any]:
    return {"inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": [0] * 64, **changes}]}


Ask = Callable[[httpx.Client], httpx.Response]
ASKED: dict[str, Ask] = {
    "a path": lambda client: client.get(f"/{LONG}"),
    "a path with a slash": lambda client: client.get(f"/v2/models/{LONG}/"),
    "a model": lambda client: client.get(f"/v2/models/{LONG}"),
    "a query": lambda client: client.get(f"/nowhere?{LONG}"),
    "a content type": lambda client: client.post("/predict", content=b"1", headers={"content-type": f"text/{LONG}"}),
    "a boundary": lambda client: client.post(
        "/predict", content=b"1", headers={"content-type": f"multipart/form-data; boundary={LONG}"}
    ),
    "a form's field": lambda client: client.post("/predict", files={LONG: b"1"}),
    "a form's content": lambda client: client.post(
        "/predict", content=LONG.encode(), headers={"content-type": "multipart/form-data; boundary=b"}
    ),
    "a picture": lambda client: client.post("/predict", content=LONG.encode()),
    "a tensor's name": lambda client: client.post(INFER, json=tensor(name=LONG)),
    "a datatype": lambda client: client.post(INFER, json=tensor(datatype=LONG)),
    "a value": lambda client: client.post(INFER, json=tensor(data=[LONG])),
    "a size": lambda client: client.post(INFER, json=tensor(shape=[LONG])),
    "an output": lambda client: client.post(INFER, json={**tensor(), "outputs": [{"name": LONG}]}),
    "a key": lambda client: client.post(INFER, json={**tensor(), LONG: 1}),
    "a key of a tensor": lambda client: client.post(INFER, json=tensor(**{LONG: 1})),
    "an identifier": lambda client: client.post(INFER, json={**tensor(), "id": LONG}),
    "what is not JSON": lambda client: client.post(INFER, content=LONG.encode()),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_long_part_of_a_request_is_cut_in_answer_and_log(
    running: Running, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("DEBUG"):
        answer = ASKED[what](running.client)
    assert answer.status_code >= 400
    assert answer.text.count(LETTER) + str(answer.headers).count(LETTER) <= MOST
    lines = [JsonLines(IDENTITY).format(record) for record in caplog.records if record.name.startswith("slipway")]
    assert lines
    assert all(line.count(LETTER) <= MOST for line in lines)


def test_a_traceback_in_the_log_keeps_its_last_lines() -> None:
    error = ValueError("\n".join(map(str, range(2 * MOST_LINES))))
    record = logging.LogRecord("slipway", logging.ERROR, "", 0, "failed", None, (ValueError, error, None))
    lines = json.loads(JsonLines(IDENTITY).format(record))["exception"].splitlines()
    assert (len(lines), lines[-1]) == (MOST_LINES, str(2 * MOST_LINES - 1))


def test_a_traceback_in_the_log_has_its_lines_cut() -> None:
    with pytest.raises(ValueError, match=LETTER) as caught:
        raise ValueError(LONG + "\n" + LONG)
    fault = (ValueError, caught.value, caught.tb)
    record = logging.LogRecord("slipway", logging.ERROR, "", 0, "failed", None, fault)
    line = json.loads(JsonLines(IDENTITY).format(record))["exception"]
    assert "ValueError: qqq" in line
    assert max(map(len, line.splitlines())) <= MOST


def test_our_own_part_of_a_message_may_be_longer_but_is_limited() -> None:
    assert refusal(400, "x" * MOST_REASON).detail == "x" * MOST_REASON
    assert len(refusal(400, "x" * (MOST_REASON + 1)).detail) == MOST_REASON
    assert 2 * MOST_ECHOED <= MOST


LABELS = Labels(spans={"person": ()}, inner={"person": {"employer": ()}}, kinds={}, choices={"mood": {"good": ()}})


@pytest.mark.parametrize(
    "schema",
    [
        {"person" + " " * 5000: None},
        {"person": {"employer" + " " * 5000: None}},
        {"mood": ["good" + " " * 5000]},
        {LETTER * 100: None},
        {"person": {LETTER * 100: {}}},
        {"person": {LETTER * 100: None}},
        {"mood": [LETTER * 100]},
    ],
)
def test_a_label_that_an_answer_would_repeat_is_short(schema: dict[str, Any]) -> None:
    with pytest.raises(UnanswerableError) as caught:
        Reader(LABELS, Config()).question("text", schema)
    assert str(caught.value).count(LETTER) <= MOST


def test_keys_of_an_invalid_body_are_shortened() -> None:
    body = json.dumps({f"{LETTER * 30}{number}": 1 for number in range(100)}).encode()
    with pytest.raises(ValueError, match="the body has") as caught:
        read(body)
    assert str(caught.value).count(LETTER) <= MOST


@pytest.mark.slow
def test_a_role_of_few_values_takes_small_bodies_only(tmp_path: Path) -> None:
    from serving.payloads.wine.train import train  # noqa: PLC0415 - scikit-learn takes two seconds

    write(train(0), tmp_path / "model")
    with serve(wine.PAYLOAD, modelPath=str(tmp_path / "model")) as running:
        running.wait_ready()
        assert running.client.post("/predict", content=b" " * (wine.MOST_BYTES + 1)).status_code == 413
        answer = running.client.post("/predict", json={LONG: 1})
    assert answer.status_code == 422
    assert answer.text.count(LETTER) <= MOST
