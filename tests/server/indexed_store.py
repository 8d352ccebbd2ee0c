"""The application on a store in memory that keeps a remote index, and the same store as another server sees it."""

from __future__ import annotations

import dataclasses
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from httpx2 import Response

from pywharf_core.index.content import MAIN, Content
from pywharf_core.index.document import decode_main, encode_main
from pywharf_core.model import DistributionFile
from pywharf_core.plugins import load_plugins
from pywharf_core.secret import Secret
from pywharf_core.storage import StorageType
from pywharf_core.storage_answers import Change
from pywharf_core.testing import (
    IndexedMemoryStorage,
    IndexedMemoryStorageType,
    MemoryStorageType,
    MemoryStore,
    make_upload,
    signed_notice,
)
from server.in_process import Application, application

HOOK = Secret("signs notices")


class Store:
    """:ivar name: of the store, for ``application``."""

    def __init__(self) -> None:
        self.name = uuid.uuid4().hex
        self.memory = MemoryStorageType.stores[self.name] = MemoryStore()
        self.elsewhere = IndexedMemoryStorage(self.memory)

    def publish_elsewhere(self, folder: Path, version: str = "1.0") -> DistributionFile:
        return self.elsewhere.add_file(*make_upload(folder, version=version))

    def begin_index(self) -> None:
        """As the service does that runs `update_index`."""
        self.elsewhere.write_index({MAIN: encode_main(Content(), mtime=1)}, replaces={}, message="Begin")

    def remote(self) -> Content:
        if not self.memory.index:
            return Content()
        return decode_main(self.memory.index[MAIN][0]) or Content()

    def remote_names(self) -> set[str]:
        return {file.filename for file in self.remote().files.values()}


@contextmanager
def new_store() -> Iterator[Store]:
    store = Store()
    yield store
    del MemoryStorageType.stores[store.name]


@contextmanager
def served(
    store: Store, root: Path, lines: Sequence[str] = (), *, configured: bool = False, ready: bool = True
) -> Iterator[Application]:
    """:param lines: of the repository's table.
    :param configured: ROOT is, by another process of it.
    """
    plugins = load_plugins()
    types: dict[str, type[StorageType]] = {
        **plugins.storage_types,
        IndexedMemoryStorageType.name: IndexedMemoryStorageType,
    }
    config = "\n".join(
        [
            *("[local]", 'type = "indexed_memory"', f'store = "{store.name}"'),
            *('read_secret = "reads"', 'write_secret = "writes"', f'webhook_secret = "{HOOK.reveal()}"', *lines),
        ]
    )
    with application(
        root,
        None if configured else config,
        None,
        plugins=dataclasses.replace(plugins, storage_types=types),
        ready=ready,
    ) as app:
        yield app


def send(app: Application, *changes: Change, secret: Secret = HOOK, to: str = "/webhook/local/") -> Response:
    headers, body = signed_notice(changes, secret)
    return app.client.post(to, content=body, headers=dict(headers))


def synchronised_at(app: Application) -> float:
    """Unix seconds, finer than ``/index_mtime/`` tells."""
    with closing(sqlite3.connect(app.root.index_database("local"))) as connection:
        (seconds,) = connection.execute("select value from meta where key = 'synchronised_at'").fetchone()
    return float(seconds)
