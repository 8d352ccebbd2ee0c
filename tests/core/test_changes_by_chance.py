"""Two servers on one store do whatever they like, in any order; a model beside them says what they must tell and show."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from core.two_servers import EXTRA, Uploads, forget_index, repository_on
from pywharf_core import changes
from pywharf_core.errors import (
    FileAlreadyExists,
    FileChanged,
    FileNotFound,
    NotFound,
    NotPermitted,
    NotSynchronised,
    ProjectNotFound,
    StorageUnavailable,
)
from pywharf_core.filenames import normalise
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.names import Answer, Answerer
from pywharf_core.storage import Storage
from pywharf_core.testing import MemoryStorage, MemoryStore
from pywharf_filesystem.storage import FileSystemStorage

PROJECTS = ("holygrail", "swallow")
VERSIONS = ("1.0", "2.0")
STRANGER = normalise("publicthing")
CLOSED = (ProjectStatus.ARCHIVED, ProjectStatus.QUARANTINED)


@dataclass(frozen=True)
class Entry:
    """A file as the model has it.

    :ivar generation: another one after each change, so that who has an old one is known to.
    """

    project: str
    version: str
    content: str
    yanked: str | None
    generation: int


Status = tuple[ProjectStatus, str | None]


@dataclass
class Known:
    """What is published, as somebody knows it.

    :ivar rows: projects that anything is known of.
    """

    files: dict[str, Entry] = field(default_factory=dict)
    statuses: dict[str, Status] = field(default_factory=dict)
    rows: set[str] = field(default_factory=set)

    def status(self, project: str) -> Status:
        return self.statuses.get(project, (ProjectStatus.ACTIVE, None))

    def of(self, project: str) -> dict[str, Entry]:
        return {filename: entry for filename, entry in self.files.items() if entry.project == project}


class Server:
    """One of the two: its repository, and what it must know."""

    def __init__(self, storage: Storage, root: Path) -> None:
        self.storage = storage
        self.root = root
        self.known = Known()
        self.counters: dict[str, int] = {}
        self.repository = repository_on(storage, root)

    def build_index_anew(self) -> None:
        self.repository.index.close()
        forget_index(self.root)
        self.repository = repository_on(self.storage, self.root)
        self.known = Known()


def _something_is_published(servers: Servers) -> bool:
    return bool(servers.truth.files)


class Servers(RuleBasedStateMachine):
    """:ivar truth: what the store has; its ``rows`` are the projects that it remembers beside their files."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="pywharf-test-"))
        self.uploads = Uploads(self.folder / "uploads")
        self.truth = Known()
        self.deleted: dict[str, str] = {}
        self.generations = 0
        self.servers: list[Server] = []

    def make_storage(self, number: int) -> Storage:
        """The storage of the server with this number."""
        raise NotImplementedError

    def switched_off(self) -> AbstractContextManager[None]:
        """The store is not there meanwhile."""
        raise NotImplementedError

    def remove_by_hand(self, file: DistributionFile) -> None:
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.servers = [Server(self.make_storage(number), self.folder / f"root-{number}") for number in range(2)]
        for server in self.servers:
            server.repository.synchronise()

    def teardown(self) -> None:
        try:
            for server in self.servers:
                self.synchronise_now(server)
                self.look_at(server)
        finally:
            for server in self.servers:
                server.repository.close()
            shutil.rmtree(self.folder)

    # --- what servers do ----------------------------------------------------------------------------------

    which = st.integers(0, 1)
    project_names = st.sampled_from(PROJECTS)
    version_numbers = st.sampled_from(VERSIONS)

    @rule(
        which=which,
        project=project_names,
        version=version_numbers,
        sdist=st.booleans(),
        content=st.sampled_from("aaab"),
    )
    def upload(self, which: int, project: str, version: str, sdist: bool, content: str) -> None:
        server = self.servers[which]
        file, staged = self.uploads.make(project, version, sdist=sdist, content=content)
        there = self.truth.files.get(file.filename)
        if server.known.status(project)[0] in CLOSED:
            with pytest.raises(NotPermitted):
                changes.publish(server.repository, file, staged)
            return
        if there is None and self.deleted.get(file.filename, content) != content:
            with pytest.raises(FileAlreadyExists, match="was deleted"):
                changes.publish(server.repository, file, staged)
            return
        if there is not None and there.content != content:
            with pytest.raises(FileAlreadyExists, match="File already exists"):
                changes.publish(server.repository, file, staged)
            if self.is_dead_for(server, file.filename):
                return  # refused before the storage was asked
            self.learn(server, file.filename)
            return
        published = changes.publish(server.repository, file, staged)
        assert published.new == (there is None)
        if there is None:
            self.put(file.filename, Entry(project, version, content, None, 0))
        self.learn(server, file.filename)

    @rule(which=which, project=project_names, version=version_numbers, reason=st.sampled_from([None, "", "bad"]))
    def yank(self, which: int, project: str, version: str, reason: str | None) -> None:
        server = self.servers[which]
        known, there = self.release(server, project, version)
        if not there:
            with pytest.raises(NotFound):
                changes.yank(server.repository, normalise(project), version, reason)
        else:
            marked = changes.yank(server.repository, normalise(project), version, reason)
            expected = {filename for filename in there if self.truth.files[filename].yanked != reason}
            assert {file.filename for file in marked} == expected
            assert all(file.yanked == reason for file in marked)
            for filename in expected:
                entry = self.truth.files[filename]
                self.put(filename, Entry(entry.project, entry.version, entry.content, reason, 0))
        for filename in known:
            self.learn(server, filename)

    @rule(which=which, project=project_names, version=version_numbers)
    def delete_release(self, which: int, project: str, version: str) -> None:
        server = self.servers[which]
        known, there = self.release(server, project, version)
        if not there:
            with pytest.raises(NotFound):
                changes.delete(server.repository, normalise(project), version=version)
        elif any(self.is_another(server, filename) for filename in there):
            with pytest.raises(FileChanged):
                changes.delete(server.repository, normalise(project), version=version)
        else:
            deleted = changes.delete(server.repository, normalise(project), version=version)
            assert {file.filename for file in deleted} == set(there)
            for filename in there:
                self.bury(filename)
        for filename in known:
            self.learn(server, filename)

    @rule(which=which, project=project_names, version=version_numbers, sdist=st.booleans())
    def delete_file(self, which: int, project: str, version: str, sdist: bool) -> None:
        server = self.servers[which]
        filename = self.uploads.make(project, version, sdist=sdist)[0].filename
        if self.is_another(server, filename):
            with pytest.raises(FileChanged):
                changes.delete(server.repository, normalise(project), filename=filename)
        elif filename in server.known.files and filename in self.truth.files:
            (deleted,) = changes.delete(server.repository, normalise(project), filename=filename, version=version)
            assert deleted.filename == filename
            self.bury(filename)
        else:
            with pytest.raises(FileNotFound):
                changes.delete(server.repository, normalise(project), filename=filename)
        if filename in server.known.files:
            self.learn(server, filename)

    @rule(
        which=which,
        project=project_names,
        status=st.sampled_from([*ProjectStatus, ProjectStatus.ACTIVE, ProjectStatus.ACTIVE]),
        reason=st.sampled_from([None, "because"]),
    )
    def set_status(self, which: int, project: str, status: ProjectStatus, reason: str | None) -> None:
        server = self.servers[which]
        if project not in server.known.rows:
            with pytest.raises(ProjectNotFound):
                changes.set_status(server.repository, normalise(project), status, reason)
            return
        state = changes.set_status(server.repository, normalise(project), status, reason)
        assert (state.status, state.reason) == (status, reason)
        self.truth.statuses[project] = server.known.statuses[project] = (status, reason)
        self.truth.rows.add(project)

    @rule(which=which)
    def synchronise(self, which: int) -> None:
        self.synchronise_now(self.servers[which])

    @rule(which=which)
    def build_index_anew(self, which: int) -> None:
        server = self.servers[which]
        server.build_index_anew()
        with pytest.raises(NotSynchronised):
            server.repository.project_list()
        for name in (*PROJECTS, STRANGER):
            assert server.repository.answer_for(normalise(name)).answerer is Answerer.NOT_READY
        self.synchronise_now(server)

    @rule(which=which, project=project_names, version=version_numbers)
    def try_without_the_store(self, which: int, project: str, version: str) -> None:
        server = self.servers[which]
        known, _ = self.release(server, project, version)
        with self.switched_off():
            with pytest.raises(StorageUnavailable):
                server.repository.synchronise()
            assert server.repository.answer_for(STRANGER).answerer is Answerer.NOT_READY
            for name in PROJECTS:
                assert server.repository.answer_for(normalise(name)).answerer in (Answerer.HERE, Answerer.NOT_READY)
            if known:
                with pytest.raises(StorageUnavailable):
                    changes.yank(server.repository, normalise(project), version, "never")
                with pytest.raises(StorageUnavailable):
                    changes.delete(server.repository, normalise(project), version=version)
            if server.known.status(project)[0] not in CLOSED:
                with pytest.raises(StorageUnavailable):
                    self.uploads.publish(server.repository, project, "9.0")
        self.synchronise_now(server)

    @precondition(_something_is_published)
    @rule(data=st.data())
    def remove_a_file_by_hand(self, data: Any) -> None:
        filename = data.draw(st.sampled_from(sorted(self.truth.files)))
        found = [
            result
            for result in self.servers[0].storage.scan({})
            if isinstance(result, DistributionFile) and result.filename == filename
        ]
        self.remove_by_hand(found[0])
        del self.truth.files[filename]

    # --- the model ----------------------------------------------------------------------------------------

    def release(self, server: Server, project: str, version: str) -> tuple[Sequence[str], Sequence[str]]:
        """Files of a release that the server knows, and those of them that are there."""
        known = [filename for filename, entry in server.known.of(project).items() if entry.version == version]
        return known, [filename for filename in known if filename in self.truth.files]

    def put(self, filename: str, entry: Entry) -> None:
        self.generations += 1
        self.truth.files[filename] = Entry(entry.project, entry.version, entry.content, entry.yanked, self.generations)

    def bury(self, filename: str) -> None:
        entry = self.truth.files.pop(filename)
        self.deleted[filename] = entry.content
        self.truth.rows.add(entry.project)

    def learn(self, server: Server, filename: str) -> None:
        """The server asked for this file, so it knows the truth about it."""
        entry = self.truth.files.get(filename)
        if entry is None:
            server.known.files.pop(filename, None)
        else:
            server.known.files[filename] = entry
            server.known.rows.add(entry.project)

    def is_another(self, server: Server, filename: str) -> bool:
        """Whether the file was removed by hand, and published with other content since the server looked."""
        known, there = server.known.files.get(filename), self.truth.files.get(filename)
        return known is not None and there is not None and known.content != there.content

    def is_dead_for(self, server: Server, filename: str) -> bool:
        with server.repository.index.reading() as snapshot:
            return snapshot.tombstone(filename) is not None

    def synchronise_now(self, server: Server) -> None:
        server.repository.synchronise()
        rows = server.known.rows | self.truth.rows | {entry.project for entry in self.truth.files.values()}
        server.known = Known(dict(self.truth.files), dict(self.truth.statuses), rows)
        # What has no file any more is reserved in the store itself from now on.
        self.truth.rows |= {project for project in rows if not self.truth.of(project)}

    # --- what everybody sees ------------------------------------------------------------------------------

    @invariant()
    def each_server_shows_what_it_knows(self) -> None:
        for server in self.servers:
            self.look_at(server)

    def look_at(self, server: Server) -> None:
        known, repository = server.known, server.repository
        shown = [name for name in PROJECTS if known.of(name) and known.status(name)[0] is not ProjectStatus.QUARANTINED]
        assert list(repository.project_list()[0]) == shown
        assert repository.answer_for(STRANGER) == Answer(Answerer.EXTRA_INDEX, f"{EXTRA}/{STRANGER}/")
        for name in PROJECTS:
            self.look_at_project(server, name)

    def look_at_project(self, server: Server, name: str) -> None:
        known, repository, project = server.known, server.repository, normalise(name)
        status = known.status(name)
        files = known.of(name)
        answerer = repository.answer_for(project).answerer
        if files or status[0] is not ProjectStatus.ACTIVE:
            assert answerer is Answerer.HERE
            page, _ = repository.project_page(project)
            assert (page.status, page.status_reason) == status
            listed = {file.filename: file for file in page.files}
            assert {filename: file.yanked for filename, file in listed.items()} == {
                filename: entry.yanked for filename, entry in files.items()
            }
            for filename, entry in files.items():
                self.look_at_file(server, listed[filename], entry)
        else:
            assert answerer is (Answerer.RESERVED if name in known.rows else Answerer.EXTRA_INDEX)
            with pytest.raises(ProjectNotFound):
                repository.project_page(project)

    def look_at_file(self, server: Server, file: DistributionFile, entry: Entry) -> None:
        made, _ = self.uploads.make(
            entry.project, entry.version, sdist=file.packagetype == "sdist", content=entry.content
        )
        assert file.sha256 == made.sha256
        assert file.counter >= server.counters.get(file.storage_id, 0), "a counter never goes down"
        server.counters[file.storage_id] = file.counter
        if self.truth.files.get(file.filename) == entry:
            with server.storage.open_file(file) as stream:
                assert hashlib.sha256(stream.read()).hexdigest() == file.sha256


