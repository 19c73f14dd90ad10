"""Forty releases in a row: the stack's configuration stays small, and no revision is left over."""

import json
from pathlib import Path

import pytest

from delivery.release.revisions import named
from models.release import SlotRelease
from tests.delivery.exporting import edit, exporting, files_of
from tests.delivery.world import STACK
from tests.samples import OTHER_IMAGE


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_forty_releases_with_large_files_keep_the_configuration_small(tmp_path: Path) -> None:
    given = edit(exporting(tmp_path), files={"files": {"vocab.txt": "x"}})
    for number in range(40):
        target = SlotRelease(image=OTHER_IMAGE, files={"vocab.txt": f"{number}" + "word\n" * 3400})
        assert given.released(target=target).result == "promoted"
    config = given.file
    assert sum(len(json.dumps(config[key])) for key in config) < 64 * 1024
    text = (given.stack.project / f"Pulumi.{STACK}.yaml").read_bytes()
    assert files_of(given) == set(named(text))
    assert len(files_of(given)) <= 41
