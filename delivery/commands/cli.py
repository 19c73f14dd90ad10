"""The `slipway` command line: which commands there are, and what a usage mistake looks like."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from delivery.commands import evidence, merge_record, promote, release, show, size, tend
from delivery.errors import MEANINGS, ExitCode


class OneLine(TyperGroup):
    """Says a mistake in one line: logs of CI are searched for it, and a box of five lines hides it."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:  # noqa: ANN401 -- Click's own
        """Run a command; as Click's, but for the shape of its messages."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except TyperException as error:
            said = error.format_message()
            if said:  # none: the command line was empty, and the help is printed already
                typer.echo(said if "\n" in said else f"slipway: {said}", err=True)  # several lines are the help
            sys.exit(ExitCode.USAGE)
        sys.exit(code if isinstance(code, int) else 0)


_CODES = ", ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items())
app = typer.Typer(
    cls=OneLine,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Release model services step by step: measure each step, go back if it fails, promote what passed.",
    epilog=f"Exit codes: {_CODES}. With --json standard output is one JSON document.",
)
for commands in (release, tend, promote, show, size, evidence, merge_record):
    app.add_typer(commands.app)


@app.callback()
def project_folder(
    cwd: Annotated[
        Path, typer.Option("--cwd", "-C", help="Folder of the project, which contains Pulumi.yaml.", file_okay=False)
    ] = Path(__file__).parents[2],
) -> None:
    """Choose the project; the commands read it from the context."""


def main() -> None:
    """Run the command line. A job that CI cancels gets SIGTERM, and ends as by ^C: with what is true now."""
    # A shell that starts it in the background has it ignore SIGINT, and an abort would never reach it.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, signal.default_int_handler)
    app(prog_name="slipway")
