"""`slipway merge-record`: merges two versions of a stack file."""

from pathlib import Path
from typing import Annotated

import typer

from delivery.commands.options import FILES
from delivery.errors import DeliveryError
from delivery.stack_file import merge_files

app = typer.Typer()

_CLASH, _IMPOSSIBLE = 1, 2

Base = Annotated[Path, typer.Argument(metavar="BASE", help="The common ancestor of both versions.", show_default=False)]
Ours = Annotated[Path, typer.Argument(metavar="OURS", help="One version; gets the result.", show_default=False)]
Theirs = Annotated[Path, typer.Argument(metavar="THEIRS", help="The other version.", show_default=False)]


@app.command("merge-record", rich_help_panel=FILES)
def merge_record(base: Base, ours: Ours, theirs: Theirs) -> None:
    """Merge two versions of a stack file by key, as the pipelines do.

    To use it as a git merge driver, set merge.slipway.driver to `slipway merge-record %O %A %B`.

    If both sides changed one value, THEIRS wins, a line names it, and the exit code is 1. Exit 2: nothing was written.

    Example: slipway merge-record before.yaml Pulumi.prod.yaml theirs.yaml
    """
    try:
        clashes = merge_files.merge(base, ours, theirs)
    except (DeliveryError, OSError) as error:
        typer.echo(f"slipway: {error}", err=True)
        raise typer.Exit(_IMPOSSIBLE) from None
    if clashes:
        said = f"{ours.name}: both sides changed the same values: {clashes}; the result has the values of THEIRS"
        typer.echo(f"slipway: {said}", err=True)
        raise typer.Exit(_CLASH)
