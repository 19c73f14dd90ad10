"""Values at the edge of each rule: what a person might write, nearly right or just wrong."""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast, get_args

from pydantic import SecretStr

from models import checks, file_mounts, image, manifest, model, ports, profile, schedule, security
from models import vocabulary as v
from models.access import Granted
from models.external import ServerUrl, Url
from models.limits import LONGEST_TEXT, MOST_ANNOTATIONS, MOST_FILES
from models.metadata import FreeKey, RouteAnnotations
from models.monitoring import Objective
from models.pattern import Pattern
from models.quantity import Bytes, Cores, Memory, Quantity
from models.share import Share
from tests.edges import containing, words
from tests.edges.fields import Field, choices, stripped, validators
from tests.edges.words import INT32, INT64, Values

SEED = 18
"""Of the random values: the same ones in each run."""
DRAWN = 3
"""Random values of a field whose rule is about text."""

_KINDS: tuple[tuple[Any, Values], ...] = (
    (v.Name, words.NAMES),
    (v.Host, words.HOSTS),
    (v.PublicHost, words.HOSTS),
    (v.SubdomainName, words.HOSTS),
    (v.StorageClass, [*words.HOSTS, *words.CLASSES]),
    (v.HttpPath, words.PATHS),
    (v.PublicPath, words.PATHS),
    (v.MountPath, words.PATHS),
    (v.LabelKey, words.LABEL_KEYS),
    (v.LabelValue, words.LABEL_VALUES),
    (FreeKey, words.FREE_KEYS),
    (get_args(stripped(RouteAnnotations)[0])[0], words.ROUTE_KEYS),
    (v.DeviceName, words.DEVICES),
    (v.HeaderName, words.HEADERS),
    (v.Seconds, words.DURATIONS),
    (v.Milliseconds, words.LATENCIES),
    (v.DigestReference, words.IMAGES),
    (v.Checksum, words.DIGESTS),
    (v.Registry, words.REGISTRIES),
    (v.BuildArgument, words.VARIABLES),
    (v.FileName, words.FILES),
    (v.EnvironmentVariable, words.VARIABLES),
    (v.FreeVariable, words.VARIABLES),
    (v.MetricName, words.METRICS),
    (v.Cidr, words.CIDRS),
    (Quantity, words.QUANTITIES),
    (Bytes, words.QUANTITIES),
    (Memory, words.QUANTITIES),
    (Cores, words.QUANTITIES),
    (Share, words.SHARES),
    (Url, words.URLS),
    (ServerUrl, words.URLS),
    (Pattern, words.PATTERNS),
    (schedule.Cron, words.CRONS),
    (schedule.TimeZone, words.ZONES),
    (Granted, words.GRANTED),
    (model.ModelUri, words.URIS),
    (image.ProjectPath, words.FOLDERS),
    (Objective, words.OBJECTIVES),
    (checks.ProbeHeader, words.HEADERS),
    (checks.HeaderValue, containing.HEADER_VALUES),
    (ports.PortName, containing.PORT_NAMES),
    (ports.FreePortName, containing.PORT_NAMES),
    (security.User, containing.USERS),
    (file_mounts.FilePath, containing.FILE_PATHS),
    (manifest.FilePath, containing.MODEL_PATHS),
    (manifest.Sha256, containing.SHA256),
    (profile.LabelName, containing.LABEL_NAMES),
)
OWN: dict[str, Values] = {**words.OWN, **containing.OWN}
"""Values of fields whose rule is their own, by path."""
BY_RULES = {validators(stripped(kind)[1]): values for kind, values in _KINDS}


def values(field: Field) -> Values:
    """Return the values of a field, each once.

    Raises:
        KeyError: the field's type is one for which nobody has written values.
    """
    rules = tuple(rule for rule in field.validators if rule not in _BESIDE)
    found = [*OWN.get(str(field), []), *(BY_RULES[rules] if rules else _by_type(field))]
    found += [f"{bound + step}s" for bound in field.bounds for step in (-1, 0, 1)] if rules == _SECONDS else []
    if found and all(isinstance(value, str) for value in found[:3]) and not choices(field.base):
        found += list(_drawn(str(field), [value for value in found if isinstance(value, str) and len(value) < 400]))
    return [value for place, value in enumerate(found) if _typed(value) not in map(_typed, found[:place])]


_BESIDE = (
    "models.release._chosen_name",
    "models.release._chosen_value",
    "models.gate._check_name",
    "models.gate._filled",
    "models.vocabulary._int32",
    *(f"models.limits.{name}" for name in ("_files", "_annotations", "_arguments")),
    "models.variables._plain",
    "models.file_mounts._fit",
    "models.storage._each_folder_once",
)
"""Validators that only narrow what another rule or the type says."""
_SECONDS = validators(stripped(v.Seconds)[1])


def _typed(value: Any) -> tuple[type[object], object]:
    return cast("type[object]", type(value)), value


def _by_type(field: Field) -> Values:
    base = field.base
    if known := choices(base):
        return [*known, *(word.swapcase() for word in known), f"{known[0]} ", "", "unknown", 7]
    by_type: dict[Any, Values] = {
        bool: [True, False, "true", 1, 0, "yes"],
        int: _whole(field.bounds),
        float: _broken(field.bounds),
        Decimal: _broken(field.bounds),
        str: words.TEXTS,
        SecretStr: words.TEXTS,
        tuple: [[], "twice", "empty item", "", {}, "text"],
        dict: [{}, [], "text", *_large(field)],
    }
    return list(by_type[base])


def _whole(bounds: list[int]) -> Values:
    edges = {bound + step for bound in (*bounds, INT32) for step in (-1, 0, 1)}
    return [*sorted(edges | {0, 1, 2, -1, 7}), INT64, INT64 + 1, "1", 1.0, 1.5, True, "", "1,5", 1e30]


def _broken(bounds: list[int]) -> Values:
    edges = [bound + step for bound in bounds for step in (-1, -0.001, 0, 0.001, 1)]
    return [*edges, 0, 0.5, 1, -1, 1e308, float("inf"), float("nan"), "1", "1,5", "", True, 0.0001, 12345.678]


_LIMITS = {"files": MOST_FILES, "annotations": MOST_ANNOTATIONS, "env": LONGEST_TEXT}
"""Bytes of a whole map, or of one of its values with its key."""


def _large(field: Field) -> Values:
    """Return maps just below and just above a limit of their size."""
    most = _LIMITS.get(field.path[-1])
    return [] if most is None else [{"a": "x" * (most + step)} for step in (-2, -1, 0)]


def _drawn(seed: str, known: list[str]) -> Iterator[str]:
    """Yield random values: a known one with a character more, less or changed, or two of them together."""
    chance = random.Random(f"{SEED}{seed}")  # noqa: S311 -- no secret
    for _ in range(DRAWN):
        one, other = chance.choice(known), chance.choice(known)
        at = chance.randint(0, len(one))
        mark = chance.choice([*"aA0-._/% :,~+=*\\ä", ""])
        yield chance.choice(
            [one[:at] + mark + one[at:], one[:at] + mark + one[at + 1 :], one + other, other + mark + one]
        )
