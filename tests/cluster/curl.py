"""Requests as people and scripts send them: with curl."""

import json
import subprocess
from typing import Any

_SECONDS = 60


def text(url: str, *options: str) -> str:
    """Send a request, which must succeed; return the body of the answer."""
    command = ("curl", "-sS", "--fail-with-body", *options, url)
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout


def answer(url: str, *options: str) -> Any:
    """Send a request, which must succeed; return the JSON of the answer."""
    return json.loads(text(url, *options))


def posted(content: object) -> tuple[str, ...]:
    """Return the options that send JSON."""
    return ("-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(content))


def status(url: str, *options: str) -> str:
    """Send a request; return the status of the answer, or 000 without an answer."""
    command = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options, url)
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False).stdout
