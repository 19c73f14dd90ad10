"""Parse stack files with their catalogue entries, and print one line per fault. No cluster or registry is contacted.

`.venv/bin/python templates/validate.py [--project FOLDER] STACK…`
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # run as a script, from any directory

from delivery.errors import DeliveryError  # noqa: E402 -- the project is on the path from here on
from delivery.release.stack import Stack  # noqa: E402
from models.errors import ConfigurationError  # noqa: E402


def faults(project: Path, stacks: list[str]) -> Iterator[str]:
    """Yield one line for each fault that prevents these stacks from being deployed."""
    for stack in stacks:
        try:
            Stack.open(project, stack).spec()
        except (DeliveryError, ConfigurationError) as error:
            yield from str(error).splitlines()


def main(arguments: list[str]) -> int:
    """Print every fault, and return the exit code: 1 if there is one, else 0."""
    parser = argparse.ArgumentParser(description="Parse stack files with their catalogue entries.")
    parser.add_argument("--project", type=Path, default=PROJECT)
    parser.add_argument("stacks", nargs="+")
    given = parser.parse_args(arguments)
    found = list(faults(given.project, given.stacks))
    for line in found:
        print(f"error: {line}")  # noqa: T201 -- a command
    if not found:
        print(f"valid: {', '.join(given.stacks)}")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
