"""The remote index on the branch.

::

    index.toml               the part "index"; its name is configured
    index/<part>.toml        its other parts, named by one or two hexadecimal digits
    index.projects.toml      see `project_states`
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pywharf_core import IndexConflict, StorageUnavailable, StoredIndex
from pywharf_github.branch import Branch, Head, blob_hash

MAIN_PART = "index"
SUFFIX = ".toml"

_MAX_PUT = 20 * 1024**2  # bytes that GitHub takes for one file in one request
_TRIES = 5  # at a write that somebody else's commit to the branch came before
_PART = re.compile(r"[0-9a-f]{1,2}\.toml\Z")  # whatever else lies in the folder is somebody's own


class RemoteIndex:
    """:param branch: that watches ``watched(index_filename)``."""

    def __init__(self, branch: Branch, index_filename: str) -> None:
        self._branch = branch
        self._main, self._folder = watched(index_filename)

    def read(self, known: Mapping[str, str]) -> StoredIndex | None:
        """As ``Storage.read_index``: one request, free of the rate limit, while nothing changed."""
        revisions = self._revisions(self._branch.head())
        if not revisions:
            return None
        changed = [part for part, revision in revisions.items() if known.get(part) != revision]
        return StoredIndex(parts={part: self._branch.blob(revisions[part]) for part in changed}, revisions=revisions)

    def write(self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str) -> Mapping[str, str]:
        """As ``Storage.write_index``: one file in one request, several in one commit."""
        if len(parts) == 1 and set(replaces) <= set(parts):
            (part, content), *_ = parts.items()
            if len(content) <= _MAX_PUT:
                self._replace_one(part, content, replaces, message)
                return {part: blob_hash(content)}
        head = self._branch.head()
        for _ in range(_TRIES):
            if head is None:
                raise self._branch.missing()
            if self._revisions(head) != dict(replaces):
                raise _conflict()
            if self._branch.commit(head, {self._path(part): content for part, content in parts.items()}, message):
                return {**replaces, **{part: blob_hash(content) for part, content in parts.items()}}
            head = self._branch.head(again=True)
        raise _busy()

    def _replace_one(self, part: str, content: bytes, replaces: Mapping[str, str], message: str) -> None:
        for _ in range(_TRIES):
            if self._branch.put(self._path(part), content, replaces.get(part), message):
                return
            # Perhaps only another file of the branch was written at the same time.
            if self._revisions(self._branch.head(again=True)) != dict(replaces):
                raise _conflict()
        raise _busy()

    def _revisions(self, head: Head | None) -> dict[str, str]:
        if head is None:
            return {}
        return {part: sha for path, sha in head.files.items() if (part := self._part(path)) is not None}

    def _path(self, part: str) -> str:
        return self._main if part == MAIN_PART else f"{self._folder}{part}{SUFFIX}"

    def _part(self, path: str) -> str | None:
        if path == self._main:
            return MAIN_PART
        folder, slash, name = path.rpartition("/")
        is_part = folder + slash == self._folder and _PART.match(name) is not None
        return name.removesuffix(SUFFIX) if is_part else None


def watched(index_filename: str) -> Sequence[str]:
    """Where the parts lie: the main part, and the folder of the others."""
    return index_filename, f"{index_filename.removesuffix(SUFFIX)}/"


def _conflict() -> IndexConflict:
    return IndexConflict("The index was changed by somebody else meanwhile.")


def _busy() -> StorageUnavailable:
    return StorageUnavailable("Others write to the branch all the time; try again.", retry_after=1)
