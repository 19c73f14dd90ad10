"""Configuration files: what fits into a ConfigMap and what may be a file name in one."""

from models.files import ConfigFiles
from models.limits import MOST_FILES
from tests.models.tables import (
    EMPTY,
    FILE,
    FOLDER,
    MAP,
    PATH,
    REQUIRED,
    TEXT,
    Accepted,
    Refused,
    accepting,
    assert_refused,
    refusing,
)

ACCEPTED: Accepted = [
    (ConfigFiles, {"files": {"vocab.txt": ""}}),
    (ConfigFiles, {"files": {".hidden": "a", "A-b_c.d": "b", "a..b": "c"}}),
    (ConfigFiles, {"files": {"f" * 253: "a"}}),
    (ConfigFiles, {"path": "/app/config/", "onChange": "reload", "files": {"config.json": "{}"}}),
    (ConfigFiles, {"files": {"large": "x" * MOST_FILES}}),
    (ConfigFiles, {"files": {"two-bytes": "ä" * (MOST_FILES // 2)}}),
]
REFUSED: Refused = [
    (ConfigFiles, {}, f"files: {REQUIRED}"),
    (ConfigFiles, {"files": {}}, f"files: {EMPTY}"),
    (ConfigFiles, {"files": ["config.json"]}, f"files: {MAP}"),
    (ConfigFiles, {"files": {"config.json": {"a": 1}}}, f"files.config.json: {TEXT}"),
    (ConfigFiles, {"files": {"config.json": 1}}, f"files.config.json: 1: {TEXT}"),
    (ConfigFiles, {"files": {"": "a"}}, f"files.: '': {FILE}"),
    (ConfigFiles, {"files": {".": "a"}}, f"files..: '.': {FILE}"),
    (ConfigFiles, {"files": {"..": "a"}}, f"files...: '..': {FILE}"),
    (ConfigFiles, {"files": {"..data": "a"}}, f"files...data: '..data': {FILE}"),
    (ConfigFiles, {"files": {"a/b": "a"}}, f"files.a/b: 'a/b': {FILE}"),
    (ConfigFiles, {"files": {"a b": "a"}}, f"files.a b: 'a b': {FILE}"),
    (ConfigFiles, {"files": {"f" * 254: "a"}}, f"files.{'f' * 80}…: '{'f' * 79}…: {FILE}"),
    (
        ConfigFiles,
        {"files": {"large": "x" * (MOST_FILES + 1)}},
        "files: the files have 900001 bytes, but a ConfigMap holds at most 900000; store large files with the model",
    ),
    (
        ConfigFiles,
        {"files": {"one": "x" * MOST_FILES, "more": "x"}},
        "files: the files have 900001 bytes, but a ConfigMap holds at most 900000; store large files with the model",
    ),
    (
        ConfigFiles,
        {"files": {"two-bytes": "ä" * (MOST_FILES // 2 + 1)}},
        "files: the files have 900002 bytes, but a ConfigMap holds at most 900000; store large files with the model",
    ),
    (
        ConfigFiles,
        {"files": {"a": "b"}, "onChange": "restart"},
        "onChange: 'restart': must be 'rollout' or 'reload'",
    ),
    (ConfigFiles, {"files": {"a": "b"}, "path": "config"}, f"path: 'config': {PATH}"),
    (ConfigFiles, {"files": {"a": "b"}, "path": "/etc/slipway"}, f"path: '/etc/slipway': {FOLDER}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)


def test_text_that_is_no_unicode_does_not_end_in_a_traceback() -> None:
    line = "files.half: contains U+D800, which a manifest cannot contain; remove it, or encode the text"
    assert_refused(ConfigFiles, {"files": {"half": "\ud800"}}, line)
