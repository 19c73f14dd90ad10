"""Single files in a container: which paths they may have, and how much text."""

from models.service import ServiceSpec
from tests.each import each
from tests.models.test_container import other
from tests.samples import Config, accepted, refused

FILE = (
    "a file's path is absolute and has at most 180 letters, digits, '-', '_', '.' and '/', of which '_' and '/' count "
    "twice, without '.' or '..' as a part"
)
LONG_FILE = "/" + "_" * 89
"""A path that is as long as it may be."""
REFUSED: list[tuple[Config, str]] = [
    (
        {"files": {"files": {"a": "b"}}, "fileMounts": {"/etc/model/b": {"text": ""}}},
        "fileMounts: /etc/model/b and files.path /etc/model are nested; choose separate paths",
    ),
    (
        {"fileMounts": {"/a": {"text": ""}, "/a/b": {"text": ""}}},
        "fileMounts: /a/b and fileMounts /a are nested; choose separate paths",
    ),
    (
        {"fileMounts": {"/tmp": {"text": ""}}},  # noqa: S108 -- a volume of the pod
        "fileMounts: /tmp is already the scratch folder; choose another path",
    ),
    (
        {"home": {"path": "/srv/app"}, "fileMounts": {"/srv": {"text": ""}}},
        "fileMounts: /srv and home.path /srv/app are nested; choose separate paths",
    ),
    ({"fileMounts": {"/a/../b": {"text": ""}}}, f"fileMounts./a/../b: '/a/../b': {FILE}"),
    ({"fileMounts": {"a": {"text": ""}}}, f"fileMounts.a: 'a': {FILE}"),
    (
        {"fileMounts": {"/a": {"text": "x" * 900_001}}},
        (
            "fileMounts: the files have 900001 bytes, but a ConfigMap holds at most 900000; store large files with the "
            "model"
        ),
    ),
]


@each(("blocks", "line"), REFUSED)
def test_a_file_that_no_pod_could_mount_is_refused_in_one_line(blocks: Config, line: str) -> None:
    assert refused(ServiceSpec, {**other(), **blocks}) == (f"given: {line}",)


def test_the_longest_path_is_accepted() -> None:
    assert accepted(ServiceSpec, other(fileMounts={LONG_FILE: {"text": ""}})).file_mounts


def test_a_path_that_would_be_too_long_as_a_key_is_refused() -> None:
    (line,) = refused(ServiceSpec, other(fileMounts={LONG_FILE + "a": {"text": ""}}))
    assert line.endswith(FILE)
