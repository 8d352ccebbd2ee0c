"""The repositories that answer now: follows the configuration in force, opens the new before it closes the old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from pywharf.measurements import Measurements
from pywharf.page_cache import PageCache
from pywharf.questions import AllQuestions
from pywharf.settings import ServerSettings
from pywharf.synchronising import Synchroniser
from pywharf.synchronising_by_readers import SynchroniserByReaders, is_synchronised_by_readers
from pywharf.threads import StorageThreads
from pywharf_core.config import load_configuration
from pywharf_core.configuration_in_force import ConfigurationInForce, GenerationWatch, InForce
from pywharf_core.errors import WharfError
from pywharf_core.plugins import Plugins
from pywharf_core.root import Root
from pywharf_core.wharf import Wharf

logger = logging.getLogger(__name__)

_THREADS_PER_REPOSITORY = 16
# Pages for people are made of the index by Python alone: more at once would make none of them sooner, and all else later.
_PAGES_AT_ONCE = 2
_SEARCHES_AT_ONCE = 2
_STATUSES_AT_ONCE = 2
_UPKEEPS_AT_ONCE = 4  # of one repository: its synchronisation, missing metadata, notices, and the remote index
_FOLLOW_EVERY = 1.0  # seconds


class OpenWharf:
    """One generation's repositories, each with its threads and its synchroniser; closed when the last user leaves.

    :ivar threads: by repository: for what may ask its storage, and wait for it.
    :ivar index_threads: likewise, for what its local index tells, and is at hand: no storage can hold that up.
    :ivar disk_threads: likewise, for bytes of files from and to the local disk.
    :ivar changing: likewise, for what changes it: a plugin that judges an upload for ever keeps no reader waiting.
    :ivar page_threads: for pages for people, which ask no storage; so neither do the following two.
    :ivar search_threads: for what is searched.
    :ivar status_threads: for how repositories are doing; whoever watches is told of those that stall, too.
    :ivar questions: what secrets may do.
    """

    def __init__(self, generation: int, wharf: Wharf, root: Root, measurements: Measurements) -> None:
        self.generation = generation
        self.wharf = wharf
        self.measurements = measurements
        self.repositories = wharf.repositories
        self.pages = PageCache()
        self.threads = {name: StorageThreads(_THREADS_PER_REPOSITORY) for name in wharf.repositories}
        self.index_threads = {name: StorageThreads(_THREADS_PER_REPOSITORY) for name in wharf.repositories}
        self.disk_threads = {name: StorageThreads(_THREADS_PER_REPOSITORY) for name in wharf.repositories}
        self.changing = {name: StorageThreads(_THREADS_PER_REPOSITORY) for name in wharf.repositories}
        self.page_threads = StorageThreads(_PAGES_AT_ONCE)
        self.search_threads = StorageThreads(_SEARCHES_AT_ONCE)
        self.status_threads = StorageThreads(_STATUSES_AT_ONCE)
        self.questions = AllQuestions(wharf.repositories, self._in_use)
        self.by_readers = {
            name: SynchroniserByReaders(repository, StorageThreads(_UPKEEPS_AT_ONCE), measurements)
            for name, repository in wharf.repositories.items()
            if is_synchronised_by_readers(repository)
        }
        self._synchronisers = [
            self.by_readers.get(name) or Synchroniser(repository, root, StorageThreads(_UPKEEPS_AT_ONCE), measurements)
            for name, repository in wharf.repositories.items()
        ]
        self._users = 0
        self._retired = False

    async def start(self) -> None:
        """Begin to synchronise; from when this returns, requests may be answered."""
        for synchroniser in self._synchronisers:
            await synchroniser.start()

    def enter(self) -> None:
        """Keep it open until ``leave``."""
        self._users += 1

    def leave(self) -> None:
        self._users -= 1
        if self._retired and not self._users:
            self.wharf.close()

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        self.enter()
        try:
            yield
        finally:
            self.leave()

    async def retire(self) -> None:
        """Stop synchronising, and close as soon as nobody uses it."""
        self.enter()
        try:
            self._retired = True
            for synchroniser in self._synchronisers:
                await synchroniser.stop()
        finally:
            self.leave()


class WharfInForce:
    """Used on the event loop only.

    :param plugins: what configurations may name.
    """

    def __init__(self, settings: ServerSettings, root: Root, plugins: Plugins, measurements: Measurements) -> None:
        self._settings = settings
        self._measurements = measurements
        self._root = root
        self._plugins = plugins
        self._configuration = ConfigurationInForce(root)
        self._watch = GenerationWatch(root)
        self._threads = StorageThreads(2)
        self._current: OpenWharf | None = None
        self._generation = 0  # in force, whether it can be used here or not
        self._changing = asyncio.Lock()
        self._changes_seen, self._changes_read = 1, 0
        self._following: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()

    async def current(self) -> OpenWharf | None:
        """What is in force now; None: the server was never configured."""
        if self._watch.changed():
            self._changes_seen += 1
        if self._changes_read != self._changes_seen:  # not only for the one request that noticed
            await self._follow()
        return self._current

    def start(self) -> None:
        """Follow even if nobody asks: what this process keeps in line with its storage must be what is in force."""
        self._following = asyncio.create_task(self._follow_for_ever())

    async def replace(
        self, config: str, admin_secret: str | None, *, allowed: Callable[[OpenWharf | None], object]
    ) -> bool:
        """Validate a configuration, open its repositories, and put it in force in all workers.

        :param allowed: asked about what is in force when nobody else in this process can replace it; raises if not.
        :returns: False: another configuration was put in force meanwhile; nothing was changed.
        :raises ConfigurationError: with every problem; nothing was changed.
        """
        async with self._changing:
            await self._reload()
            allowed(self._current)
            generation = self._generation
            opened = await self._threads.run(self._open, InForce(generation + 1, config, admin_secret))
            try:
                put = await self._threads.run(self._configuration.replace, config, admin_secret, generation=generation)
            except BaseException:
                opened.wharf.close()
                raise
            if put is None:
                opened.wharf.close()
                return False
            self._generation = put.generation
            await self._adopt(opened)
            logger.info("configuration replaced", extra={"generation": put.generation})
            return True

    async def close(self) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        if self._current is not None:
            await self._current.retire()
            self._current = None
        for task in list(self._retiring):
            with suppress(asyncio.CancelledError):
                await task
        self._watch.close()

    async def _follow_for_ever(self) -> None:
        while True:
            await asyncio.sleep(_FOLLOW_EVERY)
            try:
                self._watch.follow()
                opened = await self.current()
                for repository in opened.repositories.values() if opened else ():
                    repository.index.follow()
            except Exception as error:
                logger.error("the configuration in force cannot be read", extra={"error": str(error)})

    async def _follow(self) -> None:
        async with self._changing:
            if self._changes_read != self._changes_seen:
                await self._reload()

    async def _reload(self) -> None:
        seen = self._changes_seen
        await self._read()
        self._changes_read = seen

    async def _read(self) -> None:
        in_force = await self._threads.run(self._configuration.read)
        self._generation = 0 if in_force is None else in_force.generation
        if in_force is None or (self._current is not None and self._current.generation == in_force.generation):
            return
        try:
            await self._adopt(await self._threads.run(self._open, in_force))
        except WharfError as error:  # it was valid where it was put in force: an environment variable may differ
            logger.error("the configuration in force cannot be used here", extra={"problems": str(error)})
            if self._current is None:
                raise

    def _open(self, in_force: InForce) -> OpenWharf:
        configurations = load_configuration(in_force.config, in_force.admin_secret, self._plugins)
        wharf = Wharf.open(
            configurations,
            self._root,
            extra_index_url=self._settings.extra_index_url,
            private=self._settings.private,
            read_expires=self._settings.auth_read_expires,
            write_expires=self._settings.auth_write_expires,
        )
        return OpenWharf(in_force.generation, wharf, self._root, self._measurements)

    async def _adopt(self, opened: OpenWharf) -> None:
        await opened.start()
        old, self._current = self._current, opened
        if old is not None:
            task = asyncio.create_task(old.retire())
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
