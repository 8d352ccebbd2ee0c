"""Things that happen at once, in an order that a test chooses: threads of which one runs at a time, step by step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping

from pywharf_core.errors import WharfError
from pywharf_core.model import AttachmentKind, DistributionFile, StagedFile
from pywharf_core.storage_answers import ScanResult, StoredIndex, Unchanged
from pywharf_core.testing import IndexedMemoryStorage, MemoryStore

_PATIENCE = 60.0  # seconds for a step that takes milliseconds


class Crash(BaseException):
    """The process died at this step."""


class Actor(threading.Thread):
    """Does one thing; stands still before and after each call of a ``SteppedStorage``.

    :ivar point: where it stands.
    :ivar result: what the thing returned; ``error``: what it raised instead.
    """

    def __init__(self, name: str, action: Callable[[], object]) -> None:
        super().__init__(name=name, daemon=True)
        self._action = action
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self._dies = False
        self.point = "begin"
        self.done = False
        self.result: object = None
        self.error: WharfError | None = None
        self.bug: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._wait()
            self.result = self._action()
        except WharfError as error:
            self.error = error
        except Crash:
            pass
        except BaseException as error:  # told by `step`, in the test's own thread
            self.bug = error
        self.done = True
        self._stands.release()

    def step(self) -> None:
        """Let it go on to the next point."""
        self._go.release()
        assert self._stands.acquire(timeout=_PATIENCE), f"{self.name} waits for somebody at {self.point}"
        if self.bug is not None:
            raise self.bug

    def die(self) -> None:
        self._dies = True
        self.step()
        assert self.done

    def reach(self, point: str) -> None:
        """Called by its own thread."""
        self.point = point
        self._stands.release()
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._dies:
            raise Crash


def _reach(point: str) -> None:
    thread = threading.current_thread()
    if isinstance(thread, Actor):
        thread.reach(point)


class SteppedStorage(IndexedMemoryStorage):
    """Each call is a step of its own, and so is each page of a scan; what comes after a step, up to the next, too."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store, page_size=1, remembers=False)

    def scan(self, known: Mapping[str, str]) -> Iterator[ScanResult]:
        self.scans += 1
        read = 0
        while True:
            _reach("before a page")
            page = self.page(read)
            _reach("after a page")
            if not page:
                return
            for file in page:
                yield Unchanged(file.filename) if known.get(file.filename) == file.fingerprint else file
            read += 1

    def add_file(self, file: DistributionFile, staged: StagedFile) -> DistributionFile:
        _reach("before add_file")
        added = super().add_file(file, staged)
        _reach("after add_file")
        return added

    def find_file(self, file: DistributionFile) -> DistributionFile | None:
        _reach("before find_file")
        found = super().find_file(file)
        _reach("after find_file")
        return found

    def read_index(self, known: Mapping[str, str]) -> StoredIndex | None:
        _reach("before read_index")
        stored = super().read_index(known)
        _reach("after read_index")
        return stored

    def write_index(
        self, parts: Mapping[str, bytes], *, replaces: Mapping[str, str], message: str
    ) -> Mapping[str, str]:
        _reach("before write_index")
        revisions = super().write_index(parts, replaces=replaces, message=message)
        _reach("after write_index")
        return revisions

    def update_file(
        self, file: DistributionFile, attachments: Mapping[AttachmentKind, bytes] | None = None
    ) -> DistributionFile:
        _reach("before update_file")
        updated = super().update_file(file, attachments)
        _reach("after update_file")
        return updated

    def delete_file(self, file: DistributionFile) -> None:
        _reach("before delete_file")
        super().delete_file(file)
        _reach("after delete_file")
