"""Find the line of a container's log that names the error, which is rarely the last one.

A server that fails during its start often says good-bye afterwards: "Application startup failed. Exiting.", "Stopping
parent process", or the goroutines after a panic. The last lines of its log then hide the cause.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, cast

LOG_LINES = 200
"""Last lines of a log that are searched: a long traceback, and what a server and its workers say after it."""
_MOST = 300
"""Characters of one line that are shown. The message of an exception may contain a whole request."""
_TRACEBACK = "Traceback (most recent call last):"
_EXCEPTION = re.compile(r"(?P<type>[A-Za-z_][\w.]*)(:\s|:?$)")
_BYE = {"CancelledError", "KeyboardInterrupt", "SystemExit", "GeneratorExit", "BrokenPipeError"}
"""Exceptions with which a process ends because of another one."""
_TRACES = ("exception", "exc_info", "traceback", "stack_trace", "stack", "error")
"""Fields of JSON log lines that hold a traceback or an error's message."""
_PANIC = re.compile(r"^(panic: |fatal error: |Exception in thread )|panicked at ")
_CAUSED = re.compile(r"^Caused by: ")
_SYSTEM = re.compile(
    r"[Rr]ead-only file system|[Pp]ermission denied|exec format error|error while loading shared libraries|"
    r"[Nn]o such file or directory|cannot execute|: (command )?not found$|[Oo]ut of memory|[Aa]ddress already in use"
)
"""Errors of the operating system, in the words of the C library and the shell."""
_ERROR = re.compile(r"^(Uncaught )?[\w.]*(Error|Exception)\b( \[\w+\])?: ")
_LEVEL = re.compile(r"\b(FATAL|CRITICAL|ERROR)\b|\blevel=\"?(fatal|panic|error)|^\w* ?(fatal|error): ")
_FAREWELL = re.compile(
    r"shut(ting)? ?down|stopp(ing|ed)|exit(ing|ed)?\b|startup failed|parent process|failed to boot|terminat",
    re.IGNORECASE,
)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


def cause(log: str) -> str:
    """Return the line that names the error in a container's log, or an empty string if no line does."""
    lines = [line for raw in log.splitlines() for line in _expanded(_ANSI.sub("", raw))]
    found = _of_traceback(lines) or _of_other_languages(lines)
    return found if len(found) <= _MOST else f"{found[:_MOST]}…"


def plain(line: str) -> str:
    """Return the message of a JSON log line, or any other line unchanged."""
    return str(_fields(line).get("message") or line)


def _fields(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line) if line.startswith("{") else None
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _expanded(line: str) -> Iterator[str]:
    """Yield a line, or the message and the traceback of a JSON line."""
    fields = _fields(line)
    if not fields:
        yield line
        return
    level = str(fields.get("level", "")).upper()
    message = str(fields.get("message") or fields.get("msg") or "")
    yield f"{level}: {message}" if level in {"FATAL", "CRITICAL", "ERROR"} else message
    for key in _TRACES:
        if isinstance(fields.get(key), str):
            yield from cast("str", fields[key]).splitlines()


def _of_traceback(lines: list[str]) -> str:
    """Return the exception of the last Python traceback, with the one that it was raised from."""
    found = [said for at, line in enumerate(lines) if _TRACEBACK in line and (said := _exception(lines, at))]
    causes = [said for said in found if _type(said) not in _BYE] or found
    if not causes:
        return ""
    earlier = causes[-2] if len(causes) > 1 and _chained(lines, causes[-1]) else ""
    return f"{causes[-1]}, after {earlier}" if earlier and earlier != causes[-1] else causes[-1]


def _exception(lines: list[str], at: int) -> str:
    """Return the line that ends the traceback at this line. What precedes it in the line precedes all its lines."""
    column = lines[at].index(_TRACEBACK)
    for line in lines[at + 1 :]:
        body = line[column:]
        if body and not body.startswith((" ", "|", "+")):
            return body.strip() if _EXCEPTION.match(body) else ""
    return ""


def _chained(lines: list[str], exception: str) -> bool:
    """Return whether Python says that this exception was raised because of, or while handling, the one before it."""
    end = max(at for at, line in enumerate(lines) if line.endswith(exception))
    began = max(at for at, line in enumerate(lines[:end]) if _TRACEBACK in line)
    said = " ".join(lines[max(began - 3, 0) : began])
    return "direct cause of the following" in said or "During handling of the above" in said


def _type(exception: str) -> str:
    return exception.partition(":")[0].rpartition(".")[2]


def _of_other_languages(lines: list[str]) -> str:
    """Return the error of a panic, a Java or JavaScript exception, the system, or the last line of an error's level."""
    stripped = [line.strip().lstrip("|+ ") for line in lines]  # an exception of a group may have no traceback
    if caused := [line for line in stripped if _CAUSED.search(line)]:
        return caused[-1]
    for at, line in enumerate(stripped):
        if _PANIC.search(line):
            message = stripped[at + 1] if line.endswith(":") and at + 1 < len(stripped) else ""
            return f"{line} {message}".strip()
    for pattern in (_ERROR, _SYSTEM, _LEVEL):
        if found := [line for line in stripped if pattern.search(line) and not _FAREWELL.search(line)]:
            return found[-1]
    return ""
