"""What a storage tells its operator, and what it sweeps up."""

from __future__ import annotations

import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from pywharf_core.filenames import normalise
from pywharf_core.model import AttachmentKind, ProjectState, ProjectStatus
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Unchanged
from pywharf_core.testing.storage_contract.questions import files_of, listed_by, publish, sha256_of
from pywharf_core.testing.storage_contract.stores import Reopen
from pywharf_core.testing.uploads import make_upload


class UpkeepPromises:
    """Of ``condition``, ``flaws`` and ``sweep``."""

    def test_its_condition_is_told_in_words_and_changes_nothing(self, storage: Storage, tmp_path: Path) -> None:
        added = publish(storage, tmp_path)
        condition = storage.condition()
        assert json.loads(json.dumps(dict(condition.facts))) == dict(condition.facts)
        for name, value in condition.facts.items():
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name), f"{name!r} is no lower-case words joined by _"
            assert isinstance(value, str | int | float)
            assert "\n" not in str(value)
        for warning in condition.warnings:
            assert warning.endswith("."), f"{warning!r} is no sentence"
            assert "\n" not in warning
        assert list(storage.scan({added.filename: added.fingerprint})) == [Unchanged(added.filename)]

    def test_a_healthy_store_has_no_flaws_and_a_sweep_takes_nothing_from_it(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        added = [
            publish(storage, tmp_path, "a", "1.0", provenance=b"{}"),
            publish(storage, tmp_path, "b", sdist=True),
        ]
        if storage.can_update:
            storage.update_file(replace(added[0], yanked=""), {AttachmentKind.PROVENANCE: b"[]"})
            storage.update_project(ProjectState(name=normalise("b"), status=ProjectStatus.ARCHIVED))
        if storage.can_delete:
            storage.delete_file(publish(storage, tmp_path, "c"))
        before = list(storage.scan({}))
        for view in (storage, reopen()):
            assert list(view.flaws()) == []
            assert view.sweep() == 0
        assert list(reopen().scan({})) == before
        for file in files_of(before).values():
            assert sha256_of(storage, file) == file.sha256

    def test_a_sweep_takes_nothing_from_who_publishes_meanwhile(
        self, storage: Storage, reopen: Reopen, tmp_path: Path
    ) -> None:
        uploads = [make_upload(tmp_path / str(number), "busy", f"{number}.0") for number in range(12)]
        sweeper, done = reopen(), threading.Event()

        def sweep() -> int:
            swept = 0
            while not done.is_set():
                swept += sweeper.sweep()
            return swept

        with ThreadPoolExecutor(4) as threads:
            sweeping = threads.submit(sweep)
            added = list(threads.map(lambda upload: storage.add_file(*upload), uploads))
            done.set()
            assert sweeping.result() == 0
        assert listed_by(reopen()) == {file.filename: file for file in added}
