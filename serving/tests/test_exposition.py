"""The text of the metrics is current for every client, but rendered at most ten times a second."""

import asyncio
import threading
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics_core import Metric

from serving.telemetry.exposition import Exposition


class Watched(CollectorRegistry):
    """A registry that notes the thread of each rendering."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []

    def collect(self) -> Iterator[Metric]:
        self.threads.append(threading.current_thread().name)
        return iter(list(super().collect()))


def test_many_at_once_share_a_text_that_is_rendered_in_another_thread() -> None:
    registry = Watched()
    exposition = Exposition(registry)

    async def test() -> None:
        texts = await asyncio.gather(*(exposition.text() for _ in range(50)))
        assert len(set(texts)) == 1

    asyncio.run(test())
    assert len(registry.threads) == 1
    assert registry.threads[0].startswith("metrics")


def test_a_text_shows_what_was_counted_before_it_was_asked_for_and_a_client_that_leaves_takes_it_from_nobody() -> None:
    registry = Watched()
    seen = Counter("seen", "Seen.", registry=registry)
    exposition = Exposition(registry)

    async def test() -> None:
        for count in range(1, 4):
            leaves = asyncio.create_task(exposition.text())
            seen.inc()
            stays = asyncio.create_task(exposition.text())
            await asyncio.sleep(0)
            leaves.cancel()
            assert f"seen_total {count}.0" in (await stays).decode()

    asyncio.run(test())


def test_a_flood_is_rendered_ten_times_a_second() -> None:
    registry = Watched()
    exposition = Exposition(registry)

    async def test() -> None:
        async with asyncio.timeout(10):
            began = asyncio.get_running_loop().time()
            for _ in range(4):
                await exposition.text()
            assert asyncio.get_running_loop().time() - began > 0.25

    asyncio.run(test())
