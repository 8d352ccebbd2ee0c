"""What all of these tests need: what they publish, and how they look at what a storage answers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core.errors import (
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    IndexConflict,
    NotAuthenticated,
    NotPermitted,
    NotSupported,
    StorageUnavailable,
)
from pywharf_core.model import DistributionFile, ProjectState
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Deleted, Refused, Unchanged
from pywharf_core.testing.uploads import make_upload

#: What a storage may raise; everything else is a bug.
ALLOWED_ERRORS = (
    FileAlreadyExists,
    FileNotFound,
    FileChanged,
    IndexConflict,
    NotPermitted,
    NotAuthenticated,
    NotSupported,
    StorageUnavailable,
)

#: Text that has broken somebody's quoting somewhere.
HOSTILE = "a \"b\" 'c' '''d''' \"\"\"e\"\"\" \\n \\u0041 \n\r\n\t\x00\x1b\x7f\x85\u2028 é 漢 🛳 # = [x] --- %s {0} \\"


def publish(
    storage: Storage, folder: Path, project: str = "holygrail", version: str = "1.0", **fields: object
) -> DistributionFile:
    return storage.add_file(*make_upload(folder, project, version, **fields))  # type: ignore[arg-type]  # each has its own type


def files_of(results: Iterable[object]) -> dict[str, DistributionFile]:
    """What a scan tells in full, by filename."""
    found = [result for result in results if isinstance(result, DistributionFile)]
    files = {file.filename: file for file in found}
    assert len(files) == len(found), "a filename was listed twice"
    return files


def listed_by(storage: Storage) -> Mapping[str, DistributionFile]:
    results = list(storage.scan({}))
    assert not [result for result in results if isinstance(result, Refused | Unchanged)]
    return files_of(results)


def states_of(storage: Storage) -> Mapping[NormalizedName, ProjectState]:
    return {result.name: result for result in storage.scan({}) if isinstance(result, ProjectState)}


def unwelcome(results: Iterable[object]) -> list[object]:
    """What a scan never tells of a store in which nothing was deleted and of which nothing is known."""
    return [result for result in results if isinstance(result, Refused | Unchanged | Deleted)]


def sha256_of(storage: Storage, file: DistributionFile) -> str:
    with storage.open_file(file) as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def without_place(file: DistributionFile) -> DistributionFile:
    return replace(file, storage_id="", fingerprint="")
