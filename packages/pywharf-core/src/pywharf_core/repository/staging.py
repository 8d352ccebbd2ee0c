"""Where a repository's uploads lie until they are published, and what died on the way."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

from pywharf_core.errors import WharfError
from pywharf_core.index.local import LocalIndex
from pywharf_core.repository.view import RepositoryView
from pywharf_core.upload.staging import StagingArea, StagingFile

logger = logging.getLogger(__name__)

_SWEEP_EVERY = 86400.0  # seconds: looking for what died may be as dear as a scan


class RepositoryStaging(RepositoryView):
    """Makes files on local disk, and sweeps up after those that died."""

    index: LocalIndex
    _staging_folder: Path

    def new_staging_file(self) -> StagingFile:
        """A file to spool an upload into, where the storage can take it without a copy if it has such a place.

        :raises StorageUnavailable: the disk does not take it.
        """
        folder = self.storage.staging_folder() or self._staging_folder
        return StagingArea(folder).create(self.configuration.max_file_bytes)

    def scratch_file(self) -> BinaryIO:
        """A file without a name, on the disk of ROOT, gone when it is closed.

        :raises OSError: the disk does not take it.
        """
        self._staging_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cast(BinaryIO, tempfile.TemporaryFile(dir=self._staging_folder))

    def unfinished_uploads(self) -> Sequence[Path]:
        """What uploads left on disk whose process died. Asks the storage."""
        return [path for area in self._staging_areas() for path in area.dead()]

    def sweep(self, *, now: bool = False) -> int:
        """Remove what uploads left on disk whose process died, and once a day what else died in the storage; how many
        these were. Asks the storage.

        :param now: all of it, whenever that was done last.
        """
        swept = sum(area.sweep() for area in self._staging_areas())
        moment = time.time()
        with self.index.reading() as snapshot:
            last = snapshot.swept_at()
        if not now and last is not None and moment - _SWEEP_EVERY < last <= moment:
            return swept
        try:
            swept += self.view(None).sweep()
        except WharfError as error:  # it is no reason to do without what else there is to do
            logger.warning("storage not swept", extra={"repository": self.name, "error": str(error)})
        with self.index.changing() as change:
            change.mark_swept(moment)
        return swept

    def _staging_areas(self) -> Sequence[StagingArea]:
        folders = {self._staging_folder, self.storage.staging_folder() or self._staging_folder}
        return [StagingArea(folder) for folder in folders]
