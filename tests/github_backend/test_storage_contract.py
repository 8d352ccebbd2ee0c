"""The GitHub storage keeps the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from github_backend.dying_store import DyingStore
from github_fake import FakeGitHub
from pywharf_core.testing import CrashingStore, StorageContract
from pywharf_github.storage import GitHubStorage


class TestGitHubStorage(StorageContract):
    has_index: ClassVar[bool] = True

    @pytest.fixture
    def storage(self, storage: GitHubStorage) -> GitHubStorage:
        return storage

    @pytest.fixture
    def reopen(self, reopen: Callable[[], GitHubStorage]) -> Callable[[], GitHubStorage]:
        return reopen

    @pytest.fixture
    def unavailable(self, fake: FakeGitHub) -> Callable[[], AbstractContextManager[object]]:
        @contextmanager
        def down() -> Iterator[None]:
            fake.faults.next("*", status=503, times=0)
            yield
            fake.faults.clear()

        return down

    @pytest.fixture
    def crashing(self, fake: FakeGitHub, tmp_path: Path) -> Iterator[Callable[[], CrashingStore]]:
        with ExitStack() as stack:
            yield lambda: DyingStore(fake, tmp_path / "dying", stack)
