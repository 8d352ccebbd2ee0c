"""A repository on each kind of storage, with what an export must not lose."""

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
    return FileSystemStorage(tmp_path / "store", tmp_path / "work")


@pytest.fixture
def repository(storage: Storage, tmp_path: Path) -> Iterator[Repository]:
    """Empty, and synchronised."""
    with closing(repository_on(storage, tmp_path / "root")) as opened:
        opened.synchronise()
        yield opened


@pytest.fixture
def full(repository: Repository, uploads: Uploads, tmp_path: Path) -> Repository:
    """Two files of ``holygrail``, one of them yanked and with provenance; a deleted one; a quarantined project."""
    grail = normalise("holygrail")
    wheel, staged = make_upload(
        tmp_path / "made", provenance=b'{"version": 1}', comment="as found", requires_python=">=3.8"
    )
    changes.publish(repository, wheel, staged)
    changes.yank(repository, grail, "1.0", "Loses data")
    uploads.publish(repository, "holygrail", "2.0", sdist=True)
    uploads.publish(repository, "holygrail", "3.0")
    changes.delete(repository, grail, version="3.0")
    changes.set_status(repository, grail, ProjectStatus.DEPRECATED, "See grail")
    uploads.publish(repository, "suspect", "1.0")
    changes.set_status(repository, normalise("suspect"), ProjectStatus.QUARANTINED)
    uploads.publish(repository, "gone", "1.0")
    changes.delete(repository, normalise("gone"), version="1.0")
    return repository
