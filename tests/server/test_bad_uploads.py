"""Every kind of bad upload: one clear sentence, the right status, and nothing left behind."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pywharf_core.index.local import LocalIndex
from pywharf_core.testing import make_sdist, make_wheel
from server.in_process import WRITER, Application, application
from support.uploads import BOUNDARY, FilePart, Part, encode, form_headers, form_of

CONFIG = """
[local]
type = "file_system"
read_secret = "reads"
write_secret = "writes"
max_file_bytes = 100000
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A repository that takes files of 100,000 bytes, and has one: ``taken`` 1.0."""
    folder = tmp_path_factory.mktemp("small")
    with application(folder / "root", CONFIG, None) as app:
        assert app.upload(make_wheel(folder, "taken", "1.0")).status_code == 200
        yield app


@dataclass(frozen=True)
class Request:
    body: bytes
    content_type: str | None = f"multipart/form-data; boundary={BOUNDARY}"


def _form(parts: list[Part]) -> Request:
    return Request(encode(parts))


def _wheel(folder: Path, **fields: str) -> Path:
    return make_wheel(folder, fields.pop("name", "bad"), fields.pop("version", "1.0"), **fields)  # type: ignore[arg-type]


def _with(parts: list[Part], **changed: Part | None) -> list[Part]:
    """The form with its part ``content`` changed or left out."""
    content = changed["content"]
    return [part for part in parts if part[0] != "content"] + ([content] if content else [])


def _named(folder: Path, filename: str) -> Request:
    parts = form_of(_wheel(folder))
    content = _wheel(folder).read_bytes()
    return _form(_with(parts, content=("content", FilePart(filename, content))))


def _of_content(folder: Path, content: bytes, filename: str = "bad-1.0-py3-none-any.whl") -> Request:
    path = folder / filename
    path.write_bytes(content)
    return _form(form_of(path))


def _sdist_with_link(folder: Path) -> Request:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = b"Metadata-Version: 2.2\nName: bad\nVersion: 1.0\n"
        header = tarfile.TarInfo("bad-1.0/PKG-INFO")
        header.size = len(info)
        archive.addfile(header, io.BytesIO(info))
        link = tarfile.TarInfo("bad-1.0/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return _of_content(folder, buffer.getvalue(), "bad-1.0.tar.gz")


def _sdist_from(folder: Path, change: Callable[[bytes], bytes]) -> Request:
    return _of_content(folder, change(make_sdist(folder / "made", "bad", "1.0").read_bytes()), "bad-1.0.tar.gz")


#: What is sent, the status, and a part of the sentence that answers.
BAD: dict[str, tuple[Callable[[Path], Request], int, str]] = {
    # digests
    "a wrong sha256": (lambda f: _form(form_of(_wheel(f), sha256_digest="0" * 64)), 400, "sha256"),
    "a wrong md5": (lambda f: _form(form_of(_wheel(f), md5_digest="0" * 32)), 400, "md5"),
    "a wrong blake2": (lambda f: _form(form_of(_wheel(f), blake2_256_digest="0" * 64)), 400, "blake2"),
    "a digest that is too short": (lambda f: _form(form_of(_wheel(f), sha256_digest="abc")), 400, "sha256_digest"),
    "a digest that is no hex": (lambda f: _form(form_of(_wheel(f), sha256_digest="x" * 64)), 400, "sha256_digest"),
    "a wrong digest behind the file": (
        lambda f: _form([*form_of(_wheel(f)), ("md5_digest", "0" * 32)]),
        400,
        "md5",
    ),
    # names and versions
    "another name in the form": (lambda f: _form(form_of(_wheel(f), name="other")), 400, "'other'"),
    "another version in the form": (lambda f: _form(form_of(_wheel(f), version="2.0")), 400, "'2.0'"),
    "another name in the archive": (
        lambda f: _of_content(f, make_wheel(f / "made", "other", "1.0").read_bytes()),
        400,
        "bad-1.0",
    ),
    "another version in the archive": (
        lambda f: _of_content(f, make_wheel(f / "made", "bad", "2.0").read_bytes()),
        400,
        "bad-1.0",
    ),
    "an invalid name": (lambda f: _form(form_of(_wheel(f), name="not a name")), 400, "not a valid project name"),
    "no name": (lambda f: _form(form_of(_wheel(f), name=None)), 400, "name"),
    "no version": (lambda f: _form(form_of(_wheel(f), version=None)), 400, "version"),
    "two names": (lambda f: _form([("name", "bad"), *form_of(_wheel(f), name="other")]), 400, "twice"),
    "the other filetype": (lambda f: _form(form_of(_wheel(f), filetype="sdist")), 400, "filetype"),
    "an unknown filetype": (lambda f: _form(form_of(_wheel(f), filetype="bdist_egg")), 400, "bdist_egg"),
    # the protocol
    "another action": (lambda f: _form(form_of(_wheel(f), action="submit")), 400, "file_upload"),
    "no action": (lambda f: _form(form_of(_wheel(f), action=None)), 400, "file_upload"),
    "another protocol": (lambda f: _form(form_of(_wheel(f), protocol_version="2")), 400, "protocol_version"),
    # filenames
    "a path in the filename": (lambda f: _named(f, "../bad-1.0-py3-none-any.whl"), 400, "filename"),
    "an absolute filename": (lambda f: _named(f, "/tmp/bad-1.0-py3-none-any.whl"), 400, "filename"),
    "a backslash in the filename": (lambda f: _named(f, "a\\\\bad-1.0-py3-none-any.whl"), 400, "filename"),
    "a control character in the filename": (lambda f: _named(f, "bad-1.0-py3-\x07none-any.whl"), 400, "filename"),
    "an empty filename": (lambda f: _named(f, ""), 400, "filename"),
    "a hidden filename": (lambda f: _named(f, ".bad-1.0-py3-none-any.whl"), 400, "filename"),
    "a name too long for a disk": (lambda f: _named(f, f"bad-1.0-py3-none-{'x' * 300}.whl"), 400, "230"),
    "an egg": (lambda f: _named(f, "bad-1.0-py3.11.egg"), 400, ".whl"),
    "a sidecar's name": (lambda f: _named(f, "bad-1.0-py3-none-any.whl.meta"), 400, ".whl"),
    "an upper-case extension": (lambda f: _named(f, "bad-1.0-py3-none-any.WHL"), 400, ".whl"),
    # the part content
    "no content": (lambda f: _form(_with(form_of(_wheel(f)), content=None)), 400, "content"),
    "content without a filename": (
        lambda f: _form(_with(form_of(_wheel(f)), content=("content", FilePart(None, b"PK")))),
        400,
        "filename",
    ),
    "an empty file": (
        lambda f: _form(
            _with(
                form_of(_wheel(f), sha256_digest=None, blake2_256_digest=None),
                content=("content", FilePart("bad-1.0-py3-none-any.whl", b"")),
            )
        ),
        400,
        "empty",
    ),
    "two files": (lambda f: _form([*form_of(_wheel(f)), form_of(_wheel(f))[-1]]), 400, "two files"),
    "a file in another part": (
        lambda f: _form([("description", FilePart("x.txt", b"x")), *form_of(_wheel(f))]),
        400,
        "'description'",
    ),
    # the archive
    "a wheel that is no archive": (lambda f: _of_content(f, b"this is no zip archive" * 10), 400, "zip"),
    "an sdist that is no archive": (lambda f: _of_content(f, b"x" * 100, "bad-1.0.tar.gz"), 400, "not gzip"),
    "an sdist that is an archive of nothing": (
        lambda f: _of_content(f, gzip.compress(b""), "bad-1.0.tar.gz"),
        400,
        "not a tar archive",
    ),
    "half a wheel": (
        lambda f: _of_content(f, _wheel(f / "made").read_bytes()[:400]),
        400,
        "its end is missing",
    ),
    "half an sdist": (lambda f: _sdist_from(f, lambda data: data[: len(data) // 2]), 400, "ends too early"),
    "a wheel with something behind it": (
        lambda f: _of_content(f, _wheel(f / "made").read_bytes() + b"more"),
        400,
        "bytes behind its end",
    ),
    "an sdist with a link out of it": (_sdist_with_link, 400, "link"),
    "a wheel with a member that leaves it": (
        lambda f: _form(form_of(make_wheel(f, "bad", "1.0", extra_files={"../evil.py": b"x"}))),
        400,
        "evil.py",
    ),
    # sizes
    "a file that is too large": (
        lambda f: _form(form_of(make_wheel(f, "bad", "1.0", padding=120_000))),
        413,
        "100000",
    ),
    "a form that is much too large": (
        lambda f: _form([*form_of(_wheel(f)), ("description", "x" * 9_000_000)]),
        413,
        "bytes",
    ),
    "too many parts": (lambda f: _form([*[("classifiers", "x")] * 30_000, *form_of(_wheel(f))]), 400, "parts"),
    # the body
    "no body": (lambda _: Request(b""), 400, "no body"),
    "no form": (lambda _: Request(b"name=bad", "application/x-www-form-urlencoded"), 400, "multipart/form-data"),
    "no content type": (lambda _: Request(b"name=bad", None), 400, "multipart/form-data"),
    "a form without boundary": (lambda _: Request(b"x", "multipart/form-data"), 400, "boundary"),
    "a form with another boundary": (
        lambda f: Request(encode(form_of(_wheel(f))), "multipart/form-data; boundary=other"),
        400,
        "form",
    ),
    "a truncated form": (lambda f: Request(encode(form_of(_wheel(f)))[:-60]), 400, "truncated"),
    "a form truncated in a header": (lambda f: Request(encode(form_of(_wheel(f)))[:60]), 400, "truncated"),
    "a field that is not UTF-8": (
        lambda f: Request(encode(form_of(_wheel(f))).replace(b"\r\n\r\nfile_upload", b"\r\n\r\n\xff\xfe")),
        400,
        "UTF-8",
    ),
    # what is there already
    "other content under a name that is taken": (
        lambda f: _form(form_of(make_wheel(f, "taken", "1.0", summary="another"))),
        409,
        "File already exists",
    ),
}


def _everything_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "lock"
    }


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_upload_gets_its_status_and_one_sentence_and_leaves_nothing_behind(
    small: Application, tmp_path: Path, kind: str
) -> None:
    make, status, fragment = BAD[kind]
    for folder in (tmp_path / "made", tmp_path):
        folder.mkdir(exist_ok=True)
    request = make(tmp_path)
    store_before, projects_before = _everything_in(small.store()), small.projects()
    headers = {name: value for name, value in form_headers(WRITER).items() if name != "Content-Type"}
    if request.content_type:
        headers["Content-Type"] = request.content_type

    answer = small.client.post("/simple/", content=request.body, headers=headers)

    assert (answer.status_code, fragment in answer.text) == (status, True), answer.text
    sentence = answer.text.partition("\nRequest ")[0]
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert "Traceback" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert _everything_in(small.store()) == store_before
    assert small.projects() == projects_before == ["taken"]
    assert not list(small.root.path.rglob("*.upload"))


def test_the_same_uploads_without_the_fault_are_taken(app: Application, tmp_path: Path) -> None:
    wheel, sdist = make_wheel(tmp_path, "Good.Name", "1.0"), make_sdist(tmp_path, "Good.Name", "1.0")
    content = wheel.read_bytes()
    md5 = hashlib.md5(content).hexdigest()
    assert app.upload(wheel, md5_digest=md5.upper(), name="GOOD_name", version="1.0.0").status_code == 200
    assert app.upload(sdist, pyversion=None, requires_python="", sha256_digest=None).status_code == 200
    assert set(app.listed("good-name")) == {wheel.name, sdist.name}


def test_fields_may_come_behind_the_file_and_the_file_without_a_type(app: Application, tmp_path: Path) -> None:
    *fields, content = form_of(make_wheel(tmp_path, "late", "1.0"))
    body = encode([content, *fields, ("gpg_signature", FilePart("x.asc", b"x")), ("unknown_field", "x")])
    body = body.replace(b"Content-Type: application/octet-stream\r\n", b"")
    answer = app.client.post("/simple/", content=body, headers=form_headers(WRITER))
    assert answer.status_code == 200, answer.text
    assert len(app.listed("late")) == 1


def test_the_same_file_again_is_200_and_changes_nothing(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "again", "1.0")
    assert app.upload(wheel).status_code == 200
    before = app.get("/simple/again/").content, _everything_in(app.store())
    answer = app.upload(wheel, comment="another one")
    assert answer.status_code == 200
    assert "published already" in answer.text
    assert (app.get("/simple/again/").content, _everything_in(app.store())) == before


def test_every_value_of_a_repeated_field_is_kept(app: Application, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "many", "1.0", headers=[("Classifier", "A :: B"), ("Classifier", "C :: D")])
    form = [*form_of(wheel), ("project_urls", "Home, https://h.test"), ("project_urls", "Docs, https://d.test")]
    assert app.send_form(form).status_code == 200
    index = LocalIndex(app.root.index_database("local"), app.root.lock("index-local"))
    with index.reading() as snapshot:
        stored = snapshot.file(wheel.name)
    index.close()
    assert stored is not None
    assert stored.core_metadata is not None
    assert stored.core_metadata["classifiers"] == ("A :: B", "C :: D")
    assert stored.core_metadata["project_urls"] == ("Home, https://h.test", "Docs, https://d.test")


@pytest.mark.parametrize("path", ["/simple/", "/simple", "/", "/legacy/", "/legacy", "/r/local/", "/r/local/legacy/"])
def test_uploads_are_taken_at_each_of_their_addresses(app: Application, tmp_path: Path, path: str) -> None:
    credentials = ("__token__", "writes") if path.startswith("/r/") else WRITER
    assert app.upload(make_wheel(tmp_path, "there", "1.0"), credentials, to=path).status_code == 200
    assert len(app.listed("there")) == 1
    assert app.upload(make_wheel(tmp_path, "there", "2.0"), None, to=path).status_code == 401


def test_two_spellings_of_a_name_are_one_project_and_one_version(app: Application, tmp_path: Path) -> None:
    assert app.upload(make_wheel(tmp_path, "Zope.Interface", "1.0")).status_code == 200
    assert app.upload(make_wheel(tmp_path, "zope_interface", "1.0.0")).status_code == 200
    assert app.projects() == ["zope-interface"]
    assert len(app.listed("zope-interface")) == 2


def test_a_wheel_under_another_spelling_of_a_published_one_is_refused(app: Application, tmp_path: Path) -> None:
    published = make_wheel(tmp_path, "foo_bar", "1.0")
    assert app.upload(published).status_code == 200
    respelled = make_wheel(tmp_path, "foo_bar", "1.0", filename="Foo_Bar-1.0-py3-none-any.whl", summary="other content")
    answer = app.upload(respelled)
    assert answer.status_code == 409
    assert "another spelling of foo_bar-1.0-py3-none-any.whl" in answer.text
    assert set(app.listed("foo-bar")) == {published.name}
