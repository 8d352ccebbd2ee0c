"""``/pypi/<project>/json`` and ``/pypi/<project>/<version>/json``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pywharf_core.testing import make_sdist, make_wheel
from server.in_process import OTHER_READER, READER, WRITER, Application, application
from support.running_server import wait_until
from support.uploads import basic

LOCAL = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
"""


def _json(app: Application, path: str, **options: Any) -> dict[str, Any]:
    answer = app.get(path, **options)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/pypi/holygrail/json", "http://testserver"),
        ("/pypi/holygrail/json/", "http://testserver"),
        ("/pypi/holygrail/1.0/json", "http://testserver"),
        ("/pypi/holygrail/1.0/json/", "http://testserver"),
        ("/r/local/pypi/holygrail/json", "http://testserver/r/local"),
        ("/r/local/pypi/holygrail/1.0.0/json", "http://testserver/r/local"),
    ],
)
def test_every_url_of_a_document_is_absolute_and_those_of_files_lead_to_them(
    app: Application, path: str, base: str
) -> None:
    document = _json(app, path)
    assert document["info"]["package_url"] == document["info"]["project_url"] == f"{base}/project/holygrail/"
    assert document["info"]["release_url"] == f"{base}/project/holygrail/1.0/"
    assert len(document["urls"]) == 2
    for file in document["urls"]:
        assert file["url"] == f"{base}/simple/holygrail/{file['filename']}"
        content = app.get(file["url"]).content
        assert len(content) == file["size"]
        assert hashlib.sha256(content).hexdigest() == file["digests"]["sha256"]
        assert hashlib.blake2b(content, digest_size=32).hexdigest() == file["digests"]["blake2b_256"]
        metadata = app.get(f"{file['url']}.metadata").content
        assert hashlib.sha256(metadata).hexdigest() == file["core-metadata"]["sha256"]
    assert ("releases" in document) == ("1.0" not in path)


@pytest.mark.usefixtures("holygrail")
def test_the_serial_grows_with_the_project_and_only_with_it(app: Application, tmp_path: Path) -> None:
    before = _json(app, "/pypi/holygrail/json")["last_serial"]
    assert app.upload(make_wheel(tmp_path, "another", "1.0")).status_code == 200
    assert _json(app, "/pypi/holygrail/json")["last_serial"] == before
    assert app.upload(make_wheel(tmp_path, "holygrail", "1.1")).status_code == 200
    assert _json(app, "/pypi/holygrail/json")["last_serial"] > before > 0


def test_the_project_tells_its_latest_release_and_a_version_tells_itself(app: Application, tmp_path: Path) -> None:
    for version in ("1.0", "2.0", "3.0a1"):
        wheel = make_wheel(tmp_path, "foo", version, summary=f"Of {version}")
        assert app.upload(wheel).status_code == 200
    whole = _json(app, "/pypi/foo/json")
    assert (whole["info"]["version"], whole["info"]["summary"]) == ("2.0", "Of 2.0")
    assert set(whole["releases"]) == {"1.0", "2.0", "3.0a1"}
    assert whole["urls"] == whole["releases"]["2.0"]
    assert _json(app, "/pypi/foo/1/json")["info"]["summary"] == "Of 1.0"
    assert _json(app, "/pypi/foo/3.0.alpha.1/json")["info"]["summary"] == "Of 3.0a1"
    yanked = app.client.post("/manage/foo/2.0/yank", data={"reason": "Loses data"}, headers=basic(*WRITER))
    assert yanked.status_code == 200
    whole = _json(app, "/pypi/foo/json")
    assert (whole["info"]["version"], whole["info"]["yanked"]) == ("1.0", False)
    assert whole["releases"]["2.0"][0]["yanked_reason"] == "Loses data"
    told = _json(app, "/pypi/foo/2.0/json")["info"]
    assert (told["yanked"], told["yanked_reason"]) == (True, "Loses data")


