"""Merges stack files: combines two texts into one that has the data of the merge by key."""

import subprocess
from pathlib import Path

from delivery.errors import DeliveryError
from delivery.stack_file import merge_by_key, yaml_edit
from delivery.stack_file.atomic_write import locked, replaced
from delivery.stack_file.yaml_tree import Json, decoded, parsed, same


def merge(base: Path, ours: Path, theirs: Path) -> str:
    """Write the merge of three stack files into ``ours``, which a driver may change at the same time.

    Returns:
        One phrase that names the values that both sides changed and for which ``theirs`` wins. Empty = none.

    Raises:
        DeliveryError: one of the files is not valid YAML; nothing was written.
    """
    with locked(ours):
        while True:
            raw = ours.read_bytes()
            sides = [decoded(one, name) for one, name in ((base.read_bytes(), base.name), (raw, ours.name))]
            mark, text = decoded(theirs.read_bytes(), theirs.name)
            tree = parsed(text, theirs.name)
            found = merge_by_key.merged(
                parsed(sides[0][1], base.name).data, parsed(sides[1][1], ours.name).data, tree.data
            )
            written = _by_line(base, ours, theirs, found.data)
            if written is None:  # edit theirs, which has people's comments; a driver writes none
                written = (mark + yaml_edit.rewritten(tree, found.data, ours.name).text).encode()
            if written == raw or replaced(ours, written, expected=raw):
                return merge_by_key.told(found.clashes)


def _by_line(base: Path, ours: Path, theirs: Path, data: Json) -> bytes | None:
    """Merge by line with git, which keeps the comments of both sides; return None if the data is not ``data``."""
    command = ["git", "merge-file", "-p", "-q", ours, base, theirs]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0 and same(parsed(decoded(done.stdout, "")[1], "").data, data):
            return done.stdout
    except (FileNotFoundError, DeliveryError):  # git is not installed, or its result is not valid YAML
        pass
    return None
