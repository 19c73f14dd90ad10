"""A number of pods, or a percentage of them, as in Kubernetes' IntOrString."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from models.vocabulary import INT32

_PERCENT = re.compile(r"([0-9]{1,6})%")


def pods_of(share: int | str, pods: int) -> int:
    """Return how many of ``pods`` a share is.

    A percentage is rounded up, as in Kubernetes; only a rollout's maxUnavailable is rounded down there.
    """
    return share if isinstance(share, int) else -(-pods * int(share.removesuffix("%")) // 100)


def _within(least: int, most: int | None) -> Callable[[object], object]:
    """Return a check that a number or a percentage is at least ``least``, and a percentage at most ``most``."""

    def check(value: object) -> object:
        percent = _PERCENT.fullmatch(value) if isinstance(value, str) else None
        if percent:
            amount = int(percent[1])
        elif isinstance(value, int) and not isinstance(value, bool):
            amount = value
        else:
            raise ValueError("must be a whole number of pods, or a percentage such as 25%")
        if not least <= amount <= INT32:
            raise ValueError(f"must be at least {least} and at most {INT32}")
        if percent and most is not None and amount > most:
            raise ValueError(f"a percentage must be at most {most}%, the limit of the API server")
        return value

    return check


def _share(least: int, most: int | None) -> tuple[BeforeValidator, WithJsonSchema]:
    pattern = f"^{_PERCENT.pattern}$"
    schema = {"type": ["integer", "string"], "pattern": pattern, "minimum": least, "examples": ["25%"]}
    return BeforeValidator(_within(least, most)), WithJsonSchema(schema)


Share = Annotated[int | str, *_share(0, 100)]
"""A number of pods, or at most 100% of them."""
PositiveShare = Annotated[int | str, *_share(1, 100)]
"""A number of pods, at least one, or 1% to 100% of them."""
AnyShare = Annotated[int | str, *_share(0, None)]
"""A number of pods, or any percentage."""