def test_the_first_upload_of_a_release_describes_it(app: Application, tmp_path: Path) -> None:
    sdist = make_sdist(
        tmp_path,
        "foo",
        "1.0",
        summary="Of the sdist",
        description="# The sdist's\n\nGrüße",
        headers=[("Description-Content-Type", "text/markdown"), ("Dynamic", "Requires-Dist")],
    )
    wheel = make_wheel(tmp_path, "foo", "1.0", summary="Of the wheel", description="The wheel's")
    other = make_wheel(tmp_path, "foo", "2.0", description="Another wheel's", requires_dist=["bar>=1"])
    for file in (sdist, wheel, other):
        assert app.upload(file).status_code == 200
    told = _json(app, "/pypi/foo/1.0/json")["info"]
    assert told["summary"] == "Of the sdist"
    assert told["description"] == "# The sdist's\n\nGrüße"
    assert told["description_content_type"] == "text/markdown"
    assert [key.lower() for key in told["dynamic"]] == ["requires-dist"]
    told = _json(app, "/pypi/foo/json")["info"]
    assert (told["description"], told["requires_dist"]) == ("Another wheel's", ["bar>=1"])


def test_a_description_in_the_header_as_old_tools_wrote_it_is_unfolded(app: Application, tmp_path: Path) -> None:
    folded = "Foo\n        ===\n        \n        ::\n        \n            code"
    for version, header in (("1.0", folded), ("2.0", folded.replace("\n        ", "\n       |"))):
        wheel = make_wheel(tmp_path, "foo", version, headers=[("Description", header)])
        assert app.upload(wheel).status_code == 200
        told = _json(app, f"/pypi/foo/{version}/json")["info"]
        assert told["description"] == "Foo\n===\n\n::\n\n    code"


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    ("asked", "location"),
    [
        ("/pypi/HolyGrail/json", "/pypi/holygrail/json"),
        ("/pypi/HOLYGRAIL/json/", "/pypi/holygrail/json/"),
        ("/pypi/HolyGrail/1.0/json", "/pypi/holygrail/1.0/json"),
        ("/r/local/pypi/HolyGrail/1.0/json/", "/r/local/pypi/holygrail/1.0/json/"),
        ("/pypi/Zope.Interface/1%212.0+x/json", "/pypi/zope-interface/1%212.0%2Bx/json"),
    ],
)
def test_other_spellings_of_a_name_lead_to_the_one_address_with_the_query_kept(
    app: Application, asked: str, location: str
) -> None:
    answer = app.get(f"{asked}?x=1")
    assert answer.status_code == 301
    assert answer.headers["location"].replace("!", "%21") == f"{location}?x=1"


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    "path",
    [
        "/pypi/requests/json",
        "/pypi/acme-tools/json",
        "/pypi/requests/1.0/json",
        "/pypi/holygrail/2.0/json",
        "/pypi/holygrail/latest/json",
        "/pypi/-x/json",
        "/pypi/holygrail",
        "/pypi/holygrail/xml",
    ],
)
def test_what_is_not_here_is_404_and_never_sent_elsewhere(app: Application, path: str) -> None:
    answer = app.get(path, headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert answer.json()["message"].endswith((".", "/."))


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", ["/pypi/holygrail/json", "/pypi/unknown/json"])
def test_only_who_may_read_the_repository_is_told(app: Application, path: str) -> None:
    assert app.get(path, None).status_code == 401
    assert app.get(path, ("local", "wrong")).status_code == 401
    other = app.get("/pypi/holygrail/json", OTHER_READER)
    assert set(other.json()["releases"]) == {"9.0"}


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("path", ["/pypi/holygrail/json", "/pypi/holygrail/1.0/json"])
def test_a_document_is_validated_compressed_and_kept_like_a_page(app: Application, path: str) -> None:
    plain = app.get(path, headers={"Accept-Encoding": "identity", "Accept": "text/html"})
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["cache-control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= set(plain.headers["vary"].split(", "))
    packed = app.get(path, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    for answer in (plain, packed):
        encoding = {"Accept-Encoding": answer.headers.get("content-encoding", "identity")}
        again = app.get(path, headers={**encoding, "If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    head = app.get(path, method="HEAD", headers={"Accept-Encoding": "identity"})
    assert head.content == b""
    assert head.headers["content-length"] == str(len(plain.content))
    assert app.client.post(path, headers=basic(*READER)).status_code == 405


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "index.acme.test:8443"}, "http://index.acme.test:8443"),
        ({"Host": "[2001:db8::1]:8080"}, "http://[2001:db8::1]:8080"),
        ({"Host": 'evil"host/x'}, "http://testserver:80"),
    ],
)
def test_each_host_name_gets_its_own_addresses(app: Application, headers: Mapping[str, str], base: str) -> None:
    for _ in range(2):
        assert _json(app, "/pypi/holygrail/json")["info"]["package_url"] == "http://testserver/project/holygrail/"
        found = _json(app, "/pypi/holygrail/json", headers=headers)
        assert found["info"]["package_url"] == f"{base}/project/holygrail/"


def test_behind_a_trusted_proxy_the_addresses_are_the_proxys(tmp_path: Path) -> None:
    with application(tmp_path / "root", trusted_proxies=("192.0.2.0/24",)) as app:
        assert app.upload(make_wheel(tmp_path, "foo", "1.0")).status_code == 200
        headers = {
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "index.acme.test",
            "X-Forwarded-Prefix": "/wharf",
        }
        document = _json(app, "/r/local/pypi/foo/json", headers=headers)
        (file,) = document["urls"]
        assert file["url"] == f"https://index.acme.test/wharf/r/local/simple/foo/{file['filename']}"


def test_a_quarantined_project_offers_no_files(app: Application, tmp_path: Path) -> None:
    assert app.upload(make_wheel(tmp_path, "foo", "1.0")).status_code == 200
    for status, code in (("quarantined", 404), ("archived", 200)):
        sent = app.client.post("/manage/foo/status", data={"status": status}, headers=basic(*WRITER))
        assert sent.status_code == 200
        for path in ("/pypi/foo/json", "/pypi/foo/1.0/json"):
            answer = app.get(path)
            assert answer.status_code == code
            assert code == 200 or "quarantined" in answer.text


def test_while_nobody_knows_what_is_here_the_answer_is_503(tmp_path: Path) -> None:
    blocked = tmp_path / "store"
    blocked.symlink_to(tmp_path / "not" / "mounted")
    with application(tmp_path / "root", f"{LOCAL}path = {str(blocked)!r}\n", None, ready=False) as app:
        answer = app.get("/pypi/foo/json")
        assert answer.status_code == 503
        assert 1 <= int(answer.headers["retry-after"]) <= 5


def test_a_store_that_is_gone_makes_no_unknown_project_and_no_empty_description(tmp_path: Path) -> None:
    with application(tmp_path / "root", f"{LOCAL}sync_index_interval = 0.1\n", None) as app:
        assert app.upload(make_wheel(tmp_path, "foo", "1.0", description="Read me")).status_code == 200
        elsewhere = app.store().rename(tmp_path / "elsewhere")
        assert app.get("/pypi/foo/json").status_code == 503
        wait_until(lambda: app.get("/pypi/unknown/json").status_code == 503, "the failure is known")
        elsewhere.rename(app.store())
        assert _json(app, "/pypi/foo/json")["info"]["description"] == "Read me"
        wait_until(lambda: app.get("/pypi/unknown/json").status_code == 404, "the failure is over")
        app.store().rename(elsewhere)
        assert _json(app, "/pypi/foo/json")["info"]["description"] == "Read me"  # nothing changed that is listed
        elsewhere.rename(app.store())


def test_a_file_that_vanished_from_the_store_leaves_the_description_empty(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "foo", "1.0", summary="A foo", description="Read me")
    assert app.upload(wheel).status_code == 200
    (app.store() / "foo" / wheel.name).unlink()
    told = _json(app, "/pypi/foo/json")["info"]
    assert (told["summary"], told["description"]) == ("A foo", "")


@pytest.mark.usefixtures("holygrail")
def test_a_version_of_more_digits_than_python_reads_is_404(app: Application) -> None:
    digits = "1" * 5000
    assert app.get(f"/pypi/holygrail/{digits}/json").status_code == 404
    assert app.get(f"/manage/holygrail/{digits}/yank", WRITER, method="POST").status_code == 404
    address = f"/integrity/holygrail/{digits}/holygrail-1.0-py3-none-any.whl/provenance"
    assert app.get(address).status_code == 404
