"""Merges stack files: two texts become one that says what the merge by key says."""

import subprocess
from pathlib import Path

from delivery.errors import DeliveryError
from delivery.stack_file import merge_by_key, yaml_edit
from delivery.stack_file.atomic_write import locked, replaced
from delivery.stack_file.yaml_tree import Json, decoded, parsed, same


def merge(base: Path, ours: Path, theirs: Path) -> str:
    """Write the merge of three stack files into ``ours``, which a driver may be changing meanwhile.

    Returns:
        Where both sides changed the same, in one phrase; theirs stands there. Empty = nowhere.

    Raises:
        DeliveryError: one of the files is no YAML; nothing was written.
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
            if written is None:  # theirs has the comments of people; a driver writes none
                written = (mark + yaml_edit.rewritten(tree, found.data, ours.name).text).encode()
            if written == raw or replaced(ours, written, expected=raw):
                return merge_by_key.told(found.clashes)


def _by_line(base: Path, ours: Path, theirs: Path, data: Json) -> bytes | None:
    """Merge as git does, which keeps comments of both sides; None where that is not what the merge by key says."""
    command = ["git", "merge-file", "-p", "-q", ours, base, theirs]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0 and same(parsed(decoded(done.stdout, "")[1], "").data, data):
            return done.stdout
    except (FileNotFoundError, DeliveryError):  # no git here, or no YAML came of it
        pass
    return None
