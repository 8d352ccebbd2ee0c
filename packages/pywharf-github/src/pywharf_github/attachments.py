"""Small documents of files: from the cache, else out of their releases, else out of the archives themselves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from pywharf_core import AttachmentKind, DistributionFile, FileChanged
from pywharf_github.disk_cache import DiskCache
from pywharf_github.finding import Finder
from pywharf_github.serving import Serving

OutOfArchive = Callable[[DistributionFile, AttachmentKind], bytes]


class Attachments:
    """As one caller reads them.

    :param cache: shared by all callers.
    :param out_of_archive: as ``Storage.read_attachment`` does it.
    """

    def __init__(self, finder: Finder, serving: Serving, cache: DiskCache, out_of_archive: OutOfArchive) -> None:
        self._finder = finder
        self._serving = serving
        self._cache = cache
        self._out_of_archive = out_of_archive

    def at_hand(self, file: DistributionFile, kind: AttachmentKind) -> bytes | None:
        """As ``Storage.attachment_at_hand``."""
        sha256 = _hash_of(file, kind)
        return None if sha256 is None else self._cache.known(sha256)

    def read(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        """As ``Storage.read_attachment``."""
        sha256 = _hash_of(file, kind)
        if sha256 is None:
            return self._from_release(file, kind)
        content = self._cache.read(sha256, lambda: self._from_release(file, kind))
        if hashlib.sha256(content).hexdigest() == sha256:
            return content
        if kind is AttachmentKind.METADATA:  # the release was edited by hand; the archive still has what was published
            content = self._out_of_archive(file, kind)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise FileChanged(f"The {kind} of {file.filename} on GitHub is not the one that is listed.")
        return content

    def keep(self, file: DistributionFile, published: Mapping[AttachmentKind, bytes]) -> None:
        """What was published just now need not be asked for: pip wants a file's metadata before the file."""
        for kind, content in published.items():
            if (sha256 := _hash_of(file, kind)) is not None:
                self._cache.put(sha256, content)

    def _from_release(self, file: DistributionFile, kind: AttachmentKind) -> bytes:
        found = self._finder.current(file)
        content = self._serving.attachment(found, kind)
        if content is None:
            return self._out_of_archive(replace(file, fingerprint=found.file.fingerprint), kind)
        return content


def _hash_of(file: DistributionFile, kind: AttachmentKind) -> str | None:
    return file.core_metadata_sha256 if kind is AttachmentKind.METADATA else file.provenance_sha256
