"""A clock on which only the waits of a rollout take time."""

import asyncio
from types import SimpleNamespace

import pytest

from components import rollout

_STEP = 0.1


class Clock:
    """Seconds since the update began. It moves only while every wait sleeps."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait; several waits share the time."""
        wake = self._now + seconds
        while self._now < wake:
            before = self._now
            await asyncio.sleep(0)
            if self._now == before:
                self._now = min(wake, before + _STEP)

    def installed(self, patch: pytest.MonkeyPatch) -> "Clock":
        """Put this clock in the place of the rollouts' own."""
        own = SimpleNamespace(to_thread=asyncio.to_thread, sleep=self.sleep, Lock=asyncio.Lock)
        patch.setattr(rollout, "asyncio", own)
        patch.setattr(rollout, "time", SimpleNamespace(monotonic=self))
        return self
