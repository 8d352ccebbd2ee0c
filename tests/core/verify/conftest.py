"""A repository on each kind of storage, all of it as it should be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.two_servers import Uploads, repository_on
from pywharf_core import changes
from pywharf_core.filenames import normalise
from pywharf_core.model import ProjectStatus
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.testing import IndexedMemoryStorage, MemoryStorage, make_upload
from pywharf_filesystem.storage import FileSystemStorage


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


@pytest.fixture(params=["memory", "indexed memory", "file system"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    match request.param:
        case "memory":
            return MemoryStorage()
        case "indexed memory":
            return IndexedMemoryStorage()
    return FileSystemStorage(tmp_path / "store", tmp_path / "work", settled_after_ns=0)


@pytest.fixture
def repository(storage: Storage, uploads: Uploads, tmp_path: Path) -> Iterator[Repository]:
    """``holygrail`` 1.0 (a wheel, yanked, with provenance) and 2.0 (an sdist); a deleted file; statuses."""
    with closing(repository_on(storage, tmp_path / "root")) as opened:
        opened.synchronise()
        grail = normalise("holygrail")
        changes.publish(opened, *make_upload(tmp_path / "made", provenance=b'{"version": 1}', requires_python=">=3.8"))
        changes.yank(opened, grail, "1.0", "Loses data")
        uploads.publish(opened, "holygrail", "2.0", sdist=True)
        uploads.publish(opened, "holygrail", "3.0")
        changes.delete(opened, grail, version="3.0")
        changes.set_status(opened, grail, ProjectStatus.DEPRECATED, "See grail")
        uploads.publish(opened, "gone", "1.0")
        changes.delete(opened, normalise("gone"), version="1.0")
        opened.synchronise()
        yield opened