class ServersInMemory(Servers):
    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()

    def make_storage(self, number: int) -> Storage:
        return MemoryStorage(self.store)

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        self.store.available = False
        yield
        self.store.available = True

    def remove_by_hand(self, file: DistributionFile) -> None:
        del self.store.files[file.filename]


class ServersOnFiles(Servers):
    @property
    def path(self) -> Path:
        return self.folder / "store"

    def make_storage(self, number: int) -> Storage:
        return FileSystemStorage(self.path, self.folder / f"work-{number}", settled_after_ns=0)

    @contextmanager
    def switched_off(self) -> Iterator[None]:
        away = self.path.rename(self.folder / "away")
        yield
        shutil.rmtree(self.path, ignore_errors=True)
        away.rename(self.path)

    def remove_by_hand(self, file: DistributionFile) -> None:
        (self.path / file.project / file.filename).unlink()


_UNHURRIED: Any = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}

pytestmark = pytest.mark.slow

TestServersInMemory = ServersInMemory.TestCase
TestServersInMemory.settings = settings(max_examples=60, stateful_step_count=40, **_UNHURRIED)
TestServersOnFiles = ServersOnFiles.TestCase
TestServersOnFiles.settings = settings(max_examples=25, stateful_step_count=40, **_UNHURRIED)
