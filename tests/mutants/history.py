"""What Git knows about recent changes. Paths are relative to the project's root."""

import datetime as dt
import subprocess

from tests.mutants.running import PROJECT

_SEED_DIGITS = 8
"""Hexadecimal digits of a commit's hash that make a seed: enough to differ, few enough to type."""


def changed_since(revision: str) -> set[str]:
    """Return the files that differ between a revision and the working tree.

    Raises:
        ValueError: Git does not know the revision.
    """
    return _paths("diff", "--name-only", revision, "--") | _untracked()


def changed_within(days: float) -> set[str]:
    """Return the files of the commits made in the days before the newest commit, and of the working tree.

    The days count back from the newest commit and not from now, so that a commit gives the same files on every day.
    """
    newest = dt.datetime.fromisoformat(_git("show", "--no-patch", "--format=%cI", "HEAD").strip())
    begin = (newest - dt.timedelta(days=days)).isoformat()
    return _paths("log", f"--since-as-filter={begin}", "--format=", "--name-only", "HEAD") | changed_since("HEAD")


def seed_of_newest_commit() -> int:
    """Return a seed that every commit has its own of, so that over time every mutant is drawn."""
    return int(_git("rev-parse", "HEAD")[:_SEED_DIGITS], 16)


def _untracked() -> set[str]:
    return _paths("ls-files", "--others", "--exclude-standard")


def _paths(*arguments: str) -> set[str]:
    return {line for line in _git(*arguments).splitlines() if line}


def _git(*arguments: str) -> str:
    command = ["git", "-c", "core.quotePath=false", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
