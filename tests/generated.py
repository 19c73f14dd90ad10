"""Runs the real program on systems that no file describes."""

from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import catalog
from tests.recording import Recorded, run_main
from tests.samples import Config

T = TypeVar("T")
System = tuple[Config, Config]
"""A stack and its entry."""


def run_generated(system: System) -> Recorded:
    """Run ``__main__.py`` on a stack whose entry is given, and not read from the catalogue."""
    stack, entry = system

    def reading(_name: str) -> object:
        return entry

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "read", reading)
        return run_main(stack)


def repeatable(count: int) -> settings:
    """Run a test on so many examples, the same ones each time; shrinking one that fails would take minutes."""
    return settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """Draw so many values, the same ones each time."""
    found: list[T] = []

    @repeatable(count)
    @given(strategy)
    def keep(value: T) -> None:
        found.append(value)

    keep()
    return found
