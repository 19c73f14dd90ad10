"""Validates manifests at the real API server by a server-side dry run, all in one call."""

import re
import subprocess
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass

from tests.cluster.stack import Stack
from tests.rendering import Object, as_json

_APPLY = ("kubectl", "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
"""Server-side, as the Pulumi provider writes: it refuses duplicates that a client-side apply would let pass."""
_ACCEPTED = re.compile(r"^([-a-z.0-9]+/\S+) serverside-applied \(server dry run\)$")


@dataclass(frozen=True)
class Verdict:
    """The API server's verdict on manifests."""

    accepted: list[str]
    """Resource and name of each, such as ``deployment.apps/web-blue``."""
    complaints: str
    """Refusals and warnings, such as those of Pod Security about a workload's pods."""


def asked(stack: Stack, manifests: Iterable[Object]) -> Verdict:
    """Let the API server validate, default and admit manifests; nothing is written."""
    done = subprocess.run(
        _APPLY, input=as_json(manifests), env=stack.env, capture_output=True, text=True, timeout=300, check=False
    )
    found = (_ACCEPTED.match(line) for line in done.stdout.splitlines())
    return Verdict([match[1] for match in found if match], done.stderr)


@contextmanager
def namespace(stack: Stack, manifest: Object) -> Generator[str]:
    """Create a Namespace for real, with the Pod Security labels that it was rendered with, and remove it at the end."""
    name = str(manifest["metadata"]["name"])
    subprocess.run(
        ["kubectl", "apply", "--server-side", "-f", "-"],
        input=as_json([manifest]), env=stack.env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    try:
        yield name
    finally:
        delete = ["kubectl", "delete", "namespace", name, "--wait=false"]
        subprocess.run(delete, env=stack.env, capture_output=True, timeout=60, check=True)
