"""Arguments and options that several commands share, each with one spelling and one help text."""

from pathlib import Path
from typing import Annotated

import typer

StackName = Annotated[
    str, typer.Argument(metavar="STACK", help="Name of the stack, as in Pulumi.<stack>.yaml.", show_default=False)
]
ServiceName = Annotated[
    str, typer.Argument(metavar="SERVICE", help="Name of the service in the catalogue entry.", show_default=False)
]
AnyService = Annotated[
    str | None,
    typer.Argument(metavar="[SERVICE]", help="Name of the service; all services if left out.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, also for errors.")]
AsEvents = Annotated[
    bool, typer.Option("--events", help="Print progress on standard error as one JSON line per event.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Reason, which is recorded.", show_default=False)]
Overriding = Annotated[
    str | None,
    typer.Option(
        "--override", metavar="REASON", show_default=False,
        help="Release without evidence; your name and reason are recorded. A hold cannot be overridden.",
    ),
]  # fmt: skip
Image = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="REF@sha256:…",
        help="Image by digest, or a tag at a registry, which is resolved once.",
        show_default=False,
    ),
]

Model = Annotated[str | None, typer.Option("--model", metavar="URI", help="URI of the model.", show_default=False)]
Checksum = Annotated[
    str | None,
    typer.Option("--checksum", metavar="sha256:…", help="Checksum of the model's SHA256SUMS file.", show_default=False),
]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        metavar="DIR",
        help="Folder whose files replace the entry's files of the same names.",
        show_default=False,
    ),
]
Server = Annotated[
    list[str] | None,
    typer.Option("--server", metavar="KEY=VALUE", help="A server setting; may be repeated.", show_default=False),
]

CHANGING, LOOKING, VOUCHING = "Move a release", "Look", "Evidence"
"""Headings of `slipway --help`."""
