"""Values around the edge of each rule of containers, builds and metrics profiles."""
# ruff: noqa: S108 -- the folders belong to pods; digits of other scripts are edges

from models.limits import LONGEST_TEXT, MOST_FILES
from tests.edges.words import INT32, INT64, TEXTS, Values
from tests.samples import Config

PORT_NAMES: Values = [
    "a", "a" * 15, "a" * 16, "a-b", "a--b", "-a", "a-", "1", "1a", "80", "A", "a_b", "a.b", "", "web", "management",
    "ä", "a b", "a\n", "http", "8-0", "x-1-y", 7, "a" * 64, " a",
]  # fmt: skip
HEADER_VALUES: Values = [*TEXTS, "a\rb", "a\x7fb", "Bearer a", "x" * 8192]
USERS: Values = [
    0, 1, -1, 999, 10001, 65534, INT32, INT32 + 1, INT64, "image", "namespace", "Image", "", "root", "0", "1000", 1.0,
    1.5, True, " image",
]  # fmt: skip
FILE_PATHS: Values = [
    "/a", "/a/b", "a", "/", "/a/", "", "/a//b", "/./a", "/../a", "/a/..", "/...", "/a b", "/ä", "/a:b", "/$a", "/a_b",
    "/a__b", "/a_/b", "/" + "a" * 179, "/" + "a" * 180, "/" + "_" * 179, "/_" * 90, "/a" * 90, "/" + "_" * 89,
    "/" + "_" * 90, "/tmp/a", "/tmp", "/srv/home/.config", "/srv/home", "/srv/cache/a", "/etc/slipway/x",
    "/mnt/written/x", "/a@b", "/a\n", "/etc/hosts", "/dev/termination-log", " /a", "/-", "/a.b-C_d",
]  # fmt: skip
MODEL_PATHS: Values = [
    "a", "a/b", "/a", "", "a/", "a//b", ".", "..", "a/../b", "a b", "ä", "$a", "a\\b", "a\n", "f" * 1024, "f" * 1025,
    "-", ".hidden", "a:b", "a%20b",
]  # fmt: skip
SHA256: Values = ["0" * 64, "A" * 64, "0" * 63, "0" * 65, "", "g" * 64, "0" * 63 + "\n"]
HUB = f"hf://acme/tiny@{'5f0c' * 10}"
"""The URI of the model that the loader fetches; its manifest must name the same."""
HUB_MANIFEST: Config = {
    "uri": HUB,
    "version": {"commit": "5f0c" * 10},
    "files": {"model.onnx": {"size": 7, "sha256": "0" * 64}},
}
LABEL_NAMES: Values = [
    "a", "_", "__a", "_a", "7a", "a-b", "a.b", "", "A", "ä", "a:b", "le", "a b", "a\n", "namespace", "l" * 300, "a٢",
]  # fmt: skip
SECRET_IDS: Values = [
    "a", "A_b.c", "a-", "-a", ".a", "_a", "a" * 63, "a" * 64, "a/b", "a b", "ä", "a\n", "", "7", "a,b", "a=b",
]  # fmt: skip
PLATFORMS: Values = [
    "linux/amd64", "linux/arm64", "linux/arm/v6", "linux/arm/v7", "linux/arm/v8", "linux/arm", "linux", "amd64",
    "windows/amd64", "Linux/amd64", "linux/amd64/v2", "linux/ppc64le", "linux/s390x", "linux/riscv64", "",
    "linux/amd64\n", " linux/amd64",
]  # fmt: skip
_LARGE_FILES: Values = [
    {"/a": {"text": "x" * MOST_FILES}}, {"/a": {"text": "x" * (MOST_FILES + 1)}},
    {"/a": {"text": "x" * MOST_FILES}, "/b": {"text": ""}}, {"/a": {"text": "a"}, "/a/b": {"text": "a"}},
    {"/a_b": {"text": "a"}, "/a/b": {"text": "b"}}, {"/a": {}}, {"/a": "text"},
    {"/a": {"text": "", "secret": "filed", "key": "tls.crt"}}, {"/a": {"secret": "filed"}},
]  # fmt: skip
_COMMANDS: Values = [["x" * LONGEST_TEXT], ["x" * (LONGEST_TEXT + 1)], ["x" * 100_000] * 4, ["x" * 100_000] * 5]
_ASKED = {"api-first": 9201, "api-second": 9202}
"""The ports that checks of the base's service name."""
_NUMBERED: Values = [
    {**_ASKED, "a": 9201}, {**_ASKED, "a": 9000}, {**_ASKED, "a": 5001}, {**_ASKED, "a": 80}, {"a": 9000},
    {**_ASKED, **{f"p{number}": number for number in range(9500, 9700)}},
]  # fmt: skip
TIMES: Values = [
    "{drain}",
    "--for={requestTimeout}",
    "{grace}s {drain}s",
    "{drian}",
    "30",
    "",
    "{}",
    "{{drain}}",
    "ä{drain}",
]
"""Texts that tell a server a time."""
OWN: dict[str, Values] = {
    "entry.services.*.model.manifest.uri": [HUB],
    "stack.release.*.slots.*.model.manifest.uri": [HUB],
    "entry.images.*.<built>.secrets.[]": SECRET_IDS,
    "stack.image.secrets.{key}": SECRET_IDS,
    "stack.image.platforms.[]": PLATFORMS,
    "entry.services.*.ports": _NUMBERED,
    "entry.services.*.command": _COMMANDS,
    "entry.services.*.drain.args.[]": TIMES,
    "entry.services.*.drain.env.*": TIMES,
    "entry.services.*.fileMounts": _LARGE_FILES,
    **{f"entry.services.*.{group}.[].fileMounts": _LARGE_FILES for group in ("sidecars", "init")},
    **{f"entry.services.*.{group}.[].command": _COMMANDS for group in ("sidecars", "init")},
    **{f"entry.services.*.{group}.[].args": _COMMANDS for group in ("sidecars", "init")},
}
"""Values of fields whose pattern is their own, or that are judged as a whole, by path."""
