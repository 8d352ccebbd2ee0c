"""Opening a listed file for work that goes through all of them, while others publish, yank and delete."""

from __future__ import annotations

import time
from typing import BinaryIO

from pywharf_core.errors import FileChanged, FileNotFound
from pywharf_core.model import DistributionFile
from pywharf_core.repository import Repository

_SETTLES_WITHIN = 2.0  # seconds in which a deletion is in the index, after the storage made it
_LOOK_EVERY = 0.2  # seconds


class FileLost(Exception):
    """The storage does not have the file that is listed; the message is a sentence."""


class FileReplaced(Exception):
    """The storage has other content under the name of the file that is listed; the message is a sentence."""


class FileUnlisted(Exception):
    """The file was deleted since it was listed: there is nothing to read, and nothing wrong."""


def open_listed(repository: Repository, file: DistributionFile) -> tuple[BinaryIO, DistributionFile]:
    """The file's bytes, from the start, as the server itself reads them; and the file as the storage has it now.

    :raises FileLost: it is listed, and is not there.
    :raises FileReplaced: there is other content.
    :raises FileUnlisted: it is not listed any more.
    :raises StorageUnavailable: worth another try.
    """
    storage = repository.view(None)
    try:
        return storage.open_file(file), file
    except (FileNotFound, FileChanged):
        found = storage.find_file(file)
    if found is None:
        if _stays_listed(repository, file):
            raise FileLost(f"{file.filename} is listed, but the storage no longer has it.")
        raise FileUnlisted
    if found.sha256 != file.sha256:
        raise FileReplaced(f"{file.filename} has other content in the storage than the one that is listed.")
    try:
        return storage.open_file(found), found  # it was yanked, or touched, since it was listed
    except FileNotFound as error:
        raise FileLost(f"{file.filename} is listed, but the storage does not give it.") from error
    except FileChanged as error:
        raise FileReplaced(str(error)) from error


def _stays_listed(repository: Repository, file: DistributionFile) -> bool:
    deadline = time.monotonic() + _SETTLES_WITHIN
    while True:
        with repository.index.reading() as snapshot:
            listed = snapshot.file(file.filename)
        if listed is None or listed.sha256 != file.sha256:
            return False
        if time.monotonic() > deadline:
            return True
        time.sleep(_LOOK_EVERY)
