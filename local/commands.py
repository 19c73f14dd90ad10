"""Run a short command and turn its failure into one line."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.errors import LocalError


def run(
    command: Sequence[str | Path],
    *,
    stdin: str | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    cwd: Path | None = None,
    timeout_seconds: float = 600,
) -> str:
    """Return what the command printed; raises LocalError with its last line (and where the rest is) if it fails.

    Args:
        command: The program and its arguments, never a shell line.
        stdin: Text for its standard input.
        environment: Its whole environment; the caller's own if None.
        log: A file that gets everything it prints, for commands whose output is long.
        cwd: Where it runs.
        timeout_seconds: After this long it is killed, which counts as a failure.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            env=None if environment is None else dict(environment),
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if log else subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            check=False,
        )
    except FileNotFoundError as missing:
        raise LocalError(f"{words[0]}: no such program: install it or run `make up`, which does") from missing
    except subprocess.TimeoutExpired as slow:
        raise LocalError(f"`{' '.join(words[:3])}` did not end within {timeout_seconds:.0f} s") from slow
    if log:
        log.write_text(done.stdout)
    if done.returncode:
        said = (done.stdout if log else done.stderr or done.stdout).strip().splitlines()
        where = f"; all of it: {log}" if log else ""
        raise LocalError(
            f"`{' '.join(words[:3])}` failed with exit code {done.returncode}: {said[-1] if said else 'no output'}{where}"
        )
    return done.stdout
