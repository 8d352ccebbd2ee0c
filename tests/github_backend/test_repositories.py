"""Core on the GitHub storage: publish, list, download, yank and delete, on two servers with a ROOT each."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from github_fake import FakeGitHub, Token
from github_fake import Repository as OnGitHub
from pywharf_core import RedirectTo, Secret, changes, normalise, remote_changes
from pywharf_core.config import load_configuration
from pywharf_core.errors import FileAlreadyExists, NotPermitted, ProjectNotFound
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.testing import make_upload
from pywharf_core.wharf import Wharf
from pywharf_github import changing, plugin

PROJECT = normalise("holygrail")

Server = Callable[[str], Repository]


@pytest.fixture
def server(fake: FakeGitHub, repository: OnGitHub, tmp_path: Path) -> Iterator[Server]:
    """A server by the name of its ROOT, synchronising with a token of its own."""
    admin = fake.token("admin", rights={"acme/packages": "write"})
    config = f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\napi_url = "{fake.api_url}"\n'
    secret = f'[acme]\ntype = "github"\nraw = "{admin.value}"\n'
    with ExitStack() as stack:

        def open_server(root: str) -> Repository:
            configurations = load_configuration(config, secret, Plugins.of(plugin))
            wharf = stack.enter_context(Wharf.open(configurations, Root(tmp_path / root)))
            wharf.repositories["acme"].synchronise()
            return wharf.repositories["acme"]

        yield open_server


def listed(repository: Repository) -> set[str]:
    try:
        page, _ = repository.project_page(PROJECT)
    except ProjectNotFound:
        return set()
    return {f"{file.filename} yanked" if file.yanked is not None else file.filename for file in page.files}


def yanks(repository: Repository) -> set[str | None]:
    page, _ = repository.project_page(PROJECT)
    return {file.yanked for file in page.files}


def test_a_publication_is_seen_at_once_here_and_after_a_fold_there(
    fake: FakeGitHub, server: Server, writer: Token, tmp_path: Path
) -> None:
    here, there = server("here"), server("there")
    with fake.calls.during() as calls:
        published = changes.publish(here, *make_upload(tmp_path), secret=Secret(writer.value))
    assert calls.charged == 3
    assert {call.token for call in calls} == {"writer"}
    assert listed(here) == {published.file.filename}
    here.synchronise()
    assert listed(here) == {published.file.filename}
    assert listed(there) == set()
    assert remote_changes.fold(here)
    there.synchronise()
    assert listed(there) == {published.file.filename}
    assert isinstance(there.view(Secret(writer.value)).locate_file(published.file), RedirectTo)


def test_an_idle_synchronisation_costs_nothing_of_the_limit(
    fake: FakeGitHub, server: Server, writer: Token, tmp_path: Path
) -> None:
    here = server("here")
    changes.publish(here, *make_upload(tmp_path), secret=Secret(writer.value))
    remote_changes.fold(here)
    here.synchronise()
    with fake.calls.during() as calls:
        here.synchronise()
    assert (len(calls), calls.charged) == (1, 0)


def test_a_yank_and_a_deletion_reach_the_other_server_and_stay(
    server: Server, writer: Token, repository: OnGitHub, tmp_path: Path
) -> None:
    here, there, secret = server("here"), server("there"), Secret(writer.value)
    file = changes.publish(here, *make_upload(tmp_path), secret=secret).file
    changes.yank(here, PROJECT, "1.0", "broken", secret)
    remote_changes.fold(here)
    there.synchronise()
    assert listed(there) == {f"{file.filename} yanked"}
    changes.delete(there, PROJECT, version="1.0", secret=secret)
    remote_changes.fold(there)
    here.synchronise()
    assert listed(here) == listed(there) == set()
    remote_changes.update_index(here)
    assert listed(here) == listed(server("new")) == set()
    with pytest.raises(FileAlreadyExists, match="deleted"):
        changes.publish(server("newer"), *make_upload(tmp_path, summary="other"), secret=secret)
    again = changes.publish(here, *make_upload(tmp_path), secret=secret)
    assert again.new
    remote_changes.fold(here)
    there.synchronise()
    assert listed(here) == listed(there) == {file.filename}
    assert again.file.filename in listed(server("last"))


def test_of_two_servers_yanks_at_one_moment_the_newer_stays_everywhere_after_a_rebuild(
    fake: FakeGitHub,
    server: Server,
    writer: Token,
    repository: OnGitHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, there, secret = server("here"), server("there"), Secret(writer.value)
    file = changes.publish(here, *make_upload(tmp_path), secret=secret).file
    remote_changes.fold(here)
    there.synchronise()

    def yank_there() -> None:
        monkeypatch.setattr(changing, "_UPDATING", [threading.Lock()] * 64)  # those of another process
        thread = threading.Thread(target=changes.yank, args=(there, PROJECT, "1.0", "the newer", secret))
        thread.start()
        thread.join()

    fake.faults.next("PATCH /repos/{o}/{r}/releases/{id}", before=yank_there)
    changes.yank(here, PROJECT, "1.0", "the older, which comes last", secret)

    def on_github() -> str | None:
        found = there.view(secret).find_file(file)
        return None if found is None else found.yanked

    assert on_github() == "the older, which comes last"
    for either in (here, there):
        remote_changes.fold(either)
    for either in (here, there, server("new")):
        either.synchronise()
        assert yanks(either) == {"the newer"}
    remote_changes.update_index(here)
    assert on_github() == "the newer"
    for either in (here, there, server("newest")):
        either.synchronise()
        assert yanks(either) == {"the newer"}


def test_an_index_that_was_kept_from_another_root_need_not_be_read_again(
    fake: FakeGitHub, server: Server, writer: Token, tmp_path: Path
) -> None:
    here = server("here")
    file = changes.publish(here, *make_upload(tmp_path), secret=Secret(writer.value)).file
    remote_changes.fold(here)
    here.synchronise()
    here.close()
    (tmp_path / "next").mkdir()
    shutil.copytree(tmp_path / "here" / "index", tmp_path / "next" / "index")
    with fake.calls.during() as calls:
        assert listed(server("next")) == {file.filename}
    assert calls.count("GET /repos/{o}/{r}/git/blobs/{sha}") == 0


def test_the_same_file_again_is_answered_by_what_is_there(
    server: Server, writer: Token, repository: OnGitHub, tmp_path: Path
) -> None:
    here, there, secret = server("here"), server("there"), Secret(writer.value)
    first = changes.publish(here, *make_upload(tmp_path), secret=secret)
    assert not changes.publish(there, *make_upload(tmp_path), secret=secret).new
    with pytest.raises(FileAlreadyExists):
        changes.publish(there, *make_upload(tmp_path, summary="other"), secret=secret)
    assert listed(there) == {first.file.filename}
    assert len(repository.releases) == 1


def test_a_lost_root_and_a_lost_index_are_built_anew(
    fake: FakeGitHub, server: Server, writer: Token, repository: OnGitHub, tmp_path: Path
) -> None:
    here, secret = server("here"), Secret(writer.value)
    file = changes.publish(here, *make_upload(tmp_path), secret=secret).file
    assert listed(server("new")) == {file.filename}, "without an index, a scan tells"
    remote_changes.fold(here)
    assert listed(server("newer")) == {file.filename}
    fake.put_file(repository, "index.toml", None)
    assert listed(server("newest")) == {file.filename}
    here.synchronise()
    assert listed(here) == {file.filename}


def test_a_reader_s_upload_is_refused_by_github(
    fake: FakeGitHub, server: Server, reader: Token, repository: OnGitHub, tmp_path: Path
) -> None:
    here = server("here")
    with pytest.raises(NotPermitted):
        changes.publish(here, *make_upload(tmp_path), secret=Secret(reader.value))
    assert listed(here) == set()
    assert not repository.releases
