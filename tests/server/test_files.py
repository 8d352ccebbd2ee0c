"""``/simple/<project>/<filename>`` and its ``.metadata``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pywharf_core import hookimpl, shared_secrets
from pywharf_core.plugins import Plugins
from pywharf_core.storage import StorageType
from pywharf_core.testing import make_wheel
from pywharf_core.testing.memory_storage import MemoryStorageType
from server.in_process import READER, Application, application
from support.running_server import wait_until


def test_a_file_comes_whole_with_validators_and_uncompressed(app: Application, holygrail: Path) -> None:
    answer = app.get(f"/simple/holygrail/{holygrail.name}", headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.content == holygrail.read_bytes()
    assert answer.headers["content-length"] == str(holygrail.stat().st_size)
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(answer.headers["vary"].split(", "))
    assert answer.headers["etag"].startswith('"')
    assert "content-encoding" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_under_its_repositorys_own_address_a_file_may_be_kept_for_good(app: Application, holygrail: Path) -> None:
    answer = app.get(f"/r/local/simple/holygrail/{holygrail.name}")
    assert "immutable" in answer.headers["cache-control"]
    assert "private" in answer.headers["cache-control"]


def test_a_file_that_the_client_has_is_304(app: Application, holygrail: Path) -> None:
    for name in (holygrail.name, f"{holygrail.name}.metadata"):
        path = f"/simple/holygrail/{name}"
        tag = app.get(path).headers["etag"]
        again = app.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert app.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=100-199", 100, 199),
        ("bytes=5000-", 5000, None),
        ("bytes=0-", 0, None),
        ("bytes=-100", -100, None),
        ("bytes=100-99999999", 100, None),
        ("bytes=-99999999", 0, None),
    ],
)
def test_a_range_is_answered_with_that_part(
    app: Application, holygrail: Path, asked: str, first: int, last: int | None
) -> None:
    content = holygrail.read_bytes()
    first = first % len(content)
    last = len(content) - 1 if last is None else last
    answer = app.get(f"/simple/holygrail/{holygrail.name}", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(content)}"
    assert answer.content == content[first : last + 1]
    assert answer.headers["content-length"] == str(last - first + 1)


@pytest.mark.parametrize("path", ["holygrail-1.0-py3-none-any.whl", "holygrail-1.0-py3-none-any.whl.metadata"])
@pytest.mark.usefixtures("holygrail")
def test_head_tells_what_get_would_and_knows_no_ranges(app: Application, path: str) -> None:
    whole = app.get(f"/simple/holygrail/{path}")
    head = app.get(f"/simple/holygrail/{path}", method="HEAD", headers={"Range": "bytes=0-9"})
    assert (head.status_code, head.headers, head.content) == (200, whole.headers, b"")


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_416_with_the_size(app: Application, holygrail: Path, asked: str) -> None:
    answer = app.get(f"/simple/holygrail/{holygrail.name}", headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{holygrail.stat().st_size}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "bytes=x-y", "bytes=-", "bytes=0-1,4-5", "lines=0-9", "bytes 0-9"])
def test_a_range_that_is_none_or_several_is_answered_with_the_whole(
    app: Application, holygrail: Path, asked: str
) -> None:
    answer = app.get(f"/simple/holygrail/{holygrail.name}", headers={"Range": asked})
    assert answer.status_code == 200
    assert answer.content == holygrail.read_bytes()


def test_a_range_holds_only_as_long_as_the_file_is_the_one_that_the_client_has(
    app: Application, holygrail: Path
) -> None:
    path = f"/simple/holygrail/{holygrail.name}"
    tag = app.get(path).headers["etag"]
    assert app.get(path, headers={"Range": "bytes=5-9", "If-Range": tag}).status_code == 206
    for other in ('"other"', f"W/{tag}", "Sat, 01 Jan 2000 00:00:00 GMT"):
        assert app.get(path, headers={"Range": "bytes=5-9", "If-Range": other}).status_code == 200


def test_one_repositorys_file_is_another_ones_404_though_its_tag_is_sent(app: Application, holygrail: Path) -> None:
    path = f"/simple/holygrail/{holygrail.name}"
    tag = app.get(path, READER).headers["etag"]
    assert app.get(path, ("other", "reads-other"), headers={"If-None-Match": tag}).status_code == 404


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    "filename",
    [
        "..%2F..%2Fconfig.toml",
        "%2e%2e%2f%2e%2e%2fserver.sqlite3",
        "holygrail-1.0-py3-none-any.whl.meta",
        ".holygrail-1.0-py3-none-any.whl.part",
        "nothing.metadata",
        ".metadata",
        "holygrail-1.0.tar.gz.metadata.metadata",
        "HOLYGRAIL-1.0.tar.gz",
        "a%00b",
    ],
)
def test_only_what_is_listed_can_be_had(app: Application, filename: str) -> None:
    assert app.get(f"/simple/holygrail/{filename}").status_code == 404


def test_a_file_that_vanished_from_the_store_is_404_and_no_longer_listed(app: Application, holygrail: Path) -> None:
    (app.store() / "holygrail" / holygrail.name).unlink()
    answer = app.get(f"/simple/holygrail/{holygrail.name}")
    assert answer.status_code == 404
    assert holygrail.name not in app.listed("holygrail")


def test_a_file_that_was_overwritten_in_the_store_is_never_served_as_what_was_listed(
    app: Application, holygrail: Path
) -> None:
    stored = app.store() / "holygrail" / holygrail.name
    good = stored.read_bytes()
    sha256 = app.listed("holygrail")[holygrail.name]
    stored.chmod(0o600)
    stored.write_bytes(b"x" * len(good))
    answer = app.get(f"/simple/holygrail/{holygrail.name}")
    assert answer.status_code in (404, 503)
    assert sha256 not in app.listed("holygrail").values()


class _Memory:
    @hookimpl
    def pywharf_storage_types(self) -> Sequence[type[StorageType]]:
        return [MemoryStorageType]


def test_a_file_that_is_streamed_and_vanished_from_the_storage_is_404_and_no_longer_listed(tmp_path: Path) -> None:
    config = '[local]\ntype = "memory"\nread_secret = "reads"\nwrite_secret = "writes"\nstore = "vanishing"\n'
    wheel = make_wheel(tmp_path, "gone", "1.0")
    with application(tmp_path / "root", config, None, plugins=Plugins.of(_Memory(), shared_secrets)) as app:
        assert app.upload(wheel).status_code == 200
        assert app.get(f"/simple/gone/{wheel.name}").content == wheel.read_bytes()
        MemoryStorageType.stores["vanishing"].files.clear()
        assert app.get(f"/simple/gone/{wheel.name}").status_code == 404
        assert not app.listed("gone")


def test_a_file_removed_by_hand_leaves_its_name_reserved(tmp_path: Path) -> None:
    config = (
        '[local]\ntype = "file_system"\nread_secret = "reads"\nwrite_secret = "writes"\nsync_index_interval = 0.2\n'
    )
    wheel = make_wheel(tmp_path, "gone", "1.0")
    with application(tmp_path / "root", config, None) as app:
        assert app.upload(wheel).status_code == 200
        (app.store() / "gone" / wheel.name).unlink()
        wait_until(lambda: not app.listed("gone"), "no longer listed")
        assert app.get("/simple/gone/").status_code == 404
        assert app.projects() == []
    # The index is only a cache: the reservation is in the store.
    for path in (tmp_path / "root" / "index").iterdir():
        path.unlink()
    with application(tmp_path / "root", None) as app:
        assert app.get("/simple/gone/").status_code == 404
