"""A store that is not there is no empty one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from functools import partial
from pathlib import Path

import pytest

from pywharf_core.errors import StorageUnavailable
from pywharf_core.model import AttachmentKind, ProjectState
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Unchanged
from pywharf_core.testing.storage_contract.questions import publish
from pywharf_core.testing.uploads import make_upload


class UnreachablePromises:
    """Of every method, while the store cannot be reached."""

    def test_a_store_that_cannot_be_reached_is_unavailable_and_never_empty(
        self,
        storage: Storage,
        tmp_path: Path,
        unavailable: Callable[[], AbstractContextManager[object]] | None,
    ) -> None:
        if unavailable is None:
            pytest.skip("this backend's tests give no fixture `unavailable`")
        added = publish(storage, tmp_path)
        upload = make_upload(tmp_path, version="2.0")
        calls: list[Callable[[], object]] = [
            lambda: list(storage.scan({})),
            lambda: list(storage.scan({added.filename: added.fingerprint})),
            lambda: storage.add_file(*upload),
            lambda: storage.open_file(added),
            lambda: storage.find_file(added),
        ]
        if storage.can_update:
            calls.append(lambda: storage.update_file(added))
            calls.append(lambda: storage.update_project(ProjectState(name=added.project)))
        if storage.can_delete:
            calls.append(lambda: storage.delete_file(added))
        for may_look in (storage.flaws, storage.sweep):
            if getattr(type(storage), may_look.__name__) is not getattr(Storage, may_look.__name__):
                calls.append(partial(_whole, may_look))
        with unavailable():
            for call in calls:
                with pytest.raises(StorageUnavailable):
                    call()
            with suppress(StorageUnavailable):  # unless it remembers the content
                metadata = storage.read_attachment(added, AttachmentKind.METADATA)
                assert hashlib.sha256(metadata).hexdigest() == added.core_metadata_sha256
        assert list(storage.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]


def _whole(look: Callable[[], object]) -> None:
    """All of what it answers, if it answers one after the other."""
    found = look()
    if isinstance(found, Iterable):
        list(found)
