"""Plugins have their say before anything is stored, and hear of changes after they were made."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.two_servers import Uploads, listed
from pywharf_core import changes, hookimpl, shared_secrets
from pywharf_core.config import load_configuration
from pywharf_core.errors import FileAlreadyExists, PluginError, UploadRefused
from pywharf_core.filenames import normalise
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.testing import MemoryStorageType
from pywharf_core.wharf import Wharf

PATIENCE = 10.0  # seconds
GRAIL = normalise("holygrail")
WHEEL = "holygrail-1.0-py3-none-any.whl"


def plugin(**functions: Callable[..., Any]) -> SimpleNamespace:
    return SimpleNamespace(**{f"pywharf_{name}": hookimpl(function) for name, function in functions.items()})


@pytest.fixture
def served_with(tmp_path: Path) -> Iterator[Callable[..., Repository]]:
    """Opens a repository, synchronised and empty, that these plugins have a say in."""
    with ExitStack() as stack:

        def serve(*plugins: object) -> Repository:
            storage = plugin(storage_types=lambda: [MemoryStorageType])
            found = Plugins.of(storage, shared_secrets, *plugins)
            assert not found.broken, found.warnings
            config = load_configuration('[local]\ntype = "memory"\nread_secret = "x"\n', None, found)
            repository = stack.enter_context(Wharf.open(config, Root(tmp_path / "root"))).repositories["local"]
            repository.synchronise()
            return repository

        yield serve


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads")


class Heard:
    """What a plugin was told, in order; ``wait_for`` gives up after a while."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, ...]] = []
        self._more = threading.Condition()

    def add(self, *message: str) -> None:
        with self._more:
            self.messages.append(message)
            self._more.notify_all()

    def wait_for(self, number: int) -> list[tuple[str, ...]]:
        with self._more:
            assert self._more.wait_for(lambda: len(self.messages) >= number, PATIENCE), self.messages
            return self.messages

    def plugin(self) -> SimpleNamespace:
        return plugin(
            file_published=lambda repository, file: self.add("published", repository, file.filename),
            file_removed=lambda repository, file: self.add("removed", repository, file.filename),
        )


# --- refusing ------------------------------------------------------------------------------------------------


def test_a_refused_upload_is_not_stored_and_its_uploader_reads_why(
    served_with: Callable[..., Repository], uploads: Uploads
) -> None:
    heard = Heard()
    repository = served_with(
        plugin(refuse_upload=lambda file: f" {file.project} is no name of ours.\n"), heard.plugin()
    )
    with pytest.raises(UploadRefused) as refused:
        uploads.publish(repository)
    assert str(refused.value) == "holygrail is no name of ours."
    assert list(repository.storage.scan({})) == []
    assert repository.project_list()[0] == []
    assert heard.messages == []


def test_a_plugin_is_asked_with_all_that_is_known_of_the_file(
    served_with: Callable[..., Repository], uploads: Uploads
) -> None:
    asked: list[tuple[object, ...]] = []

    def refuse_upload(repository: str, file: Any, metadata: Any, path: Path) -> None:
        asked.append((repository, file.filename, metadata["summary"], path.read_bytes()))

    repository = served_with(plugin(refuse_upload=refuse_upload))
    file, staged = uploads.make(content="a summary")
    content = staged.path.read_bytes()
    assert changes.publish(repository, file, staged).new
    assert asked == [("local", WHEEL, "a summary", content)]


def test_the_first_refusal_wins_and_the_next_plugin_is_not_asked(
    served_with: Callable[..., Repository], uploads: Uploads
) -> None:
    asked: list[str] = []
    repository = served_with(
        plugin(refuse_upload=lambda: asked.append("first")),
        plugin(refuse_upload=lambda: "The second says no."),
        plugin(refuse_upload=lambda: asked.append("third")),
    )
    with pytest.raises(UploadRefused, match="The second says no"):
        uploads.publish(repository)
    assert asked == ["first"]


def test_nobody_is_asked_about_what_is_published_already(
    served_with: Callable[..., Repository], uploads: Uploads
) -> None:
    allowed = [True]
    heard = Heard()
    repository = served_with(plugin(refuse_upload=lambda: None if allowed.pop() else "No."), heard.plugin())
    assert uploads.publish(repository).new
    assert not uploads.publish(repository).new
    with pytest.raises(FileAlreadyExists):
        uploads.publish(repository, content="other")
    assert heard.wait_for(1) == [("published", "local", WHEEL)]


def fails() -> None:
    raise RuntimeError("no luck")


def leaves() -> None:
    raise SystemExit(3)


def is_cancelled() -> None:
    raise asyncio.CancelledError("in the middle")


