"""How an image is built, and with what."""

from models.image import BuildSecret, CachePlace, ImageBuild, ImageSettings, NamedImage
from tests.models.tables import (
    BY_DIGEST,
    NAME,
    REQUIRED,
    TEXT,
    Accepted,
    Refused,
    accepting,
    refusing,
)
from tests.samples import IMAGE

DAEMON = {"registry": "x", "builder": "docker"}
ACCEPTED: Accepted = [
    (ImageBuild, {"context": "serving"}),
    (ImageBuild, {"context": "serving", "target": "trainer", "args": {"EXTRA": "1"}}),
    (NamedImage, {"reference": IMAGE}),
    (ImageBuild, {"context": "serving", "secrets": ["index-token"]}),
    (
        ImageSettings,
        {
            "registry": "x",
            "platforms": ["linux/amd64", "linux/arm64"],
            "cacheFrom": [{"folder": "/c"}],
            "cacheTo": [{"registry": "x/cache"}],
            "secrets": {"index-token": {"environment": "TOKEN"}, "netrc": {"file": ".netrc"}},
        },
    ),
    (
        ImageSettings,
        {"registry": "x", "builder": "docker", "platforms": ["linux/amd64"], "cacheFrom": [{"registry": "x/cache"}]},
    ),
    (ImageSettings, {"registry": "localhost:5050", "builder": "docker"}),
    (ImageSettings, {"registry": "localhost:5050", "buildx": "slipway", "wheels": "w", "args": {"A_1": ""}}),
]
REFUSED: Refused = [
    (ImageBuild, {}, f"context: {REQUIRED}"),
    (ImageBuild, {"context": ""}, "context: '': must not be empty"),
    (ImageBuild, {"context": "serving", "target": "Trainer"}, f"target: 'Trainer': {NAME}"),
    (
        ImageBuild,
        {"context": "serving", "args": {"A-B": "1"}},
        "args.A-B: 'A-B': the name of a build argument contains only letters, digits and '_'",
    ),
    (ImageBuild, {"context": "serving", "args": {"A": 1}}, f"args.A: 1: {TEXT}"),
    (ImageSettings, {}, f"registry: {REQUIRED}"),
    (
        ImageSettings,
        {"registry": "http://x"},
        "registry: 'http://x': a registry is host[:port][/path], without a scheme, such as registry.example.com/team",
    ),
    (
        ImageSettings,
        {"registry": "x", "builder": "kaniko"},
        "builder: 'kaniko': must be 'docker-build' or 'docker'",
    ),
    (
        ImageSettings,
        {"registry": "x", "builder": "docker", "wheels": "w"},
        "the Docker daemon does not support wheels; set builder: docker-build, or remove it",
    ),
    (
        ImageSettings,
        {"registry": "x", "builder": "docker", "wheels": "w", "buildx": "b"},
        "the Docker daemon does not support wheels and buildx; set builder: docker-build, or remove it",
    ),
    (NamedImage, {"reference": "registry.example.com/app:1"}, f"reference: 'registry.example.com/app:1': {BY_DIGEST}"),
    (
        ImageSettings,
        {**DAEMON, "cacheTo": [{"registry": "x"}], "secrets": {"a": {"file": "a"}}},
        "the Docker daemon does not support cacheTo and secrets; set builder: docker-build, or remove it",
    ),
    (
        ImageSettings,
        {**DAEMON, "platforms": ["linux/amd64", "linux/arm64"]},
        ("the Docker daemon builds for one platform, but platforms has 2; set builder: docker-build, or name one"),
    ),
    (
        ImageSettings,
        {**DAEMON, "cacheFrom": [{"folder": "/c"}]},
        ("the Docker daemon reads a cache only from a registry; set cacheFrom.registry, or builder: docker-build"),
    ),
    (
        ImageSettings,
        {"registry": "x", "platforms": ["linux/amd64", "linux/amd64"]},
        "platforms names a platform twice; remove one",
    ),
    (CachePlace, {}, "a cache has one place; set registry or folder"),
    (CachePlace, {"registry": "a", "folder": "b"}, "a cache has one place; set registry or folder"),
    (BuildSecret, {}, "a build secret has one source; set environment or file"),
    (BuildSecret, {"environment": "A", "file": "b"}, "a build secret has one source; set environment or file"),
    (ImageSettings, {"registry": "x", "buildx": "Slipway"}, f"buildx: 'Slipway': {NAME}"),
]


test_what_keeps_the_rules_is_accepted = accepting(ACCEPTED)
test_what_breaks_a_rule_is_refused_in_one_line = refusing(REFUSED)
