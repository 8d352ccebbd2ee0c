"""Single lines of the checklist that are nobody else's subject."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from httpx2 import Response

from conformance.hostile import SCRIPT, hostile_wheel
from core.upload.crafted import METADATA, WHEEL_FILES, zip_of
from pywharf_core.testing import make_sdist, make_wheel
from server.in_process import READER, WRITER, Application, application
from support.listing import ACCEPT_JSON, JSON
from support.uploads import FilePart, basic, encode, form_headers, form_of

HTML_V1 = "application/vnd.pypi.simple.v1+html"


# --- pages --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["/simple/odd-name-x/", "/simple/Odd.Name__x", "/r/local/simple/ODD-NAME-X/"])
@pytest.mark.parametrize("prefix", ["", "/team/python"])
def test_relative_links_lead_to_the_files_behind_a_prefix_and_after_a_redirect(
    hostile: Application, asked: str, prefix: str
) -> None:
    """The client asks the proxy, which takes the prefix off and says so."""

    def through_proxy(url: str) -> tuple[str, bytes]:
        parts = urlsplit(url)
        assert parts.path.startswith(f"{prefix}/")
        path = parts.path.removeprefix(prefix) + (f"?{parts.query}" if parts.query else "")
        answer = hostile.get(path, headers={**ACCEPT_JSON, "X-Forwarded-Prefix": prefix})
        if answer.status_code == 301:
            return through_proxy(urljoin(url, answer.headers["location"]))
        assert answer.status_code == 200, answer.text
        return url, answer.content

    with_query = f"https://proxy.test{prefix}{asked}?format={JSON}"
    base, _ = through_proxy(with_query)
    assert base.startswith("https://proxy.test/")
    document = hostile.get(urlsplit(base).path.removeprefix(prefix), headers=ACCEPT_JSON).json()
    assert len(document["files"]) == 15
    for entry in document["files"]:
        _, content = through_proxy(urljoin(base, entry["url"]))
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["size"], entry["hashes"]["sha256"])


# --- caching ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
def test_no_answer_leaves_its_freshness_to_be_guessed(app: Application) -> None:
    # uv takes a page with Last-Modified and without Cache-Control for fresh during a tenth of its age.
    file = "/simple/holygrail/holygrail-1.0-py3-none-any.whl"
    asked: list[tuple[str, dict[str, str], int]] = [
        ("/simple/", {}, 200),
        ("/simple/holygrail/", {}, 200),
        ("/simple/holygrail/", {"If-None-Match": "*"}, 304),
        ("/simple/HolyGrail/", {}, 301),
        ("/simple/unknown/", {}, 307),
        ("/simple/acme-x/", {}, 404),
        ("/simple/", {"Accept": "image/png"}, 406),
        (file, {}, 200),
        (file, {"Range": "bytes=0-9"}, 206),
        (file, {"Range": "bytes=9999999-"}, 416),
        (file, {"If-None-Match": "*"}, 304),
        (f"{file}.metadata", {}, 200),
        ("/pypi/holygrail/json", {}, 200),
        ("/pypi/unknown/json", {}, 404),
    ]
    for prefix in ("", "/r/local"):
        for path, headers, status in asked:
            answer = app.get(prefix + path, headers=headers)
            assert (answer.status_code, path) == (status, path)
            if status != 301:  # says the same for ever: names do not normalise otherwise tomorrow
                assert answer.headers["cache-control"], path
            assert {"Authorization", "Cookie"} <= set(answer.headers.get("vary", "Authorization, Cookie").split(", "))


# --- uploads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["md5_digest", "sha256_digest", "blake2_256_digest"])
def test_one_digest_of_any_kind_is_enough_and_a_wrong_one_beside_it_is_not(
    app: Application, tmp_path: Path, kind: str
) -> None:
    wheel = make_wheel(tmp_path, "digested", "1.0")
    content = wheel.read_bytes()
    right = {
        "md5_digest": hashlib.md5(content).hexdigest(),
        "sha256_digest": hashlib.sha256(content).hexdigest(),
        "blake2_256_digest": hashlib.blake2b(content, digest_size=32).hexdigest(),
    }

    def sent(digests: Mapping[str, str]) -> Response:
        others = [part for part in form_of(wheel) if part[0] not in right]
        return app.send_form([*digests.items(), *others])

    for wrong in right:
        answer = sent({kind: right[kind], wrong: "0" * len(right[wrong])})
        assert answer.status_code == 400
        assert wrong.removesuffix("_256_digest").removesuffix("_digest") in answer.text
    assert sent({kind: right[kind].upper()}).status_code == 200


def test_every_form_of_archive_and_version_comes_over_http(app: Application, tmp_path: Path) -> None:
    zipped = tmp_path / "many-1.0.zip"
    zipped.write_bytes(zip_of({"many-1.0/PKG-INFO": b"Metadata-Version: 1.0\nName: many\nVersion: 1.0\n"}))
    legacy = tmp_path / "Many.Forms-1.0.tar.gz"
    legacy.write_bytes(make_sdist(tmp_path / "made", "many-forms", "1.0").read_bytes())
    files = [
        (zipped, "many"),
        (legacy, "many-forms"),
        (make_wheel(tmp_path, "many", "1!1.0"), "many"),
        (make_wheel(tmp_path, "many", "1.0+local.1"), "many"),
        (make_wheel(tmp_path, "many", "1.0", build_tag="2x"), "many"),
        (make_sdist(tmp_path, "many", "1!1.0+local.1"), "many"),
        (make_wheel(tmp_path, "many", "1.0", platform_tag="linux_x86_64", python_tag="cp311", abi_tag="cp311"), "many"),
    ]
    for file, project in files:
        answer = app.upload(file, name=project)
        assert answer.status_code == 200, answer.text
        assert file.name in app.listed(project)
        assert app.get(f"/simple/{project}/{file.name}").content == file.read_bytes()


def test_what_the_public_index_refuses_as_its_policy_is_taken(app: Application, tmp_path: Path) -> None:
    headers = [
        ("Classifier", "Private :: Do Not Upload"),
        ("Classifier", "Acme :: Our Own"),
        ("Classifier", "Natural Language :: Ukranian"),  # deprecated
        ("License", "MIT"),
        ("License-Expression", "MIT"),
        ("License-File", "not/there.txt"),
        ("Description-Content-Type", "text/x-rst"),
        ("Author-email", "nobody at nowhere"),
        ("Home-page", "not a url"),
        ("Project-URL", f"{'long ' * 20}, https://a.test/"),
        ("Requires-Dist", "elsewhere @ https://a.test/elsewhere-1.0.tar.gz"),
    ]
    wheel = make_wheel(
        tmp_path,
        "json",  # as a module of the standard library
        "1.0",
        summary="s" * 600,
        description="Heading\n=\n\n.. unknown:: directive\n\n`broken <",
        headers=headers,
        extra_files={"json-1.0.dist-info/entry_points.txt": b"[console_scripts]\nodd name = json:main\n"},
    )
    assert app.upload(wheel).status_code == 200
    for second in ("js0n", "j-s-o-n"):  # as similar as names can be
        assert app.upload(make_wheel(tmp_path, second, "1.0")).status_code == 200
    sdist = make_sdist(tmp_path, "json", "1.0")
    assert app.upload(sdist).status_code == 200
    again = tmp_path / "json-1.0.zip"
    again.write_bytes(zip_of({"json-1.0/PKG-INFO": b"Metadata-Version: 1.0\nName: json\nVersion: 1.0\n"}))
    assert app.upload(again).status_code == 200  # a second sdist of one release
    assert set(app.listed("json")) == {wheel.name, sdist.name, again.name}


def test_the_same_file_again_keeps_the_time_of_its_first_upload(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "timed", "1.0")
    assert app.upload(wheel).status_code == 200
    first = app.get("/simple/timed/", headers=ACCEPT_JSON).json()["files"][0]["upload-time"]
    assert app.upload(wheel).status_code == 200
    assert app.get("/simple/timed/", headers=ACCEPT_JSON).json()["files"][0]["upload-time"] == first


# --- authentication -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("holygrail")
@pytest.mark.parametrize("accept", ["*/*", JSON, "text/html", "application/json;q=0.9, text/plain;q=0.8"])
def test_tools_get_a_challenge_and_neither_cookie_nor_login_page(app: Application, accept: str) -> None:
    file = "/simple/holygrail/holygrail-1.0-py3-none-any.whl"
    for prefix in ("", "/r/local"):
        for path in ("/simple/", "/simple/holygrail/", file, f"{file}.metadata", "/pypi/holygrail/json"):
            for credentials, status in ((None, 401), (("local", "wrong"), 401), (READER, 200)):
                answer = app.get(prefix + path, credentials, headers={"Accept": accept})
                assert answer.status_code in (status, 406 if status == 200 else status)
                assert "set-cookie" not in answer.headers
                assert "location" not in answer.headers
                assert ("www-authenticate" in answer.headers) == (status == 401)
                assert "<form" not in answer.text if "text" in answer.headers["content-type"] else True


@pytest.mark.parametrize("base", ["", "/r/local"])
@pytest.mark.parametrize("path", ["/", "/simple", "/simple/", "/legacy", "/legacy/", "//simple//", "/simple/x/", "/x"])
def test_a_post_is_never_redirected(app: Application, tmp_path: Path, base: str, path: str) -> None:
    body = encode(form_of(make_wheel(tmp_path, "posted", "1.0")))
    for credentials in (WRITER, None):
        url = f"http://testserver{base}{path}"  # in front of a path, two slashes begin a host's name
        answer = app.client.post(url, content=body, headers=form_headers(credentials))
        assert answer.status_code in ((200, 404, 405) if credentials else (401, 404, 405))
        assert "location" not in answer.headers


# --- safety -------------------------------------------------------------------------------------------------


def test_a_script_in_every_field_stays_words_in_every_answer(app: Application, tmp_path: Path) -> None:
    wheel = hostile_wheel(tmp_path, "1.0", f"\"'>{SCRIPT}")
    assert app.upload(wheel, comment=SCRIPT).status_code == 200
    yanked = app.client.post("/manage/hostile/1.0/yank", data={"reason": SCRIPT}, headers=basic(*WRITER))
    assert yanked.status_code == 200
    told = 0
    for path in ("/simple/", "/simple/hostile/", "/pypi/hostile/json", "/pypi/hostile/1.0/json", f"/simple/{SCRIPT}/"):
        for accept in ("*/*", "text/html", JSON, HTML_V1, "application/json"):
            answer = app.get(path, headers={"Accept": accept})
            assert answer.headers["x-content-type-options"] == "nosniff"
            if "html" in answer.headers["content-type"]:
                assert "<script>" not in answer.text, "pages for people have one, with an address of ours"
                assert "default-src 'none'" in answer.headers["content-security-policy"]
            told += "alert(1)" in answer.text
    assert told >= 10
    metadata = app.get(f"/simple/hostile/{wheel.name}.metadata")
    assert metadata.headers["content-type"].startswith("text/plain")
    assert metadata.headers["x-content-type-options"] == "nosniff"


def test_a_refusal_repeats_no_markup_of_the_uploader(app: Application) -> None:
    content = zip_of({**WHEEL_FILES, "foo-1.0.dist-info/METADATA": METADATA.replace(b"Name: foo", b"Name: <script>")})
    parts = [(":action", "file_upload"), ("name", "foo"), ("version", "1.0")]
    body = encode([*parts, ("content", FilePart("foo-1.0-py3-none-any.whl", content)), ("summary", SCRIPT)])
    headers = {**form_headers(WRITER), "Accept": "text/html"}
    for sent in (body, body.replace(b'filename="foo', b'filename="<script>foo')):
        answer = app.client.post("/simple/", content=sent, headers=headers)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert "<script>" not in answer.text


def test_an_address_that_no_version_of_ours_has_is_404(tmp_path: Path) -> None:
    # uv and the action of GitHub ask for these at the root of the host, and go on without if they are not there.
    with application(tmp_path / "root") as app:
        for path in ("/_/oidc/audience", "/.well-known/pytp?discover=%2Fsimple%2F"):
            answer = app.get(path, None)
            assert (answer.status_code, "location" in answer.headers) == (404, False)
        assert app.client.post("/_/oidc/mint-token", json={"token": "x"}).status_code == 404
