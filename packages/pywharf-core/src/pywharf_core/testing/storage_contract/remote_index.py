"""The remote index file, of storages whose scan is dear."""

from __future__ import annotations

from typing import ClassVar

import pytest

from pywharf_core.errors import IndexConflict, NotSupported
from pywharf_core.storage import Storage
from pywharf_core.testing.storage_contract.stores import Reopen


class RemoteIndexPromises:
    """Of ``read_index`` and ``write_index``."""

    has_index: ClassVar[bool]

    def test_the_index_is_written_by_compare_and_swap(self, storage: Storage, reopen: Reopen) -> None:
        if not self.has_index:
            assert storage.read_index({}) is None
            with pytest.raises(NotSupported):
                storage.write_index({"a": b"1"}, replaces={}, message="a")
            return
        empty = storage.read_index({})
        revisions = storage.write_index({"a": b"1", "b": b"2"}, replaces=empty.revisions if empty else {}, message="a")
        stored = reopen().read_index({})
        assert stored is not None
        assert (stored.parts, stored.revisions) == ({"a": b"1", "b": b"2"}, revisions)
        newer = reopen().write_index({"b": b"3"}, replaces=revisions, message="b")
        assert newer["b"] != revisions["b"]
        with pytest.raises(IndexConflict):
            storage.write_index({"a": b"stale"}, replaces=revisions, message="c")
        stored = storage.read_index(revisions)
        assert stored is not None
        assert (stored.parts, stored.revisions) == ({"b": b"3"}, newer)
