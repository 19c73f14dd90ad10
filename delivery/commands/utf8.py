"""UTF-8 in every locale, as in Pulumi and kubectl: for arguments, output, and the processes that a command starts."""

import io
import os
import sys
from collections.abc import Sequence

_MODE = "PYTHONUTF8"
"""The variable that puts Python into UTF-8 mode; the engine hands it on to the program."""


def restart_in_utf8_mode() -> None:
    """Replace this process by itself in UTF-8 mode if the locale names another encoding; the process ID stays.

    Python decodes arguments before the first line of a program runs, so that no setting at run time would be enough.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get(_MODE) != "1":
        os.environ[_MODE] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 -- this program


def write_utf8() -> None:
    """Make standard output and standard error UTF-8. Bytes that are not text are escaped instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def argument_fault(arguments: Sequence[str]) -> str | None:
    """Return one line about the first argument that is not UTF-8 text, or None. Stack files can hold only text."""
    for number, argument in enumerate(arguments, 1):
        try:
            os.fsencode(argument).decode("utf-8")
        except UnicodeDecodeError as error:
            shown = error.object.decode("utf-8", "backslashreplace")
            return f"argument {number}, '{shown}': not UTF-8 text; set the terminal or the script to UTF-8"
    return None
