"""What plugins say of changes and what they are told of them: typed calls of the hooks about uploads and files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field

from pywharf_core.errors import PluginError, UploadRefused
from pywharf_core.model import DistributionFile, StagedFile

logger = logging.getLogger(__name__)

REFUSE, PUBLISHED, REMOVED = "pywharf_refuse_upload", "pywharf_file_published", "pywharf_file_removed"

_MOST_WAITING = 10_000  # changes of which plugins were not told yet


@dataclass(frozen=True, slots=True)
class Implementation:
    """A plugin's function for one hook; takes the hook's arguments by name, and hands over those that it has."""

    plugin: str
    distribution: str
    call: Callable[..., object]


class ChangeHooks:
    """The hooks about changes, as the plugins of this process implement them; costs nothing where none does.

    :param implementations: by the hook's name, in the order in which they are asked.
    """

    def __init__(self, implementations: Mapping[str, Sequence[Implementation]] | None = None) -> None:
        implementations = implementations or {}
        self._refusing = tuple(implementations.get(REFUSE, ()))
        self._told = {hook: tuple(implementations.get(hook, ())) for hook in (PUBLISHED, REMOVED)}
        self._messenger = _Messenger()

    def demand_welcome(self, repository: str, file: DistributionFile, staged: StagedFile) -> None:
        """Ask whether the upload may be published. Blocks as long as the plugins take.

        :raises UploadRefused: with the sentence of the first plugin that refuses it.
        :raises PluginError: a plugin failed; nobody knows then what it would have said, so the upload is not published.
        """
        for implementation in self._refusing:
            try:
                answer = implementation.call(
                    repository=repository, file=file, metadata=file.core_metadata or {}, path=staged.path
                )
                if answer is not None and not (isinstance(answer, str) and answer.strip()):
                    raise TypeError(f"{REFUSE} answered {answer!r}, which is neither a sentence nor None")
            except BaseException as error:  # whatever a stranger's function does
                if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
                    raise  # of a command's user
                _blame(implementation, REFUSE, repository, file, error)
                raise PluginError(
                    f"Nothing was published: a plugin of this server could not judge {file.filename}; the log names it."
                ) from error
            if answer is not None:
                fields = {"plugin": implementation.plugin, "repository": repository, "file": file.filename}
                logger.info("upload refused by a plugin", extra=fields | {"reason": answer})
                raise UploadRefused(str(answer).strip())

    def published(self, repository: str, file: DistributionFile) -> None:
        """Tell of a file that was published, at once but in another thread."""
        self._tell(PUBLISHED, repository, file)

    def removed(self, repository: str, file: DistributionFile) -> None:
        """Tell of a file that was deleted, likewise."""
        self._tell(REMOVED, repository, file)

    def _tell(self, hook: str, repository: str, file: DistributionFile) -> None:
        if implementations := self._told[hook]:
            self._messenger.send(lambda: _tell_each(implementations, hook, repository, file), hook, file)


@dataclass(slots=True)
class _Messenger:
    """One thread for all messages, in their order; begun with the first. An interpreter that ends waits for it."""

    thread: ThreadPoolExecutor | None = None
    waiting: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, message: Callable[[], None], hook: str, file: DistributionFile) -> None:
        with self.lock:
            if self.waiting >= _MOST_WAITING:
                fields = {"hook": hook, "file": file.filename, "waiting": self.waiting}
                logger.warning("plugins are too slow to be told of all changes", extra=fields)
                return
            self.thread = self.thread or ThreadPoolExecutor(1, "plugins-are-told")
            try:
                # In this context, for the request's id in what is logged.
                self.thread.submit(copy_context().run, self._deliver, message)
            except RuntimeError:  # the interpreter is at its end
                logger.warning("plugins were not told of a change", extra={"hook": hook, "file": file.filename})
                return
            self.waiting += 1

    def _deliver(self, message: Callable[[], None]) -> None:
        with self.lock:
            self.waiting -= 1
        message()


def _tell_each(implementations: Sequence[Implementation], hook: str, repository: str, file: DistributionFile) -> None:
    for implementation in implementations:
        try:
            implementation.call(repository=repository, file=file)
        except BaseException as error:  # as above; the change was made, and nobody waits for this
            _blame(implementation, hook, repository, file, error)


def _blame(
    implementation: Implementation, hook: str, repository: str, file: DistributionFile, error: BaseException
) -> None:
    fields = {
        "plugin": implementation.plugin,
        "distribution": implementation.distribution,
        "hook": hook,
        "repository": repository,
        "file": file.filename,
    }
    # Named in the sentence too: a command has no log but standard error, which shows no fields.
    logger.error("the plugin %s failed", implementation.plugin, extra=fields, exc_info=error)
