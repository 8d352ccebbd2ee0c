"""Stores that pywharf 0.2 wrote."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import toml

from filesystem.stores import LONG_AGO, drop, listed, refused
from pywharf_core import AttachmentKind
from pywharf_core.testing import make_sdist, make_wheel
from pywharf_filesystem.storage import FileSystemStorage

_FORM = {
    "name": "holy.grail",
    "version": "1.0",
    "filetype": "bdist_wheel",
    "pyversion": "py3",
    "metadata_version": "2.1",
    "summary": "The 'holy' \"grail\"",
    "home_page": "UNKNOWN",
    "classifiers": "Topic :: Games",
    "requires_dist": ["spam>1", "eggs"],
    "requires_python": ">=3.6",
    "description": "long",
    "md5_digest": "0",
    "distrib": "holy-grail",
    "sha256": "deadbeef",
}


@pytest.fixture
def old_store(store: Path, made: Path) -> Path:
    """Two files as 0.2 laid them down: one with its index entry, one whose entry is missing."""
    refs = []
    for path in (
        drop(make_wheel(made, "holy-grail", "1.0"), store / "holy-grail"),
        drop(make_sdist(made, "holy-grail", "1.0"), store / "Holy.Grail"),
    ):
        (path.parent / f"{path.name}.meta").write_text(toml.dumps(_FORM))
        refs.append(
            {
                "type": "file_system",
                "distrib": "holy-grail",
                "package": path.name.removesuffix(".whl").removesuffix(".tar.gz"),
                "ext": "whl" if path.suffix == ".whl" else "tar.gz",
                "sha256": "deadbeef",
                "package_path": str(path),
                "meta": _FORM,
            }
        )
    (store / "index.toml").write_text(toml.dumps({"mtime": LONG_AGO, "pkgs": refs[:1]}))
    return store


def test_a_store_of_0_2_is_served_as_it_is(storage: FileSystemStorage, old_store: Path) -> None:
    files = listed(storage)
    assert set(files) == {"holy_grail-1.0-py3-none-any.whl", "holy_grail-1.0.tar.gz"}
    assert not refused(storage)
    for file in files.values():
        with storage.open_file(file) as stream:
            assert hashlib.sha256(stream.read()).hexdigest() == file.sha256  # not the client's `deadbeef`
        assert file.project == "holy-grail"
        assert file.upload_time == datetime.fromtimestamp(LONG_AGO, UTC)
        assert file.requires_python == ">=3.6"
        assert file.core_metadata is None  # core reads it from the archive
        assert storage.read_attachment(file, AttachmentKind.METADATA).startswith(b"Metadata-Version")


def test_what_is_found_out_about_a_file_of_0_2_takes_the_place_of_its_old_sidecar(
    storage: FileSystemStorage, old_store: Path, work: Path
) -> None:
    file = listed(storage)["holy_grail-1.0.tar.gz"]
    metadata = storage.read_attachment(file, AttachmentKind.METADATA)
    digest = hashlib.sha256(metadata).hexdigest()
    updated = storage.update_file(
        replace(file, core_metadata={"name": "holy-grail"}, core_metadata_sha256=digest),
        {AttachmentKind.METADATA: metadata},
    )
    again = FileSystemStorage(old_store, work)
    assert listed(again)[file.filename] == updated
    assert again.read_attachment(updated, AttachmentKind.METADATA) == metadata


@pytest.mark.parametrize("content", [b"\x00", b"x = '''", b"", b"name = 3\n", b"[name]\n"])
def test_a_sidecar_that_cannot_be_read_costs_its_fields_only(
    storage: FileSystemStorage, old_store: Path, content: bytes
) -> None:
    (old_store / "holy-grail" / "holy_grail-1.0-py3-none-any.whl.meta").write_bytes(content)
    file = listed(storage)["holy_grail-1.0-py3-none-any.whl"]
    assert file.core_metadata is None
