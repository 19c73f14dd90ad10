from pathlib import Path

import pytest

from local import deploy, stack_file
from local.errors import LocalError
from local.paths import Paths

PLAIN = """# the embedded cluster
config:
  slipway:system: {entry: classifier, environment: dev}  # encryptionsalt: no
"""
SALTED = PLAIN + "encryptionsalt: v1:PgEb=:v1:3FMO:cXfK==\n"
SECRET = SALTED + "  slipway:token:\n    secure: v1:abc\n"


def file(folder: Path, text: str) -> Path:
    target = folder / "Pulumi.dev.yaml"
    target.write_text(text)
    return target


def test_the_salt_is_read_from_its_own_line_only() -> None:
    assert stack_file.salt(PLAIN) is None
    assert stack_file.salt(SALTED) == "v1:PgEb=:v1:3FMO:cXfK=="


def test_a_stale_salt_goes_and_comments_stay(tmp_path: Path) -> None:
    target = file(tmp_path, SALTED)
    assert stack_file.drop_stale_salt(target, stack_exists=False)
    assert target.read_text() == PLAIN


def test_the_salt_of_a_stack_of_this_cluster_stays(tmp_path: Path) -> None:
    target = file(tmp_path, SALTED)
    assert not stack_file.drop_stale_salt(target, stack_exists=True)
    assert target.read_text() == SALTED


def test_a_file_with_secrets_of_another_backend_is_refused_and_untouched(tmp_path: Path) -> None:
    target = file(tmp_path, SECRET)
    with pytest.raises(LocalError, match="encrypted for another backend"):
        stack_file.drop_stale_salt(target, stack_exists=False)
    assert target.read_text() == SECRET


@pytest.mark.parametrize(
    ("text", "exists", "after"), [(SALTED, True, PLAIN), (SALTED, False, SALTED), (SECRET, True, SECRET)]
)
def test_down_takes_the_salt_of_its_own_stack_only(tmp_path: Path, text: str, exists: bool, after: str) -> None:
    target = file(tmp_path, text)
    stack_file.drop_own_salt(target, stack_exists=exists)
    assert target.read_text() == after


def test_a_missing_file_has_no_salt_to_drop(tmp_path: Path) -> None:
    assert not stack_file.drop_own_salt(tmp_path / "none.yaml", stack_exists=True)


def test_every_stack_of_the_clusters_backend_is_known(tmp_path: Path) -> None:
    paths = Paths(project=tmp_path, state=tmp_path / "state", cache=tmp_path / "cache")
    assert deploy.stacks(paths) == []
    for stack in ("dev", "gpu-dev"):
        deploy.checkpoint(paths, stack).parent.mkdir(parents=True, exist_ok=True)
        deploy.checkpoint(paths, stack).touch()
    assert deploy.stacks(paths) == ["dev", "gpu-dev"]
    assert deploy.stack_settings(paths, "gpu-dev") == tmp_path / "Pulumi.gpu-dev.yaml"
