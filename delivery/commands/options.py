"""Arguments and options that several commands share: one spelling, one help text."""

from typing import Annotated

import typer

StackName = Annotated[str, typer.Argument(metavar="STACK", help="As in Pulumi.<stack>.yaml.", show_default=False)]
ServiceName = Annotated[str, typer.Argument(metavar="SERVICE", help="One of the stack's.", show_default=False)]
AnyService = Annotated[
    str | None, typer.Argument(metavar="[SERVICE]", help="One of the stack's; all if left out.", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, also for errors.")]
AsEvents = Annotated[
    bool, typer.Option("--events", help="Progress on standard error as JSON, one line per event, not for people.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; goes into the record.", show_default=False)]
Overriding = Annotated[
    str | None,
    typer.Option(
        "--override", metavar="REASON", help="Go past missing evidence (never past a hold); who and why are recorded.",
        show_default=False,
    ),
]  # fmt: skip
Image = Annotated[
    str | None, typer.Option("--image", metavar="REF@sha256:…", help="By digest, never by tag.", show_default=False)
]

CHANGING, LOOKING, VOUCHING = "Move a release", "Look", "Evidence"
"""Headings of `slipway --help`."""
