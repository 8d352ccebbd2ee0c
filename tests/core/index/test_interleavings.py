"""Several servers and the workflow's rebuild on one store, in every order of their steps that chance finds, with crashes.

``PYWHARF_INTERLEAVINGS`` sets how many are tried.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.index.stepping import Actor, SteppedStorage
from core.two_servers import Uploads, repository_on
from pywharf_core import changes, remote_changes, remote_inquiries, remote_recovery
from pywharf_core.errors import ProjectNotFound
from pywharf_core.filenames import normalise
from pywharf_core.index import remote_writing
from pywharf_core.index.content import MAIN, Content, merge
from pywharf_core.index.document import MOST_UNSHARDED, decode_main, decode_shard
from pywharf_core.model import DistributionFile, ProjectStatus
from pywharf_core.names import Answerer
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.testing import MemoryStore

PROJECTS = ("holygrail", "swallow")
VERSIONS = ("1.0", "2.0")
FILES = [("holygrail", "1.0"), ("holygrail", "2.0"), ("swallow", "1.0")]
SERVERS = 2
MOST_AT_ONCE = 4
TURNS = 30

_TRIES = int(os.environ.get("PYWHARF_INTERLEAVINGS", "120"))
_FOLDERS = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # commits wait for no disk there


@dataclass
class Doing:
    """Something that a server, or the workflow, is at.

    :ivar alone: two of these never run at once on one server.
    """

    server: int | None
    alone: str | None
    actor: Actor
    answered: Callable[[Actor], object]


class World:
    """The store, the servers with their ROOTs, and what they have answered.

    :ivar promised: by server: files by identity, as it answered 2xx of them.
    :ivar deleted: by server: identities of which it answered 2xx that they are deleted.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uploads = Uploads(folder / "uploads")
        self.store = MemoryStore()
        self.numbers = 0
        self.servers = [self.open(number) for number in range(SERVERS)]
        self.doing: list[Doing] = []
        self.promised: list[dict[str, DistributionFile]] = [{} for _ in range(SERVERS)]
        self.deleted: list[set[str]] = [set() for _ in range(SERVERS)]
        self.published: set[str] = set()
        self.statuses: dict[str, ProjectStatus] = {}
        self.taken_away: list[Any] = []
        self.by_hand: set[str] = set()
        for server in self.servers:
            server.synchronise()

    def open(self, number: int) -> Repository:
        return repository_on(SteppedStorage(self.store), self.folder / f"root-{number}")

    # --- what can be done ---------------------------------------------------------------------------------

    def begin(self, server: int | None, what: str, project: str, version: str) -> Doing | None:
        """None: what one process of a ROOT does, one after the other, is being done."""
        if server is None:
            return self.begin_rebuild()
        repository, name = self.servers[server], normalise(project)
        alone = what if what in ("synchronise", "fold", "resolve") else None
        if alone and any(it.server == server and it.alone == alone for it in self.doing):
            return None

        def keep(actor: Actor) -> None:
            pass

        answered: Callable[[Actor], object] = keep
        action: Callable[[], object]
        match what:
            case "upload":
                file, staged = self.uploads.make(project, version)
                action = lambda: changes.publish(repository, file, staged)  # noqa: E731
                answered = lambda actor: self.answer_upload(server, actor)  # noqa: E731
            case "yank" | "unyank":
                reason = f"reason {self.number()}" if what == "yank" else None
                action = lambda: changes.yank(repository, name, version, reason)  # noqa: E731
                answered = lambda actor: self.answer_yank(server, actor)  # noqa: E731
            case "delete":
                action = lambda: changes.delete(repository, name, version=version)  # noqa: E731
                answered = lambda actor: self.answer_delete(server, actor)  # noqa: E731
            case "synchronise":
                action = repository.synchronise
            case "fold":
                action = lambda: remote_changes.fold(repository)  # noqa: E731
            case "resolve":
                action = lambda: remote_recovery.resolve_intents(repository)  # noqa: E731
            case _:
                raise AssertionError(what)
        actor = Actor(f"server {server}: {what} {project} {version}", action)
        self.doing.append(Doing(server, alone, actor, answered))
        return self.doing[-1]

    def do_whole(self, server: int, what: str, project: str, version: str) -> None:
        doing = self.begin(server, what, project, version)
        while doing in self.doing:
            assert doing is not None
            self.step(doing)
        self.check_promises()

    def begin_rebuild(self) -> Doing:
        workflow = repository_on(SteppedStorage(self.store), self.folder / f"workflow-{self.number()}")
        action = lambda: remote_changes.update_index(workflow)  # noqa: E731
        actor = Actor("workflow: rebuild", action)
        self.doing.append(Doing(None, None, actor, lambda _: workflow.index.close()))
        return self.doing[-1]

    def remove_by_hand(self) -> None:
        if self.store.files:
            self.taken_away.append(self.store.files.pop(next(iter(self.store.files))))
            self.by_hand.add(self.taken_away[-1].file.storage_id)

    def bring_back_by_hand(self) -> None:
        """As the same file, where nobody published another one meanwhile."""
        if self.taken_away:
            stored = self.taken_away.pop()
            self.store.files.setdefault(stored.file.filename, stored)

    def step(self, doing: Doing) -> None:
        doing.actor.step()
        if doing.actor.done:
            self.doing.remove(doing)
            doing.answered(doing.actor)

    def crash(self, server: int) -> None:
        """The process of a server dies, and starts again on its ROOT."""
        for it in [it for it in self.doing if it.server == server]:
            it.actor.die()
            self.doing.remove(it)
        self.servers[server].index.close()
        self.servers[server] = self.open(server)

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    # --- what was answered --------------------------------------------------------------------------------

    def answer_upload(self, server: int, actor: Actor) -> None:
        if isinstance(actor.result, changes.Published):
            self.promised[server][actor.result.file.storage_id] = actor.result.file
            self.published.add(actor.result.file.project)

    def answer_yank(self, server: int, actor: Actor) -> None:
        if isinstance(actor.result, list):
            self.promised[server].update({file.storage_id: file for file in actor.result})

    def answer_delete(self, server: int, actor: Actor) -> None:
        if isinstance(actor.result, list):
            self.deleted[server].update(file.storage_id for file in actor.result)

    # --- what must be so ----------------------------------------------------------------------------------

    def check_promises(self) -> None:
        """At every moment: each server lists what it has answered for, unless the store lost it meanwhile."""
        there = self.stored().keys() - self.by_hand
        for server, repository in enumerate(self.servers):
            listed = {file.storage_id: file for file in files_of(repository)}
            for identity, file in self.promised[server].items():
                if identity in there:
                    assert identity in listed, f"server {server} answered for {file.filename}, and does not list it"
                    assert listed[identity].counter >= file.counter, f"{file.filename} went back on server {server}"
            assert not listed.keys() & self.deleted[server], f"server {server} lists again what it deleted"

    def come_to_rest(self) -> None:
        """Everything that runs ends; then all fold and synchronise, and the workflow rebuilds once."""
        while self.doing:
            self.step(self.doing[0])
        with mock.patch.object(remote_inquiries, "_LONGEST_UPLOAD", -1):
            for server in self.servers:
                remote_recovery.resolve_intents(server)
        for server in self.servers:
            remote_changes.fold(server)
        for server in self.servers:
            server.synchronise()
        self.check_without_rebuild()
        self.begin_rebuild()
        while self.doing:
            self.step(self.doing[0])
        for server in self.servers:
            server.synchronise()
            remote_recovery.resolve_intents(server)
            remote_changes.fold(server)
        for server in self.servers:
            server.synchronise()

    def check_without_rebuild(self) -> None:
        """All know what any of them answered for, also where the workflow does not run for a long time."""
        there, content = self.stored(), self.remote_content()
        for identity in self.by_hand:  # of these only a rebuild knows
            there.pop(identity, None)
        promised = {identity: file for by in self.promised for identity, file in by.items() if identity in there}
        deleted = set().union(*self.deleted)
        assert promised.keys() <= content.files.keys()
        for by in self.promised:  # of each server: another's may be older, or newer
            for identity in by.keys() & there.keys():
                assert content.files[identity].counter >= by[identity].counter
        assert not deleted & content.files.keys()
        for number, server in enumerate(self.servers):
            listed = {file.storage_id: file for file in files_of(server)}
            assert promised.keys() <= listed.keys(), f"server {number}"
            assert not deleted & listed.keys(), f"server {number}"

    def check_rest(self) -> None:
        there = self.stored()
        content = self.remote_content()
        assert content.files == there
        assert set().union(*self.deleted) <= content.deleted.keys()
        newcomer = self.open(SERVERS)
        newcomer.synchronise()
        self.servers.append(newcomer)
        for number, server in enumerate(self.servers):
            shown = {file.storage_id: file for file in files_of(server)}
            assert shown == there, f"server {number}"
            with server.index.reading() as snapshot:
                assert not snapshot.pending(server.store), f"server {number} still waits"
            for project in self.published:
                answerer = server.answer_for(normalise(project)).answerer
                assert answerer in (Answerer.HERE, Answerer.RESERVED), f"server {number} gave {project} away"
                assert snapshot_has_page(server, project) == any(file.project == project for file in there.values())

    def stored(self) -> dict[str, DistributionFile]:
        return {stored.file.storage_id: stored.file for stored in self.store.files.values()}

    def remote_content(self) -> Content:
        parts = {name: part for name, (part, _) in self.store.index.items()}
        if not parts:
            return Content()
        whole = decode_main(parts[MAIN])
        return whole or merge(decode_shard(part) for name, part in parts.items() if name != MAIN)

    def close(self) -> None:
        for it in self.doing:
            it.actor.die()
        for server in self.servers:
            server.index.close()


