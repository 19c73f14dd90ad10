"""The trainer image's entry point: `python -m serving.train <payload> --out <folder> | --publish <uri> [--seed 0]`."""

import difflib
import importlib
import sys
from pathlib import Path

from serving import payloads
from serving.training.runner import command

WRONG_USAGE = 2


def trainable() -> list[str]:
    """Return the payloads that have a training."""
    return sorted(path.parent.name for path in Path(payloads.__file__).parent.glob("*/train.py"))


def main(arguments: list[str]) -> int:
    """Train a payload and write or publish its model; return 1 on failure or 2 for wrong usage, with one line each."""
    known = trainable()
    name = arguments[0] if arguments else ""
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        sys.stderr.write(f"train: payload {name!r}: unknown training; {hint}\n")
        return WRONG_USAGE
    train = importlib.import_module(f"serving.payloads.{name}.train").train
    return command(train, arguments[1:], f"serving.train {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
