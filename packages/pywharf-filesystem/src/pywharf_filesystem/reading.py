"""One file of the store, with all that its sidecar, or else the file itself, tells."""

from __future__ import annotations

import logging
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from stat import S_ISREG

from packaging.utils import NormalizedName

from pywharf_core import DistributionFile, InvalidUpload, ParsedFilename, Refused, parse_filename
from pywharf_filesystem import sidecar as sidecars
from pywharf_filesystem import version_0_2
from pywharf_filesystem.fingerprint import fingerprint, is_settled, only_file_changed, sha256_of
from pywharf_filesystem.layout import SIDECAR_SUFFIX, sidecar_of
from pywharf_filesystem.sidecar import NewerSidecar, Sidecar

_LOG = logging.getLogger(__name__)

#: The sidecar is written just before its file gets its name; a file that changed later than this was touched by others.
_CHANGED_WITH_SIDECAR_NS = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Waiting:
    """Perhaps half copied; to be asked again later."""


WAITING = Waiting()


def read_file(
    folder: str,
    filename: str,
    project: NormalizedName,
    stat: os.stat_result,
    sidecar_stat: os.stat_result | None,
    *,
    known: str | None,
    settled_before_ns: int,
    deleted: Mapping[str, str],
) -> DistributionFile | Refused | Waiting:
    """What the file of ``project`` in ``folder`` is.

    :param known: the fingerprint that the file was last seen with.
    :param settled_before_ns: a file without a sidecar of ours that was written later is ``WAITING``.
    :param deleted: sha256 by filename of deleted files of the project.
    :raises FileNotFoundError: it was removed meanwhile.
    :raises OSError: the store cannot be read.
    """
    if not S_ISREG(stat.st_mode):
        return Refused(filename, f"{filename} is no plain file.")
    path = os.path.join(folder, filename)  # no Path: this runs 100,000 times in a rebuild
    content = None if sidecar_stat is None else _content(path + SIDECAR_SUFFIX)
    try:
        ours = None if content is None else sidecars.read(content)
    except NewerSidecar:
        return Refused(filename, f"{filename} was written down by a later version of pywharf; upgrade this one.")
    mark = fingerprint(stat, sidecar_stat)
    touched_alone = known is not None and only_file_changed(known, mark)
    if ours is not None and sidecar_stat is not None and not touched_alone and _speaks_for(ours, stat, sidecar_stat):
        file = _told(ours, filename, project, mark)
        if file is not None:
            return file
    if not is_settled(stat, known, settled_before_ns):
        return WAITING
    try:
        parsed = parse_filename(filename, project)
    except InvalidUpload as error:
        return Refused(filename, str(error))
    if parsed.project != project:
        return Refused(
            filename, f"{filename} lies in the folder of {project}; it should lie in the folder {parsed.project}."
        )
    try:
        with Path(path).open("rb") as stream:
            # A zip archive has its directory at its end, which a half copied one lacks.
            if not filename.endswith(".tar.gz") and not zipfile.is_zipfile(stream):
                return Refused(filename, f"{filename} is no complete zip archive; it may be half copied.")
            stream.seek(0)
            sha256 = sha256_of(stream)
            if os.fstat(stream.fileno()).st_mtime_ns != stat.st_mtime_ns:
                return WAITING
    except PermissionError:
        return Refused(filename, f"{filename} cannot be read; the server's user needs the right to.")
    if ours is not None and ours.sha256 == sha256:
        file = _told(ours, filename, project, mark)
        if file is not None:
            return file
    if ours is not None and ours.sha256 != sha256 and ours.is_of_upload:
        return Refused(
            filename,
            f"{filename} is not the file that was uploaded: it was damaged, or replaced by hand. Its SHA-256 is {sha256}, and "
            f"was {ours.sha256}. Put the right file back, or remove this one and {filename}{SIDECAR_SUFFIX}.",
        )
    if deleted.get(filename, sha256) != sha256:
        return Refused(filename, f"{filename} was deleted; it may come back with the same content only.")
    if content is not None and ours is None:
        return _old(parsed, stat, sha256, mark, content)
    return _dropped(parsed, stat, sha256, mark)


def read_sidecar(path: Path, sha256: str) -> Sidecar | None:
    """The sidecar of ours that speaks for the file at ``path`` if that has ``sha256``; None: there is none."""
    content = _content(str(sidecar_of(path)))
    try:
        ours = None if content is None else sidecars.read(content)
    except NewerSidecar:
        return None
    return ours if ours is not None and ours.sha256 == sha256 else None


def open_at_once(path: str, flags: int) -> int:
    """An ``opener`` that does not wait for somebody to write if ``path`` is a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb", buffering=0, opener=open_at_once) as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _speaks_for(ours: Sidecar, stat: os.stat_result, sidecar_stat: os.stat_result) -> bool:
    return (
        ours.size == stat.st_size
        and ours.mtime_ns == stat.st_mtime_ns
        and stat.st_ctime_ns <= sidecar_stat.st_ctime_ns + _CHANGED_WITH_SIDECAR_NS
    )


def _told(ours: Sidecar, filename: str, project: NormalizedName, mark: str) -> DistributionFile | None:
    try:
        file = ours.file(mark)
    except ValueError:
        _LOG.warning("a sidecar is damaged", extra={"file": filename})
        return None
    return file if file.filename == filename and file.project == project else None


def _dropped(parsed: ParsedFilename, stat: os.stat_result, sha256: str, mark: str) -> DistributionFile:
    return DistributionFile(
        filename=parsed.filename,
        project=parsed.project,
        version=str(parsed.version),
        packagetype=parsed.packagetype,
        size=stat.st_size,
        hashes={"sha256": sha256},
        upload_time=datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1_000_000, UTC),
        storage_id=sidecars.dropped_id(sha256),
        fingerprint=mark,
    )


def _old(parsed: ParsedFilename, stat: os.stat_result, sha256: str, mark: str, content: bytes) -> DistributionFile:
    file = _dropped(parsed, stat, sha256, mark)
    told = version_0_2.read(content)
    if told is None:
        _LOG.warning("a sidecar is neither ours nor of pywharf 0.2", extra={"file": parsed.filename})
        return file
    return replace(file, requires_python=told.requires_python, comment=told.comment)
