"""Many cases of one rule in one test: it tries all of them, and names each that breaks the rule.

``pytest.mark.parametrize`` makes a test of each case. Thousands of those cost more time than the rules themselves.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

Rule = Callable[..., None]
Test = Callable[[], None]


def each(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Rule], Test]:
    """Hold all cases to a rule; takes what ``pytest.mark.parametrize`` takes.

    Args:
        names: of the arguments, as a tuple or with commas between them.
        cases: a value for one name, a tuple of values for several, or ``pytest.param``.
    """
    known = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)

    def over(rule: Rule) -> Test:
        tried = list(cases)
        assert tried, f"{rule.__name__}: no case"

        def every() -> None:
            broken: list[Exception] = []
            for case in tried:
                try:
                    rule(**dict(zip(known, _values(case, len(known)), strict=True)))
                except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001 -- every case is tried
                    error = failure if isinstance(failure, Exception) else AssertionError(str(failure))
                    error.add_note(f"case: {_shown(case)}")
                    broken.append(error)
            if broken:
                raise ExceptionGroup(f"{len(broken)} of {len(tried)} cases", broken)

        every.__name__, every.__qualname__ = rule.__name__, rule.__qualname__
        every.__doc__, every.__module__ = rule.__doc__, rule.__module__
        return every

    return over


def _values(case: Any, names: int) -> tuple[Any, ...]:
    if isinstance(case, ParameterSet):
        return tuple(case.values)
    return (case,) if names == 1 else tuple(case)


def _shown(case: Any) -> str:
    """Name a case: by its id, its own words, or its values."""
    return str(getattr(case, "id", None) or case)
