"""Pages that many ask for at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from core.two_servers import Uploads, repository_on
from pywharf.page_cache import CachedPage, PageCache, PageSource
from pywharf.threads import StorageThreads
from pywharf_core.errors import ProjectNotFound
from pywharf_core.repository import Repository
from pywharf_core.testing import MemoryStorage, MemoryStore

PATIENCE = 20.0  # seconds
MEDIA_TYPE = "text/html"


class Renderer:
    """Renders when it is told to, and counts."""

    def __init__(self, repository: Repository) -> None:
        self.renderings = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.failure: Exception | None = None
        self.source = PageSource("holygrail", repository.listing_revision, self._render)
        self._repository = repository

    def _render(self) -> tuple[str, int]:
        self.renderings += 1
        number, revision = self.renderings, self._repository.listing_revision()
        self.begun.set()
        assert self.go_on.wait(PATIENCE)
        if self.failure is not None:
            raise self.failure
        return f"rendering {number}", revision

    async def begins(self) -> None:
        await asyncio.to_thread(self.begun.wait, PATIENCE)
        self.begun.clear()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    opened = repository_on(MemoryStorage(MemoryStore()), tmp_path / "root")
    opened.synchronise()
    yield opened
    opened.close()


@pytest.fixture
def renderer(repository: Repository) -> Renderer:
    return Renderer(repository)


class Desk:
    """Where pages are asked for."""

    def __init__(self, repository: Repository, renderer: Renderer) -> None:
        self._cache = PageCache()
        self._threads = StorageThreads(4)
        self._repository = repository
        self._source = renderer.source

    def asks(self) -> asyncio.Task[CachedPage]:
        return asyncio.create_task(self._cache.page(self._threads, self._repository, self._source, MEDIA_TYPE))


def test_a_page_is_made_once_for_all_who_ask_meanwhile(repository: Repository, renderer: Renderer) -> None:
    async def main() -> set[bytes]:
        desk = Desk(repository, renderer)
        askers = [desk.asks() for _ in range(50)]
        await renderer.begins()
        askers += [desk.asks() for _ in range(50)]
        renderer.go_on.set()
        return {(await asker).plain.body for asker in askers}

    assert anyio.run(main) == {b"rendering 1"}
    assert renderer.renderings == 1


def test_who_comes_after_a_change_gets_no_page_that_was_begun_before_it(
    repository: Repository, renderer: Renderer, uploads: Uploads
) -> None:
    async def main() -> list[bytes]:
        desk = Desk(repository, renderer)
        early = desk.asks()
        await renderer.begins()
        uploads.publish(repository)
        late = desk.asks()
        await renderer.begins()
        renderer.go_on.set()
        return [(await asker).plain.body for asker in (early, late, desk.asks())]

    assert anyio.run(main) == [b"rendering 1", b"rendering 2", b"rendering 2"]


def test_an_asker_who_goes_away_takes_nobodys_page_along(repository: Repository, renderer: Renderer) -> None:
    async def main() -> bytes:
        desk = Desk(repository, renderer)
        first, second = desk.asks(), desk.asks()
        await renderer.begins()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        renderer.go_on.set()
        return (await second).plain.body

    assert anyio.run(main) == b"rendering 1"


def test_a_failure_is_told_to_all_who_wait_and_the_next_one_tries_again(
    repository: Repository, renderer: Renderer
) -> None:
    async def main() -> bytes:
        desk = Desk(repository, renderer)
        askers = [desk.asks() for _ in range(5)]
        renderer.failure = ProjectNotFound("holygrail is not here.")
        renderer.go_on.set()
        for asker in askers:
            with pytest.raises(ProjectNotFound):
                await asker
        renderer.failure = None
        return (await desk.asks()).plain.body

    assert anyio.run(main) == b"rendering 2"