def files_of(repository: Repository) -> list[DistributionFile]:
    with repository.index.reading() as snapshot:
        return [file for project in PROJECTS for file in snapshot.files(project)]


def snapshot_has_page(repository: Repository, project: str) -> bool:
    try:
        return bool(repository.project_page(normalise(project))[0].files)
    except ProjectNotFound:
        return False


_CHANGES = ("upload", "upload", "delete", "delete", "yank", "unyank")
_CARES = ("fold", "fold", "synchronise", "resolve")

#: What a server does, one after the other: mostly a change that is folded in, or folded by somebody else.
_which = st.tuples(st.sampled_from(PROJECTS), st.sampled_from(VERSIONS))
_program = st.tuples(
    st.integers(0, SERVERS - 1), st.lists(st.sampled_from(_CHANGES + _CARES), min_size=1, max_size=3), _which
)
_REBUILD = (None, ["rebuild"], ("", ""))
_before = st.lists(st.tuples(st.integers(0, SERVERS - 1), st.sampled_from(_CHANGES + _CARES), _which), max_size=4)


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [False, True], ids=["one part", "sharded"])
@settings(
    max_examples=_TRIES,
    deadline=None,
    derandomize="PYWHARF_INTERLEAVINGS" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_servers_and_a_rebuild_lose_nothing_and_bring_nothing_back(sharded: bool, data: st.DataObject) -> None:
    folder = Path(tempfile.mkdtemp(prefix="pywharf-test-", dir=_FOLDERS))
    with (
        mock.patch.object(remote_recovery, "_STILL_RUNNING", -1),
        mock.patch.object(remote_writing, "MOST_UNSHARDED", 0 if sharded else MOST_UNSHARDED),
    ):
        world = World(folder)
        try:
            begin_quietly(world, data)
            run_at_once(world, data)
            world.come_to_rest()
            world.check_rest()
        finally:
            world.close()
            shutil.rmtree(folder)


def begin_quietly(world: World, data: st.DataObject) -> None:
    """Something is published and in the index, one thing after the other; then what is not known to all yet."""
    for number in range(data.draw(st.integers(0, 3), "published before")):
        world.do_whole(number % SERVERS, "upload", *FILES[number])
    if data.draw(st.booleans(), "known to all"):
        world.come_to_rest()
    if data.draw(st.sampled_from([False, False, True]), "taken away"):
        world.remove_by_hand()
        for what in data.draw(st.lists(st.sampled_from(["synchronise", "delete", "yank"]), max_size=2), "meanwhile"):
            world.do_whole(0, what, *FILES[0])
        if data.draw(st.booleans(), "missed by all"):
            world.come_to_rest()
        if data.draw(st.booleans(), "and back"):
            world.bring_back_by_hand()
    for server, what, which in data.draw(_before, "before"):
        world.do_whole(server, what, *which)


def run_at_once(world: World, data: st.DataObject) -> None:
    """Programs step by step, in drawn order, a few steps each time."""
    programs = data.draw(st.lists(_program, min_size=1, max_size=3), "programs")
    todo = [(server, list(words), which) for server, words, which in [*programs, _REBUILD][:MOST_AT_ONCE]]
    running: dict[int, Doing] = {}
    for _ in range(data.draw(st.integers(1, TURNS), "turns")):
        mine = [number for number, (_, words, _) in enumerate(todo) if words or number in running]
        if not mine:
            break
        turn = data.draw(st.sampled_from([*mine, *mine, *mine, -1]), "turn")
        if turn == -1:
            happen(world, data)
            running = {number: doing for number, doing in running.items() if doing in world.doing}
            continue
        for _ in range(data.draw(st.integers(1, 4), "steps")):
            server, words, which = todo[turn]
            if turn not in running:
                if not words:
                    break
                doing = world.begin(server, words.pop(0), *which)
                if doing is None:
                    continue
                running[turn] = doing
            world.step(running[turn])
            if running[turn] not in world.doing:
                del running[turn]
            world.check_promises()


def happen(world: World, data: st.DataObject) -> None:
    """What rarely does."""
    match data.draw(st.sampled_from(["nothing", "nothing", "crash", "by hand", "back by hand"]), "rare"):
        case "crash":
            world.crash(data.draw(st.integers(0, SERVERS - 1), "server"))
        case "by hand":
            world.remove_by_hand()
        case "back by hand":
            world.bring_back_by_hand()


def test_a_storage_that_keeps_an_index_is_what_this_is_about() -> None:
    storage: Storage = SteppedStorage(MemoryStore())
    assert storage.keeps_index
