"""Ends every command with a result on standard output, one line on standard error if it failed, and an exit code."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer
from rich.console import Console, RenderableType

from delivery.errors import DeliveryError, ExitCode, Unreadable
from delivery.release.service import Service
from delivery.release.stack import Stack
from models.errors import ConfigurationError

_WIDE = 160
"""Columns in a file or a CI log, so that tables are not folded there."""


@dataclass
class Report:
    """The result of a command: its output, its error and its exit code."""

    command: str
    stack: str | None
    service: str | None
    as_json: bool
    document: dict[str, Any] = field(default_factory=dict[str, Any])
    exit_code: int = ExitCode.DONE
    said: str = ""
    """One line for standard error, or one line per fault of a file; empty if the exit code is 0."""

    def show(self, *parts: RenderableType) -> None:
        """Print parts for people, in order; with ``as_json``, print only the document at the end."""
        if not self.as_json:
            out = console()
            for part in parts:
                out.print(part, soft_wrap=isinstance(part, str))

    def fail(self, said: str, exit_code: int, *, whole: bool = False) -> None:
        """Set the error, joined into one line, and the exit code; ``whole`` keeps the lines, one for each fault."""
        lines = (" ".join(line.split()) for line in said.splitlines())
        self.said, self.exit_code = ("\n" if whole else "; ").join(filter(None, lines)), exit_code

    def succeed(self) -> None:
        """Turn the error into a success, because the user asked for this outcome."""
        said, self.said, self.exit_code = self.said, "", ExitCode.DONE
        self.show(said)

    def print(self) -> None:
        """Print the JSON document, if requested, and the error."""
        if self.as_json:
            head = {
                "command": self.command,
                "stack": self.stack,
                "service": self.service,
                "exitCode": self.exit_code,
            }
            error = {"error": "; ".join(self.said.splitlines())} if self.said else {}
            typer.echo(json.dumps({**head, **error, **self.document}, indent=2))
        for line in self.said.splitlines():
            typer.echo(f"slipway: {line}", err=True)


@contextmanager
def reported(command: str, stack: str | None, service: str | None = None, *, as_json: bool) -> Generator[Report]:
    """Report how the block ends as one result, one error line and one exit code; raises ``typer.Exit``."""
    report = Report(command, stack, service, as_json)
    try:
        yield report
    except Unreadable as error:
        report.fail(str(error), error.exit_code, whole=True)
    except DeliveryError as error:
        report.fail(str(error), error.exit_code)
    except ConfigurationError as error:
        report.fail(str(error), DeliveryError.exit_code)
    except OSError as error:
        report.fail(f"{error.filename or 'operating system'}: {error.strerror or error}", DeliveryError.exit_code)
    except KeyboardInterrupt:
        report.fail("interrupted", ExitCode.INTERRUPTED)
    report.print()
    raise typer.Exit(report.exit_code)


def console() -> Console:
    """Return a console for standard output, wide enough for any table if the output is not a terminal."""
    found = Console(highlight=False, markup=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, width=_WIDE)


def progress_console() -> Console:
    """Return a console for standard error."""
    return Console(stderr=True, highlight=False)


def project(context: typer.Context) -> Path:
    """Return the project folder that `--cwd` names."""
    return Path(context.find_root().params["cwd"])


def opened(context: typer.Context, stack: str) -> Stack:
    """Open a stack of the project; raises DeliveryError with the nearest name if it does not exist."""
    return Stack.open(project(context), stack)


def opened_service(context: typer.Context, stack: str, service: str) -> Service:
    """Open one service of a stack; raises DeliveryError with the nearest name if it does not exist."""
    return Service(opened(context, stack), service).known()


def chosen_services(stack: Stack, service: str | None) -> list[Service]:
    """Return the named service, or all services; raises DeliveryError with the nearest name if it does not exist."""
    return [Service(stack, name).known() for name in ([service] if service else stack.entry.services)]
