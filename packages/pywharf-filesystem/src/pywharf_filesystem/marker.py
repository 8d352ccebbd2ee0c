"""Is the store there? A folder without the marker that was once seen is a file system that is not mounted.

The marker ``.pywharf/store.toml`` holds a random id. The working folder under ROOT remembers the id by path in
``stores.toml``; so an empty mount point, or another disk in its place, is unavailable instead of an empty index.
"""

from __future__ import annotations

import contextlib
import logging
import os
import uuid
from pathlib import Path

from pywharf_core import StorageUnavailable, toml_text
from pywharf_filesystem.durable import locked, make_folders, replace_file, sync, write_new
from pywharf_filesystem.layout import Layout

_LOG = logging.getLogger(__name__)


class Marker:
    """Tells whether the store at ``layout`` is the one that this ROOT knows. Safe from many threads and processes."""

    def __init__(self, layout: Layout, work: Path) -> None:
        self._layout = layout
        self._memory = work / "stores.toml"
        self._expected: str | None = None

    def check(self) -> None:
        """Return if the store is there; a store that this ROOT never saw is adopted.

        :raises StorageUnavailable: it is not mounted, or is another one.
        :raises OSError: it cannot be read, or not be adopted.
        """
        found = self._read()
        if self._expected is None:
            self._expected = self._remembered()
        if found is None:
            if self._expected is not None:
                raise StorageUnavailable(
                    "The file-system store has lost its marker .pywharf/store.toml: is its file system mounted? "
                    "(To begin an empty store on purpose, remove this repository's stores.toml under ROOT/cache.)"
                )
            found = self._adopt()
        if self._expected is None:
            self._remember(found)
            self._expected = found
        elif found != self._expected:
            raise StorageUnavailable(
                "The file-system store is another one than before: is the right file system mounted? "
                "(If it was replaced on purpose, remove this repository's stores.toml under ROOT/cache.)"
            )

    def _read(self) -> str | None:
        try:
            text = self._layout.marker.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return str(toml_text.loads(text)["id"])
        except (ValueError, KeyError) as error:
            raise StorageUnavailable("The file-system store's marker .pywharf/store.toml is damaged.") from error

    def _adopt(self) -> str:
        layout = self._layout
        if layout.path.is_dir() and any(not entry.name.startswith(".") for entry in layout.path.iterdir()):
            _LOG.warning("a folder with content becomes a store", extra={"path": str(layout.path)})
        for folder in (layout.own, layout.projects, layout.locks, layout.staging):
            make_folders(folder)
        store_id = uuid.uuid4().hex
        unfinished = layout.own / f".{store_id}.tmp"
        write_new(unfinished, toml_text.dumps({"pywharf": 1, "id": store_id}).encode())
        with contextlib.suppress(FileExistsError):  # another process was first
            os.link(unfinished, layout.marker)
        unfinished.unlink()
        sync(layout.own)
        adopted = self._read()
        if adopted is None:
            raise StorageUnavailable("The file-system store vanished while it was opened.")
        return adopted

    def _remembered(self) -> str | None:
        return self._all_remembered().get(str(self._layout.path))

    def _all_remembered(self) -> dict[str, str]:
        try:
            document = toml_text.loads(self._memory.read_text(encoding="utf-8"))
            return {str(entry["path"]): str(entry["id"]) for entry in document["stores"]}
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError) as error:
            raise StorageUnavailable(
                "The repository's stores.toml under ROOT/cache is damaged; remove it if the store is mounted."
            ) from error

    def _remember(self, store_id: str) -> None:
        make_folders(self._memory.parent)
        with locked(self._memory.with_suffix(".lock")):
            stores = {**self._all_remembered(), str(self._layout.path): store_id}
            entries = [{"path": path, "id": known} for path, known in stores.items()]
            replace_file(self._memory, toml_text.dumps({"stores": entries}).encode())
            sync(self._memory.parent)
