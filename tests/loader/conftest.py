"""A web server with one model, and retries without pauses."""

from collections.abc import Generator
from pathlib import Path

import pytest

from loader import transfer, web
from tests.loader.models import publish
from tests.loader.servers import Seen, Watched, serving


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts without a wait."""
    monkeypatch.setattr(web, "PAUSES_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(transfer, "PAUSES_SECONDS", (0.0, 0.0))


@pytest.fixture
def served(tmp_path: Path) -> Generator[tuple[str, Seen, Path]]:
    """The URI of a model's folder, what its server saw, and the folder."""
    folder = publish(tmp_path / "published" / "tiny")
    with serving(Watched, tmp_path / "published") as (url, seen):
        yield f"{url}/tiny/", seen, folder
