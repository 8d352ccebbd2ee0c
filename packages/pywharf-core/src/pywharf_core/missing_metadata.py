"""Core metadata of files that came without: dropped in by hand, or published by pywharf 0.2.

Read out of the archives in the background, after a synchronisation, and announced only when written down.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import replace

from pywharf_core.errors import FileChanged, FileNotFound, InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.model import AttachmentKind, DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.upload.archive import read_core_metadata

logger = logging.getLogger(__name__)

_BATCH = 100  # files completed in one transaction


def complete_metadata(repository: Repository, *, stop: Callable[[], bool] = lambda: False) -> int:
    """Read what is missing, file by file; asks the storage, may take long.

    :param stop: asked between files.
    :returns: how many files were completed.
    :raises StorageUnavailable: the rest stays for the next time.
    """
    done, last = 0, ""
    while True:
        with repository.index.reading() as snapshot:
            files = snapshot.incomplete(last, _BATCH)
        if not files:
            return done
        completed: list[tuple[DistributionFile, DistributionFile]] = []
        for file in files:
            if stop():
                break
            last = file.filename
            if (complete := _complete(repository, file)) is not None:
                completed.append((file, complete))
        with repository.index.changing() as change:
            for before, after in completed:
                if change.file(before.filename) == before:  # else it changed meanwhile, and comes again
                    change.put_file(after)
                    done += 1
        if stop():
            return done


def _complete(repository: Repository, file: DistributionFile) -> DistributionFile | None:
    storage = repository.view(None)
    try:
        with storage.open_file(file) as stream:
            found = read_core_metadata(stream, parse_filename(file.filename, file.project))
    except (FileNotFound, FileChanged):
        return None  # the next synchronisation knows better
    except InvalidUpload as error:
        logger.warning("metadata not readable", extra={"file": file.filename, "error": str(error)})
        announced, complete = None, replace(file, core_metadata={})
    else:
        announced = found.core_metadata_bytes
        complete = replace(
            file,
            core_metadata=found.core_metadata,
            requires_python=found.requires_python,
            core_metadata_sha256=None if announced is None else hashlib.sha256(announced).hexdigest(),
        )
    if not storage.can_update or storage.keeps_index:  # there each file would cost a request, and a commit
        return complete
    try:
        stored = storage.find_file(file)
        if stored is None or stored.counter != file.counter or stored.sha256 != file.sha256:
            return None  # yanked, deleted or replaced while it was read: the next time
        return storage.update_file(complete, {} if announced is None else {AttachmentKind.METADATA: announced})
    except FileNotFound:
        return None
