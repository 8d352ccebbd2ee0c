"""What each operation asks of GitHub, and what it leaves in memory and logs."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType, FunctionType, ModuleType

import pytest

from github_backend.opened import Opened
from github_fake import FakeGitHub, Token
from pywharf_core import (
    AttachmentKind,
    DistributionFile,
    ProjectState,
    RedirectTo,
    Secret,
    StorageUnavailable,
    normalise,
)
from pywharf_core.testing import make_upload
from pywharf_github.connection import Connection
from pywharf_github.storage import GitHubStorage


@dataclass(frozen=True)
class Given:
    """:ivar storage: of a server that has asked nothing yet.
    :ivar file: that is published there.
    """

    storage: GitHubStorage
    file: DistributionFile
    folder: Path


Operation = Callable[[Given], object]

BUDGET: dict[str, tuple[int, Operation]] = {
    "access": (1, lambda it: it.storage.access()),
    "access, again": (1, lambda it: (it.storage.access(), it.storage.access())),
    "add_file": (3, lambda it: it.storage.add_file(*make_upload(it.folder, version="2.0"))),
    "find_file": (1, lambda it: it.storage.find_file(it.file)),
    "find_file by name": (1, lambda it: it.storage.find_file(replace(it.file, storage_id=""))),
    "locate_file": (1, lambda it: it.storage.locate_file(it.file)),
    "open_file": (1, lambda it: it.storage.open_file(it.file).read()),
    "read_attachment": (1, lambda it: it.storage.read_attachment(it.file, AttachmentKind.METADATA)),
    "update_file": (2, lambda it: it.storage.update_file(replace(it.file, yanked=""))),
    "delete_file": (3, lambda it: it.storage.delete_file(it.file)),
    "update_project": (3, lambda it: it.storage.update_project(ProjectState(name=normalise("a")))),
    "scan": (4, lambda it: list(it.storage.scan({}))),
    "read_index, none there": (3, lambda it: it.storage.read_index({})),
    "write_index, one part": (
        1,
        lambda it: it.storage.write_index({"index": b""}, replaces={}, message="x"),
    ),
}


@pytest.mark.parametrize(("budget", "operation"), BUDGET.values(), ids=list(BUDGET))
def test_an_operation_keeps_within_its_budget(
    fake: FakeGitHub, opened: Opened, storage: GitHubStorage, writer: Token, tmp_path: Path, budget: int,
    operation: Operation,
) -> None:  # fmt: skip
    added = storage.add_file(*make_upload(tmp_path))
    fresh = opened.storage(writer)
    with fake.calls.during() as calls:
        operation(Given(fresh, added, tmp_path))
    assert calls.charged <= budget


def life_of_a_file(storage: GitHubStorage, folder: Path) -> None:
    file, staged = make_upload(folder, description="x" * 150_000)
    added = storage.add_file(file, staged)
    storage.access()
    storage.locate_file(added)
    with storage.open_file(added) as stream:
        stream.read()
    storage.read_attachment(added, AttachmentKind.METADATA)
    storage.write_index({"index": b"a = 1\n"}, replaces={}, message="x")
    storage.read_index({})
    storage.delete_file(storage.update_file(added))


def test_no_token_is_logged_even_when_everything_is(
    fake: FakeGitHub, storage: GitHubStorage, writer: Token, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    life_of_a_file(storage, tmp_path)
    fake.faults.next("*", status=502, times=0)
    with pytest.raises(StorageUnavailable):
        storage.access()
    fake.faults.clear()
    assert "/repos/acme/packages" in caplog.text
    assert writer.value not in caplog.text


def test_no_signed_address_is_logged_even_when_everything_is(
    fake: FakeGitHub, storage: GitHubStorage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    added = storage.add_file(*make_upload(tmp_path))
    location = storage.locate_file(added)
    assert isinstance(location, RedirectTo)
    signed = location.url.partition("?")[2]
    for fault in ({"status": 500}, {"cut_answer_at": 3}, {"lose_answer": True}):
        fake.faults.next("GET storage", **fault)
        with storage.open_file(added) as stream, suppress(StorageUnavailable):
            stream.read()
    assert "GET /api/storage/" in caplog.text
    for part in (signed, signed[-20:], "sig="):
        assert part not in caplog.text


def test_no_token_stays_in_memory_with_the_storage(
    fake: FakeGitHub, opened: Opened, writer: Token, tmp_path: Path
) -> None:
    root = opened.storage(None)
    life_of_a_file(root.acting_as(Secret(writer.value)), tmp_path)
    texts = {text for it in reachable(root) if isinstance(text := it, str)}
    assert any("application/vnd.github" in text for text in texts), "the connections are looked into"
    assert not [text for text in texts if writer.value in text]


def reachable(start: object) -> Iterator[object]:
    """Whatever ``start`` holds on to, but for code."""
    seen, waiting = set(), [start, *(it for it in gc.get_objects() if isinstance(it, Connection))]
    while waiting:
        it = waiting.pop()
        if id(it) in seen or isinstance(it, ModuleType | type | FunctionType | FrameType):
            continue
        seen.add(id(it))
        yield it
        waiting.extend(gc.get_referents(it))
