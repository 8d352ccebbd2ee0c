"""What may change after publication survives a rebuild."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pywharf_core.errors import NotSupported
from pywharf_core.filenames import normalise
from pywharf_core.model import AttachmentKind, ProjectState, ProjectStatus
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Unchanged
from pywharf_core.testing.storage_contract.questions import HOSTILE, listed_by, publish, sha256_of
from pywharf_core.testing.storage_contract.stores import Reopen
from pywharf_core.testing.uploads import make_upload


class UpdatingPromises:
    """Of ``update_file`` and ``update_project``."""

    def test_an_update_survives_a_rebuild_and_raises_the_counter(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        added = publish(storage, tmp_path)
        change = replace(added, yanked=HOSTILE, core_metadata={"name": "holygrail", "summary": "new"})
        if not storage.can_update:
            with pytest.raises(NotSupported):
                storage.update_file(change)
            return
        updated = storage.update_file(change, {AttachmentKind.PROVENANCE: b"[1]"})
        assert updated.counter > added.counter
        assert updated.fingerprint != added.fingerprint
        assert updated == replace(change, counter=updated.counter, fingerprint=updated.fingerprint)
        for view in (storage, reopen()):
            assert listed_by(view) == {added.filename: updated}
            assert list(view.scan({added.filename: added.fingerprint})) == [updated]
            assert list(view.scan({added.filename: updated.fingerprint})) == [Unchanged(added.filename)]
            assert sha256_of(view, updated) == added.sha256
            assert view.read_attachment(updated, AttachmentKind.PROVENANCE) == b"[1]"
            metadata = view.read_attachment(updated, AttachmentKind.METADATA)
            assert hashlib.sha256(metadata).hexdigest() == added.core_metadata_sha256

    def test_an_update_without_attachments_leaves_them(self, storage: Storage, tmp_path: Path) -> None:
        if not storage.can_update:
            return  # see test_an_update_survives_a_rebuild_and_raises_the_counter
        added = storage.add_file(*make_upload(tmp_path, provenance=b"[1]"))
        updated = storage.update_file(replace(added, yanked=""))
        assert updated.yanked == ""
        assert storage.read_attachment(updated, AttachmentKind.PROVENANCE) == b"[1]"

    def test_the_counter_rises_even_for_who_did_not_see_the_last_update(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        if not storage.can_update:
            return  # see test_an_update_survives_a_rebuild_and_raises_the_counter
        added = publish(storage, tmp_path)
        first = storage.update_file(replace(added, yanked="1"))
        second = reopen().update_file(replace(added, yanked="2"))
        assert second.counter > first.counter
        views = [reopen() for _ in range(8)]
        with ThreadPoolExecutor(8) as threads:
            racing = list(threads.map(lambda view: view.update_file(replace(added, yanked="3")), views))
        assert len({file.counter for file in racing}) == 8
        assert listed_by(storage)[added.filename] in racing

    def test_a_project_keeps_its_status(self, storage: Storage, reopen: Reopen, tmp_path: Path) -> None:
        state = ProjectState(name=normalise("holygrail"), status=ProjectStatus.ARCHIVED, reason=HOSTILE, reserved=True)
        if not storage.can_update:
            with pytest.raises(NotSupported):
                storage.update_project(state)
            return
        storage.update_project(state)
        assert list(storage.scan({})) == [state]
        active = ProjectState(name=state.name)
        reopen().update_project(active)
        assert list(storage.scan({})) == [replace(active, reserved=True)], "a reservation is never taken back"