@pytest.mark.parametrize(
    ("refuse_upload", "why"),
    [
        (fails, "no luck"),
        (leaves, "3"),
        (is_cancelled, "in the middle"),
        (lambda: True, "answered True, which is neither a sentence nor None"),
        (lambda: " ", "answered ' '"),
    ],
    ids=["an error", "an exit", "a cancellation", "no text", "an empty text"],
)
def test_a_plugin_that_fails_keeps_the_upload_out_and_is_named_in_the_log_alone(
    served_with: Callable[..., Repository],
    uploads: Uploads,
    caplog: pytest.LogCaptureFixture,
    refuse_upload: Callable[[], object],
    why: str,
) -> None:
    repository = served_with(plugin(refuse_upload=refuse_upload))
    with pytest.raises(PluginError) as caught:
        uploads.publish(repository)
    assert str(caught.value) == (
        f"Nothing was published: a plugin of this server could not judge {WHEEL}; the log names it."
    )
    assert list(repository.storage.scan({})) == []
    (line,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert vars(line).items() >= {
        "plugin": "SimpleNamespace",
        "distribution": "this process",
        "hook": "pywharf_refuse_upload",
        "repository": "local",
        "file": WHEEL,
    }.items()  # fmt: skip
    assert line.exc_info is not None
    assert why in str(line.exc_info[1])


def test_ctrl_c_stops_a_command_while_a_plugin_judges(served_with: Callable[..., Repository], uploads: Uploads) -> None:
    def is_interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        uploads.publish(served_with(plugin(refuse_upload=is_interrupted)))


# --- being told ----------------------------------------------------------------------------------------------


def test_changes_are_told_in_their_order_once_they_are_listed(
    served_with: Callable[..., Repository], uploads: Uploads
) -> None:
    heard = Heard()
    there: list[bool] = []
    look = plugin(file_published=lambda file: there.append(file.filename in listed(repository, file.project)))
    repository = served_with(look, heard.plugin())
    uploads.publish(repository)
    uploads.publish(repository, version="2.0")
    changes.yank(repository, GRAIL, "1.0", "nobody is told of this")
    changes.delete(repository, GRAIL, version="1.0")
    assert heard.wait_for(3) == [
        ("published", "local", WHEEL),
        ("published", "local", "holygrail-2.0-py3-none-any.whl"),
        ("removed", "local", WHEEL),
    ]
    assert there == [True, True]


def test_a_plugin_that_fails_at_being_told_is_named_in_the_log_and_disturbs_nobody(
    served_with: Callable[..., Repository], uploads: Uploads, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()
    repository = served_with(
        plugin(file_published=fails, file_removed=leaves), plugin(file_published=is_cancelled), heard.plugin()
    )
    assert uploads.publish(repository).new
    assert changes.delete(repository, GRAIL, version="1.0")
    assert heard.wait_for(2) == [("published", "local", WHEEL), ("removed", "local", WHEEL)]
    failures = [vars(record) for record in caplog.records if record.levelno == logging.ERROR]
    assert [(line["plugin"], line["hook"], line["file"]) for line in failures] == [
        ("SimpleNamespace", "pywharf_file_published", WHEEL),
        ("SimpleNamespace", "pywharf_file_published", WHEEL),
        ("SimpleNamespace", "pywharf_file_removed", WHEEL),
    ]


def test_a_publication_does_not_wait_for_who_is_told(served_with: Callable[..., Repository], uploads: Uploads) -> None:
    heard, go_on = Heard(), threading.Event()
    repository = served_with(plugin(file_published=lambda: go_on.wait(PATIENCE)), heard.plugin())
    assert uploads.publish(repository).new
    assert heard.messages == []
    go_on.set()
    heard.wait_for(1)


def test_more_changes_than_anybody_waits_for_are_dropped_with_a_warning(
    served_with: Callable[..., Repository],
    uploads: Uploads,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pywharf_core.change_hooks._MOST_WAITING", 2)
    heard, begun, go_on = Heard(), threading.Event(), threading.Event()

    def is_slow() -> None:
        begun.set()
        go_on.wait(PATIENCE)

    repository = served_with(plugin(file_published=is_slow), heard.plugin())
    uploads.publish(repository, version="0")
    assert begun.wait(PATIENCE)
    for version in "123":
        assert uploads.publish(repository, version=version).new
    go_on.set()
    assert [message[2].split("-")[1] for message in heard.wait_for(3)] == ["0", "1", "2"]
    (line,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert vars(line)["file"] == "holygrail-3-py3-none-any.whl"


def test_who_has_no_such_plugin_has_no_thread_for_it(served_with: Callable[..., Repository], uploads: Uploads) -> None:
    before = set(threading.enumerate())
    uploads.publish(served_with())
    assert set(threading.enumerate()) <= before


# --- plugins -------------------------------------------------------------------------------------------------


def test_many_plugins_may_implement_one_hook_and_each_says_so() -> None:
    one, two = plugin(refuse_upload=lambda: None), plugin(refuse_upload=lambda: None, file_removed=lambda: None)
    found = Plugins.of(one, two)
    assert [installed.provides for installed in found.installed] == [
        ("hook pywharf_refuse_upload",),
        ("hook pywharf_refuse_upload", "hook pywharf_file_removed"),
    ]
