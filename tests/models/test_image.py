"""How an image is built, and with what."""

from pydantic import BaseModel

from models.image import ImageBuild, ImageSettings
from tests.models.tables import (
    NAME,
    REQUIRED,
    TEXT,
    Accepted,
    Refused,
    accepting,
    assert_accepted,
    assert_refused,
    refusing,
)

ACCEPTED: Accepted = [
    (ImageBuild, {"context": "serving"}),
    (ImageBuild, {"context": "serving", "target": "trainer", "args": {"EXTRA": "1"}}),
    (ImageSettings, {"registry": "localhost:5050", "builder": "docker"}),
    (ImageSettings, {"registry": "localhost:5050", "buildx": "slipway", "wheels": "w", "args": {"A_1": ""}}),
]
REFUSED: Refused = [
    (ImageBuild, {}, f"context: {REQUIRED}"),
    (ImageBuild, {"context": ""}, "context: '': String should have at least 1 character"),
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
        "builder: 'kaniko': Input should be 'docker-build' or 'docker'",
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
    (ImageSettings, {"registry": "x", "buildx": "Slipway"}, f"buildx: 'Slipway': {NAME}"),
]


@accepting(ACCEPTED)
def test_what_keeps_the_rules_is_accepted(model: type[BaseModel], data: object) -> None:
    assert_accepted(model, data)


@refusing(REFUSED)
def test_what_breaks_a_rule_is_refused_in_one_line(model: type[BaseModel], data: object, line: str) -> None:
    assert_refused(model, data, line)
