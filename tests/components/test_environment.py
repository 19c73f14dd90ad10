"""The environment is UTF-8, whatever Python makes of it."""

import json
import os
import subprocess
import sys

import pytest

from components import environment
from tests.each import each
from tests.recording import PROJECT

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
"""A locale in which Python takes every text for ASCII."""


def in_ascii(script: str, **variables: str) -> str:
    """Run Python in the locale C, without the UTF-8 that Python sets up there, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env={**os.environ, **ASCII, **variables},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return done.stdout


def test_a_stacks_configuration_is_the_same_in_every_locale() -> None:
    given = {"slipway:city": "Zürich", "slipway:other": "東京"}
    raw = json.dumps(given, ensure_ascii=False)
    script = "import json\nfrom components import environment\nprint(json.dumps(environment.configuration()))"
    assert json.loads(in_ascii(script, PULUMI_CONFIG=raw)) == given


def test_a_secret_of_the_environment_is_the_same_in_every_locale() -> None:
    script = "from components import environment\nprint(ascii(environment.text('KEY')))"
    assert in_ascii(script, KEY="Zürich") == "'Z\\xfcrich'\n"


def test_without_a_configuration_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PULUMI_CONFIG", raising=False)
    assert environment.configuration() == {}
    assert environment.text("PULUMI_CONFIG") is None


@each("raw", [b"\xff\xfe", b"Z\xfcrich", b"\xc3", b"\xed\xa0\x80"])
def test_bytes_that_are_not_utf_8_are_refused(raw: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KEY", os.fsdecode(raw))
        with pytest.raises(UnicodeDecodeError):
            environment.text("KEY")
