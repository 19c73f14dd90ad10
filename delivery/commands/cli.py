"""The `slipway` command line: its commands, and the format of usage errors."""

import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from delivery.commands import evidence, merge_record, model, promote, release, show, size, tend, utf8
from delivery.commands.options import FILES
from delivery.errors import MEANINGS, ExitCode


class OneLine(TyperGroup):
    """Reports a usage error in one line, which is easier to find in a CI log than Typer's box of five lines."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:  # noqa: ANN401 -- Click's own
        """Run a command as Click does, except for the format of error messages."""
        if not standalone_mode:
            return super().main(*args, standalone_mode=False, **extra)
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except TyperException as error:
            said = error.format_message()
            if said:  # empty after an empty command line, when the help is already printed
                typer.echo(said if "\n" in said else f"slipway: {said}", err=True)  # several lines are the help text
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
app.add_typer(model.app, name="model", rich_help_panel=FILES)


@app.callback()
def project_folder(
    cwd: Annotated[
        Path, typer.Option("--cwd", "-C", help="Folder of the project, which contains Pulumi.yaml.", file_okay=False)
    ] = Path(__file__).parents[2],
) -> None:
    """Accept the project folder, which the commands read from the context."""


def main() -> None:
    """Run the command line. SIGTERM, which CI sends to a canceled job, ends it as ^C does: it reports the state."""
    utf8.restart_in_utf8_mode()
    utf8.write_utf8()
    if fault := utf8.argument_fault(sys.argv[1:]):
        typer.echo(f"slipway: {fault}", err=True)
        sys.exit(ExitCode.USAGE)
    # A shell makes its background processes ignore SIGINT, so that an abort would never reach the driver.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, signal.default_int_handler)
    app(prog_name="slipway")
