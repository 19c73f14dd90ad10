"""The line of a log that names the error, among the tracebacks and good-byes of many servers."""

import json

from components.log_cause import cause, plain
from tests.each import each

TRACE = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    load()\n'
READ_ONLY = "OSError: [Errno 30] Read-only file system: '/app/cache'"
GONE = """INFO:     Application startup failed. Exiting.
INFO:     Waiting for child process [7]
INFO:     Stopping parent process [1]
"""


def logged(**fields: object) -> str:
    return json.dumps({"time": "2026-01-01", "level": "error", **fields}) + "\n"


LOGS: dict[str, tuple[str, str]] = {
    "uvicorn: the traceback, and 12 lines of good-bye": (f"starting\n{TRACE}{READ_ONLY}\n" + GONE * 4, READ_ONLY),
    "the last one of two attempts": (f"{TRACE}ValueError: first\n{TRACE}{READ_ONLY}\n", READ_ONLY),
    "raised from another": (
        (
            f"{TRACE}{READ_ONLY}\n\nThe above exception was the direct cause of the following exception:\n\n"
            f"{TRACE}app.CannotStart: no cache\n"
        ),
        f"app.CannotStart: no cache, after {READ_ONLY}",
    ),
    "raised while another was handled": (
        (
            f"{TRACE}{READ_ONLY}\n\nDuring handling of the above exception, another exception occurred:\n\n"
            f"{TRACE}RuntimeError: no cache\n"
        ),
        f"RuntimeError: no cache, after {READ_ONLY}",
    ),
    "ended because of it": (f"{TRACE}{READ_ONLY}\n{TRACE}asyncio.exceptions.CancelledError\n", READ_ONLY),
    "nothing but an interruption": (f"{TRACE}KeyboardInterrupt\n", "KeyboardInterrupt"),
    "gunicorn: a worker fails to boot": (
        (
            f"[2026] [7] [ERROR] Exception in worker process\n{TRACE}ModuleNotFoundError: No module named 'shop'\n"
            "[2026] [7] [INFO] Worker exiting (pid: 7)\n[2026] [1] [ERROR] Worker (pid:7) exited with code 3\n"
            "[2026] [1] [ERROR] Shutting down: Master\n[2026] [1] [ERROR] Reason: Worker failed to boot.\n"
        ),
        "ModuleNotFoundError: No module named 'shop'",
    ),
    "a time before each line": (
        "".join(f"2026-01-01T00:00:00Z {line}\n" for line in f"{TRACE}{READ_ONLY}\nbye".splitlines()),
        READ_ONLY,
    ),
    "a group of exceptions": (
        (
            '  + Exception Group Traceback (most recent call last):\n  |   File "a.py"\n  | ExceptionGroup: 1 (1)\n'
            '  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    |   File "a.py"\n'
            f"    | {READ_ONLY}\n    +------------------------------------\n"
        ),
        READ_ONLY,
    ),
    "a group whose exception was never raised": (
        (
            '  + Exception Group Traceback (most recent call last):\n  |   File "a.py"\n  | ExceptionGroup: g (1)\n'
            f"  +-+---------------- 1 ----------------\n    | {READ_ONLY}\n    +------------------------------------\n"
        ),
        READ_ONLY,
    ),
    "our own JSON": (
        logged(message="cannot start", exception=f"{TRACE}{READ_ONLY}") + logged(message="bye"),
        READ_ONLY,
    ),
    "JSON without a traceback": (
        logged(message="model.onnx: not a model") + logged(message="stopping", level="info"),
        "ERROR: model.onnx: not a model",
    ),
    "a panic of Go before its goroutines": (
        "panic: open /data/x: read-only file system\n\ngoroutine 1 [running]:\nmain.main()\nexit status 2\n",
        "panic: open /data/x: read-only file system",
    ),
    "Java": (
        (
            'Exception in thread "main" java.lang.RuntimeException: no\n\tat a.B.c(B.java:1)\n'
            "Caused by: java.io.IOException: Read-only file system\n\tat a.B.d(B.java:2)\n\t... 1 more\n"
        ),
        "Caused by: java.io.IOException: Read-only file system",
    ),
    "Rust": (
        "thread 'main' panicked at src/main.rs:4:10:\ncalled `Result::unwrap()`: PermissionDenied\nnote: run with\n",
        "thread 'main' panicked at src/main.rs:4:10: called `Result::unwrap()`: PermissionDenied",
    ),
    "Node": (
        (
            "node:internal/modules:1\n  throw err;\n\nError: Cannot find module '/app/x.js'\n    at Module (node:1)\n\n"
            "Node.js v22.0.0\n"
        ),
        "Error: Cannot find module '/app/x.js'",
    ),
    "a shell": (
        "+ serve\n/entry.sh: line 3: serve: command not found\n",
        "/entry.sh: line 3: serve: command not found",
    ),
    "nginx": (
        'mkdir() "/var/cache/nginx" failed (30: Read-only file system)\nexiting\n',
        'mkdir() "/var/cache/nginx" failed (30: Read-only file system)',
    ),
    "colors": ("\x1b[31mFATAL\x1b[0m cannot open the model\n", "FATAL cannot open the model"),
    "no error at all": ("listening\nready\n", ""),
    "an empty log": ("", ""),
    "a traceback that is cut off": (TRACE, ""),
}


@each("name", LOGS)
def test_the_error_is_found(name: str) -> None:
    log, found = LOGS[name]
    assert cause(log) == found


def test_a_long_message_is_cut() -> None:
    assert cause(f"{TRACE}ValueError: {'x' * 5000}\n") == f"ValueError: {'x' * 288}…"


@each(
    "line, shown", [('{"message": "hello"}', "hello"), ('{"a": 1}', '{"a": 1}'), ("{broken", "{broken"), ("[1]", "[1]")]
)
def test_a_line_of_json_is_shown_as_its_message(line: str, shown: str) -> None:
    assert plain(line) == shown
