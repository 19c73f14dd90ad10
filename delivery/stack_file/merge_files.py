"""Merges stack files: combines two texts into one that has the data of the merge by key."""

import subprocess
from pathlib import Path

from delivery.errors import DeliveryError
from delivery.stack_file import merge_by_key, yaml_edit
from delivery.stack_file.atomic_write import locked, replaced
from delivery.stack_file.document import Json, document, same


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
            was, mine, tree = (
                document(one, path.name)
                for one, path in ((base.read_bytes(), base), (raw, ours), (theirs.read_bytes(), theirs))
            )
            found = merge_by_key.merged(was.data, mine.data, tree.data)
            written = _by_line(base, ours, theirs, found.data)
            if written is None:  # edit theirs, which has people's comments; a driver writes none
                written = yaml_edit.rewritten(tree, found.data).raw
            if written == raw or replaced(ours, written, expected=raw):
                return merge_by_key.told(found.clashes)


def _by_line(base: Path, ours: Path, theirs: Path, data: Json) -> bytes | None:
    """Merge by line with git, which keeps the comments of both sides; return None if the data is not ``data``."""
    command = ["git", "merge-file", "-p", "-q", ours, base, theirs]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode == 0 and same(document(done.stdout, "").data, data):
            return done.stdout
    except (FileNotFoundError, DeliveryError):  # git is not installed, or its result is not valid YAML
        pass
    return None
