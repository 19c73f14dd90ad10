"""`python -m loader <uri> <store> <name>`: the init container that fetches a model.

Exit codes: 0 with one JSON line on standard output; 1 with one line on standard error if the model was not fetched,
after which the kubelet starts the container again; 2 for wrong usage. Credentials and endpoints come from the
environment.
"""

import argparse
import os
import re
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

from loader.download import CONNECTIONS
from loader.errors import LoaderError
from loader.fetch import Request, fetch
from loader.manifest import VARIABLE
from loader.progress import say


def main(arguments: list[str]) -> int:
    """Run as a command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m loader", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "uri", help="s3://bucket/prefix, https://host/folder/, hf://org/model@commit or oci://…@sha256:…"
    )
    parser.add_argument("store", type=Path, help="volume for models")
    parser.add_argument("name", type=_name, help="folder of this model in the store")
    parser.add_argument("--checksum", type=_checksum, help="sha256:<hex> of SHA256SUMS, or of a single file")
    parser.add_argument("--limit", type=_count, metavar="BYTES", help="largest size of the model")
    parser.add_argument("--connections", type=_count, default=CONNECTIONS, help="chunks to fetch at the same time")
    try:
        given = parser.parse_args(arguments)
    except SystemExit as error:
        return int(error.code or 0)
    request = Request(
        uri=given.uri,
        store=given.store,
        name=given.name,
        checksum=given.checksum,
        manifest=os.environ.get(VARIABLE),
        limit=given.limit,
        connections=given.connections,
    )
    began = time.perf_counter()
    try:
        fetched = fetch(request, os.environ)
    except LoaderError as error:
        sys.stderr.write(f"loader: {error}\n")
        return 1
    say("model in place", **asdict(fetched), seconds=round(time.perf_counter() - began, 3))
    return 0


def _exit(number: int, frame: object) -> None:
    del frame
    os._exit(128 + number)


def _checksum(text: str) -> str:
    if not re.fullmatch(r"sha256:[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a checksum; use sha256:<64 hex digits>")
    return text.lower()


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a number of 1 or more")
    return int(text)


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a folder's name; use letters, digits, '.', '_' and '-'")
    return text


if __name__ == "__main__":
    # Without a handler, the kernel ignores SIGTERM for process 1. The next run continues from the journal.
    signal.signal(signal.SIGTERM, _exit)
    sys.exit(main(sys.argv[1:]))
