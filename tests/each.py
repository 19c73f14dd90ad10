"""Tests many cases of one rule in one test, which tries all cases and names each one that breaks the rule.

``pytest.mark.parametrize`` creates one test per case. With thousands of cases, the tests cost more time than the rules.
"""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet

Rule = Callable[..., None]
Test = Callable[[], None]


def each(names: str | tuple[str, ...], cases: Iterable[Any]) -> Callable[[Rule], Test]:
    """Return a decorator that turns a rule into one test of all cases.

    Args:
        names: Names of the rule's arguments, as a tuple or separated by commas.
        cases: For each case one value, a tuple with a value per name, or a ``pytest.param``. At least one case.
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
    """Return the case's id if it has one, otherwise the case as text."""
    return str(getattr(case, "id", None) or case)
