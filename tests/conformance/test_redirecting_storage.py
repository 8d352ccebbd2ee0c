"""A storage that serves files itself, by signed addresses: these are told to who asked for the file, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from pywharf_core import hookimpl, shared_secrets
from pywharf_core.model import DistributionFile
from pywharf_core.plugins import Plugins
from pywharf_core.storage import StorageType
from pywharf_core.storage_answers import RedirectTo
from pywharf_core.testing import make_wheel
from pywharf_core.testing.memory_storage import MemoryOptions, MemoryStorage, MemoryStorageType, MemoryStore
from server.in_process import Application, application
from support.listing import ACCEPT_JSON

SIGNED = "https://bucket.test/objects/1?signature=of-this-minute"
CONFIG = """
[local]
type = "signing"
read_secret = "reads"
write_secret = "writes"
"""


class _SigningStorage(MemoryStorage):
    def locate_file(self, file: DistributionFile) -> RedirectTo:
        del file
        return RedirectTo(SIGNED)


class _SigningStorageType(MemoryStorageType):
    name: ClassVar[str] = "signing"

    def open(self, repository: str, options: MemoryOptions, work: Path) -> MemoryStorage:
        del repository, options, work
        return _SigningStorage(MemoryStore())


class _Plugin:
    @hookimpl
    def pywharf_storage_types(self) -> Sequence[type[StorageType]]:
        return [_SigningStorageType]


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path, "held-elsewhere", "1.0")


@pytest.fixture
def app(tmp_path: Path, wheel: Path) -> Iterator[Application]:
    plugins = Plugins.of(_Plugin(), shared_secrets)
    with application(tmp_path / "root", CONFIG, None, plugins=plugins) as asked:
        assert asked.upload(wheel).status_code == 200
        yield asked


@pytest.mark.parametrize("base", ["/simple/", "/r/local/simple/"])
def test_a_file_is_had_by_a_redirect_that_nobody_stores_and_that_holds_nothing_of_ours(
    app: Application, wheel: Path, base: str
) -> None:
    answer = app.get(f"{base}held-elsewhere/{wheel.name}?x=1")
    assert answer.status_code == 302
    assert answer.headers["location"] == SIGNED
    assert answer.headers["cache-control"] == "no-store"
    assert "Authorization" in answer.headers["vary"]
    assert "etag" not in answer.headers


def test_head_is_answered_out_of_the_index_as_an_address_is_signed_for_get_alone(app: Application, wheel: Path) -> None:
    answer = app.get(f"/simple/held-elsewhere/{wheel.name}", method="HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(wheel.stat().st_size)
    assert "location" not in answer.headers
    known = {"If-None-Match": answer.headers["etag"]}
    assert app.get(f"/simple/held-elsewhere/{wheel.name}", headers=known).status_code == 304


def test_who_may_not_read_is_told_no_address(app: Application, wheel: Path) -> None:
    for credentials in (None, ("local", "wrong")):
        answer = app.get(f"/simple/held-elsewhere/{wheel.name}", credentials)
        assert (answer.status_code, "location" in answer.headers) == (401, False)


def test_signed_addresses_are_in_no_page_and_no_log(app: Application, wheel: Path) -> None:
    answer = app.get(f"/simple/held-elsewhere/{wheel.name}")
    assert answer.headers["location"] == SIGNED
    assert app.logged(app.get("/nowhere"))["status"] == 404  # then the lines before it are there, too
    pages = ["/simple/", "/simple/held-elsewhere/", "/pypi/held-elsewhere/json", "/pypi/held-elsewhere/1.0/json"]
    texts = [app.get(page, headers=headers).text for page in pages for headers in ({}, ACCEPT_JSON)]
    texts += [path.read_text() for path in app.root.log.iterdir()]
    assert any(wheel.name in text for text in texts)
    for text in texts:
        assert "bucket.test" not in text
        assert "signature" not in text


def test_metadata_is_served_by_ourselves(app: Application, wheel: Path) -> None:
    answer = app.get(f"/simple/held-elsewhere/{wheel.name}.metadata")
    assert answer.status_code == 200
    assert answer.content.startswith(b"Metadata-Version: ")
