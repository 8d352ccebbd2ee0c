"""A storage that serves files itself, by signed addresses: these are told to who asked for the file, and to nobody else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from pywharf_core import hookimpl
from pywharf_core.model import DistributionFile
from pywharf_core.plugins import Plugins
from pywharf_core.storage import RedirectTo, StorageType
from pywharf_core.testing import make_wheel
from pywharf_core.testing.memory_storage import MemoryOptions, MemoryStorage, MemoryStorageType, MemoryStore
from server.in_process import Application, application
from support.listing import ACCEPT_JSON
from support.uploads import basic

SIGNED = "https://bucket.test/objects/1?signature=of-this-minute"
CONFIG = """
[local]
type = "signing"
read_secret = "reads"
write_secret = "writes"
"""


class _SigningStorage(MemoryStorage):
    def locate_file(self, file: DistributionFile) -> RedirectTo:
        del file
        return RedirectTo(SIGNED)


class _SigningStorageType(StorageType):
    name: ClassVar[str] = "signing"
    options: ClassVar[type] = dataclasses.dataclass(frozen=True, kw_only=True)(type("NoOptions", (), {}))
    auth: ClassVar[str] = "secrets"

    def open(self, repository: str, options: object, work: Path) -> MemoryStorage:
        del repository, options, work
        return _SigningStorage()


class _Plugin:
    @hookimpl
    def pywharf_storage_types(self) -> Sequence[type[StorageType]]:
        return [_SigningStorageType]
