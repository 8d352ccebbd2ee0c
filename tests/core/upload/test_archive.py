from __future__ import annotations

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.upload.crafted import (
    METADATA,
    PKG_INFO,
    WHEEL,
    WHEEL_FILES,
    member,
    record_line,
    record_of,
    sdist_of,
    tar_of,
    wheel_of,
    zip_of,
)
from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.testing import make_sdist, make_wheel
from pywharf_core.upload import bombs, member_names
from pywharf_core.upload.archive import ArchiveMetadata, read_archive, read_core_metadata
from pywharf_core.upload.core_metadata import parse_core_metadata

WHEEL_NAME, SDIST_NAME, ZIP_NAME = "foo-1.0-py3-none-any.whl", "foo-1.0.tar.gz", "foo-1.0.zip"


def read(tmp_path: Path, filename: str, content: bytes) -> ArchiveMetadata:
    path = tmp_path / "staged"
    path.write_bytes(content)
    return read_archive(path, parse_filename(filename))


def refusal(tmp_path: Path, filename: str, content: bytes) -> str:
    with pytest.raises(InvalidUpload) as caught:
        read(tmp_path, filename, content)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


# --- what is taken ------------------------------------------------------------------------------------------


def test_a_wheel_tells_its_metadata_byte_for_byte(tmp_path: Path) -> None:
    found = read(tmp_path, WHEEL_NAME, wheel_of())
    assert found.core_metadata_bytes == METADATA
    assert found.requires_python == ">=3.8"
    assert found.core_metadata == {
        "metadata_version": "2.1",
        "name": "foo",
        "version": "1.0",
        "requires_python": ">=3.8",
    }


def test_made_distributions_are_taken(tmp_path: Path) -> None:
    for path in (make_wheel(tmp_path, "foo", "1.0"), make_sdist(tmp_path, "foo", "1.0")):
        assert read_archive(path, parse_filename(path.name)).core_metadata["name"] == "foo"


@pytest.mark.parametrize(
    ("name", "version"),
    [("Foo.Bar", "1!2.0"), ("foo", "1.0+ubuntu.1"), ("foo", "1.0.dev3"), ("A", "0")],
)
def test_epochs_and_local_versions_are_taken(tmp_path: Path, name: str, version: str) -> None:
    for path in (make_wheel(tmp_path, name, version, build_tag="1abc"), make_sdist(tmp_path, name, version)):
        assert read_archive(path, parse_filename(path.name, name)).core_metadata["version"] == version


def test_a_wheel_spelled_by_old_rules_is_taken(tmp_path: Path) -> None:
    files = {
        "Foo.Bar-1.0.0.dist-info/METADATA": b"Metadata-Version: 1.1\nName: foo-bar\nVersion: 1.0\n",
        "Foo.Bar-1.0.0.dist-info/WHEEL": WHEEL,
    }
    record = "".join(record_line(*item) for item in files.items()).encode()
    content = zip_of({**files, "Foo.Bar-1.0.0.dist-info/RECORD": record})
    assert read(tmp_path, "Foo.Bar-1.0-py3-none-any.whl", content).core_metadata["name"] == "foo-bar"


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_record_may_use_sha256_or_better(tmp_path: Path, algorithm: str) -> None:
    record = "".join(record_line(name, content, algorithm) for name, content in WHEEL_FILES.items()).encode()
    assert read(tmp_path, WHEEL_NAME, wheel_of(record=record)).requires_python == ">=3.8"


def test_a_wheel_may_hold_folders_and_signatures_that_its_record_does_not_list(tmp_path: Path) -> None:
    files = {**WHEEL_FILES, "foo/": b"", "foo-1.0.dist-info/RECORD.jws": b"{}"}
    read(tmp_path, WHEEL_NAME, wheel_of(files, record_of(WHEEL_FILES)))


def test_names_outside_ascii_are_taken(tmp_path: Path) -> None:
    read(tmp_path, WHEEL_NAME, wheel_of({**WHEEL_FILES, "foo/größe,\u2028\u540d.txt": b"x"}))


def test_a_wheel_of_zip64_members_is_taken(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {**WHEEL_FILES, "foo-1.0.dist-info/RECORD": record_of(WHEEL_FILES)}.items():
            with archive.open(name, "w", force_zip64=True) as stream:
                stream.write(content)
    read(tmp_path, WHEEL_NAME, buffer.getvalue())


def test_an_archive_may_carry_a_comment(tmp_path: Path) -> None:
    content = zip_of({"foo-1.0/PKG-INFO": METADATA}, comment=b"0123456789abcdef")
    assert read(tmp_path, ZIP_NAME, content).requires_python == ">=3.8"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_sdist_is_taken(tmp_path: Path, compression: int) -> None:
    files = {"foo-1.0/PKG-INFO": METADATA, "foo-1.0/foo.py": b"x" * 1000, "foo-1.0/empty.py": b""}
    assert read(tmp_path, ZIP_NAME, zip_of(files, compression=compression)).core_metadata["name"] == "foo"


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_an_sdist_of_any_tar_format_is_taken(tmp_path: Path, format: int) -> None:
    deep = member("foo-1.0/" + "deep/" * 20 + "file.txt", b"x" * 70_000)
    content = sdist_of(member("foo-1.0", type=tarfile.DIRTYPE), deep, PKG_INFO, format=format)
    assert read(tmp_path, SDIST_NAME, content).requires_python == ">=3.8"


def test_an_sdist_packed_from_the_dot_folder_is_taken(tmp_path: Path) -> None:
    dot = member(".", type=tarfile.DIRTYPE)
    assert read(tmp_path, SDIST_NAME, sdist_of(dot, member("./foo-1.0/PKG-INFO", METADATA))).requires_python == ">=3.8"


def test_an_sdist_may_hold_links_to_its_own_files(tmp_path: Path) -> None:
    inside = member("foo-1.0/src/link", type=tarfile.SYMTYPE, linkname="../PKG-INFO")
    hard = member("foo-1.0/hard", type=tarfile.LNKTYPE, linkname="foo-1.0/PKG-INFO")
    read(tmp_path, SDIST_NAME, sdist_of(PKG_INFO, inside, hard))


@pytest.mark.parametrize(
    ("head", "has_bytes"),
    [
        ("Metadata-Version: 1.0", False),
        ("Metadata-Version: 2.1", False),
        ("Metadata-Version: 2.2", True),
        ("Metadata-Version: 2.4", True),
        ("Metadata-Version: 2.10", True),
        ("Metadata-Version: 2.2\nDynamic: Requires-Dist", False),
        ("Metadata-Version: nonsense", False),
        ("Author: without any", False),
    ],
)
def test_the_metadata_of_an_sdist_is_served_only_if_no_build_can_change_it(
    tmp_path: Path, head: str, has_bytes: bool
) -> None:
    content = f"{head}\nName: foo\nVersion: 1.0\n".encode()
    found = read(tmp_path, SDIST_NAME, sdist_of(member("foo-1.0/PKG-INFO", content)))
    assert found.core_metadata_bytes == (content if has_bytes else None)


def test_every_value_of_a_field_is_kept_in_order(tmp_path: Path) -> None:
    content = (
        b"Metadata-Version: 2.4\nName: foo\nVersion: 1.0\nSummary: UNKNOWN\nKeywords: one,two\n"
        b"Classifier: Private :: Do Not Upload\nClassifier: Acme :: Ours\n"
        b"Project-URL: Home, https://a.example/\nProject-URL: Code, https://b.example/\n"
        b"Requires-Dist: bar (>=1)\nRequires-Dist: baz; extra == 'x'\nProvides-Extra: x\nLicense-File: LICENSE\n"
        b"Author:\nX-Ours: ignored\n\nThe description.\n"
    )
    fields = read(tmp_path, SDIST_NAME, sdist_of(member("foo-1.0/PKG-INFO", content))).core_metadata
    assert fields == {
        "metadata_version": "2.4",
        "name": "foo",
        "version": "1.0",
        "keywords": "one,two",
        "classifiers": ("Private :: Do Not Upload", "Acme :: Ours"),
        "project_urls": ("Home, https://a.example/", "Code, https://b.example/"),
        "requires_dist": ("bar (>=1)", "baz; extra == 'x'"),
        "provides_extra": ("x",),
        "license_files": ("LICENSE",),
    }


def test_fields_that_break_the_specification_are_kept_as_far_as_they_go(tmp_path: Path) -> None:
    content = (
        b"Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nSummary: one\nSummary: two\n"
        b"Project-URL: Home, https://a.example/\nProject-URL: Home, https://b.example/\n"
    )
    fields = read(tmp_path, SDIST_NAME, sdist_of(member("foo-1.0/PKG-INFO", content))).core_metadata
    assert fields["summary"] == "one"
    assert fields["project_urls"] == ("Home, https://a.example/", "Home, https://b.example/")


# --- wheels that are refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["METADATA", "WHEEL"])
def test_a_wheel_without_its_papers_is_refused(tmp_path: Path, name: str) -> None:
    files = {key: value for key, value in WHEEL_FILES.items() if not key.endswith(f"/{name}")}
    assert f"The wheel has no foo-1.0.dist-info/{name}" in refusal(tmp_path, WHEEL_NAME, wheel_of(files))


def test_a_wheel_without_record_is_refused(tmp_path: Path) -> None:
    assert "The wheel has no foo-1.0.dist-info/RECORD" in refusal(tmp_path, WHEEL_NAME, zip_of(WHEEL_FILES))


def _record_with(*changes: tuple[str, str]) -> bytes:
    record = record_of(WHEEL_FILES).decode()
    for old, new in changes:
        record = record.replace(old, new)
    return record.encode()


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        (record_of({**WHEEL_FILES, "gone.py": b""}), "The wheel's RECORD lists 'gone.py', which is not there"),
        (record_of({"foo.py": WHEEL_FILES["foo.py"]}), "The wheel's RECORD does not list 'foo-1.0.dist-info/METADATA'"),
        (record_of({**WHEEL_FILES, "foo.py": b"other"}), "The wheel's RECORD says that 'foo.py' has '5' bytes"),
        (
            _record_with((record_line("foo.py", WHEEL_FILES["foo.py"]), record_line("foo.py", b"x" * 260))),
            "another sha256 of 'foo.py' than the file",
        ),
        (_record_with(("foo.py,sha256", "foo.py,md5")), "should give 'foo.py' a sha256, not 'md5="),
        (_record_with(("foo.py,sha256=", "foo.py,sha256=*")), "a malformed hash for 'foo.py'"),
        (b"foo.py\n", "The wheel's RECORD has 1 columns for 'foo.py'"),
        (b'foo.py,"sha\n', "The wheel's RECORD is not a CSV file in UTF-8"),
        (b"\xff\xfe,,\n", "The wheel's RECORD is not a CSV file in UTF-8"),
        (
            record_of(WHEEL_FILES) + record_line("foo.py", b"other").encode(),
            "The wheel's RECORD lists 'foo.py' twice, differently",
        ),
    ],
)
def test_a_false_record_is_refused(tmp_path: Path, record: bytes, sentence: str) -> None:
    assert sentence in refusal(tmp_path, WHEEL_NAME, wheel_of(record=record))


def test_a_wheel_of_an_unknown_format_is_refused(tmp_path: Path) -> None:
    files = {**WHEEL_FILES, "foo-1.0.dist-info/WHEEL": b"Wheel-Version: 2.0\n"}
    assert "says Wheel-Version '2.0'; it should be 1.0" in refusal(tmp_path, WHEEL_NAME, wheel_of(files))


def test_a_wheel_of_two_distributions_is_refused(tmp_path: Path) -> None:
    files = {**WHEEL_FILES, "bar-1.0.dist-info/METADATA": b""}
    sentence = refusal(tmp_path, WHEEL_NAME, wheel_of(files))
    assert "this one has 'bar-1.0.dist-info', 'foo-1.0.dist-info'" in sentence


def test_a_wheel_renamed_to_another_version_is_refused(tmp_path: Path) -> None:
    sentence = refusal(tmp_path, "foo-2.0-py3-none-any.whl", wheel_of())
    assert "The wheel's folder 'foo-1.0.dist-info' does not fit its filename" in sentence


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        (METADATA.replace(b"Name: foo", b"Name: bar"), "METADATA is of the project 'bar', its filename of 'foo'"),
        (METADATA.replace(b"Version: 1.0", b"Version: 1.1"), "METADATA is of version '1.1', its filename of '1.0'"),
        (METADATA.replace(b"Version: 1.0", b"Version: one"), "METADATA is of version 'one', its filename of '1.0'"),
        (METADATA.replace(b"Name: foo\n", b""), "METADATA has no Name"),
        (METADATA.replace(b"Name: foo\n", b"Name: foo\nName: bar\n"), "METADATA gives Name twice"),
        (b"", "METADATA has no Name"),
        (b"\x00\xff\xfe", "METADATA has no Name"),
    ],
)
def test_metadata_of_something_else_is_refused(tmp_path: Path, metadata: bytes, sentence: str) -> None:
    files = {**WHEEL_FILES, "foo-1.0.dist-info/METADATA": metadata}
    assert sentence in refusal(tmp_path, WHEEL_NAME, wheel_of(files))


# --- zip archives that are refused --------------------------------------------------------------------------


@pytest.mark.parametrize("filename", [WHEEL_NAME, ZIP_NAME])
@pytest.mark.parametrize("content", [b"", b"PK", b"not an archive" * 100, sdist_of(PKG_INFO), METADATA])
def test_something_else_than_a_zip_archive_is_refused(tmp_path: Path, filename: str, content: bytes) -> None:
    assert "The file is not a zip archive" in refusal(tmp_path, filename, content)


def test_a_truncated_wheel_is_refused(tmp_path: Path) -> None:
    content = wheel_of()
    for end in range(0, len(content), 7):
        refusal(tmp_path, WHEEL_NAME, content[:end])


SOUND = zip_of({"foo-1.0/PKG-INFO": METADATA, "foo-1.0/a.txt": b"a" * 100}, compression=zipfile.ZIP_STORED)
CENTRAL = SOUND.index(b"PK\x01\x02")


def _end(offset: int, size: int, count: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, offset, 0)


def _without_first_listing() -> bytes:
    second = SOUND.index(b"PK\x01\x02", CENTRAL + 1)
    end = SOUND.index(b"PK\x05\x06")
    return SOUND[:CENTRAL] + SOUND[second:end] + _end(CENTRAL, end - second, 1)


def _with_gap() -> bytes:
    end = SOUND.index(b"PK\x05\x06")
    return SOUND[:CENTRAL] + b"hidden" + SOUND[CENTRAL:end] + _end(CENTRAL + 6, end - CENTRAL, 2)


def _listed_twice() -> bytes:
    second = SOUND.index(b"PK\x01\x02", CENTRAL + 1)
    end = SOUND.index(b"PK\x05\x06")
    size = end + second - 2 * CENTRAL
    return SOUND[:end] + SOUND[CENTRAL:second] + _end(CENTRAL, size, 3)


def _patched(offset: int, data: bytes, content: bytes = SOUND) -> bytes:
    return content[:offset] + data + content[offset + len(data) :]


def _with_data_descriptor() -> bytes:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("a pipe")

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        archive.writestr("foo-1.0/PKG-INFO", METADATA)
    return pipe.getvalue()


def _commented_member(info: zipfile.ZipInfo) -> None:
    info.comment = b"a comment"


def _extra(data: bytes) -> bytes:
    def change(info: zipfile.ZipInfo) -> None:
        info.extra = data

    return zip_of({"foo-1.0/PKG-INFO": METADATA}, change=change)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"#!/bin/sh\n" + SOUND, "has a listing that is not where its end record says, or something before"),
        (SOUND + b"tail", "has bytes behind its end"),
        (_without_first_listing(), "has members that overlap, or bytes between them"),
        (_with_gap(), "has bytes that belong to no member"),
        (_listed_twice(), "has members that overlap, or bytes between them"),
        (_patched(30, b"FOO"), "one thing in its listing and another beside the content"),
        (_patched(14, b"\0\0\0\0"), "one thing in its listing and another beside the content"),
        (_patched(18, b"\1\0\0\0"), "one thing in its listing and another beside the content"),
        (_patched(8, b"\x08"), "one thing in its listing and another beside the content"),
        (_patched(0, b"PK\x09\x09"), "one thing in its listing and another beside the content"),
        (_patched(6, b"\x01"), "is encrypted"),
        (_patched(8, b"\x0c", _patched(CENTRAL + 10, b"\x0c")), "packed by method 12; it should be stored or deflated"),
        (_patched(CENTRAL + 6, b"\x40"), "asks for a reader of a later version than there is"),
        (_patched(CENTRAL + 46, b"\xff"), "should have a name in UTF-8"),
        (_patched(-10, b"\x09", SOUND), "has a listing that is not where its end record says"),
        (_patched(len(SOUND) - 14, b"\x01\0\x01\0"), "has a listing that contradicts its end record"),
        (_patched(len(SOUND) - 14, b"\x03\0\x03\0"), "has a listing that contradicts its end record"),
        (_patched(len(SOUND) - 18, b"\x01"), "is part of a set of several"),
        (_with_data_descriptor(), "has its size only behind its content (a data descriptor)"),
        (zip_of({"foo-1.0/PKG-INFO": METADATA}, change=_commented_member), "has a comment on a member"),
        (_extra(b"\x01\0\x08\0" + bytes(8)), "has a ZIP64 field that nothing refers to"),
        (_extra(b"\x75\x70\x06\0\x01\0\0\0\0x"), "gives a member two names"),
        (_extra(b"\x75\x70\x60\0\x01"), "has an extra field that is cut short"),
        (_patched(SOUND.index(b"aaaa"), b"b"), "'foo-1.0/a.txt' is damaged"),
    ],
)
def test_a_zip_archive_that_readers_could_take_differently_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    assert sentence in refusal(tmp_path, ZIP_NAME, content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_archive_with_one_name_twice_is_refused(tmp_path: Path) -> None:
    content = zip_of([("foo-1.0/PKG-INFO", METADATA), ("foo-1.0/a", b"1"), ("foo-1.0/a", b"2")])
    assert "has two members named 'foo-1.0/a'" in refusal(tmp_path, ZIP_NAME, content)


@pytest.mark.parametrize("file", ["foo-1.0/a", "foo-1.0/a/b"])
def test_a_zip_archive_with_a_file_as_folder_is_refused(tmp_path: Path, file: str) -> None:
    files = {"foo-1.0/PKG-INFO": METADATA, file: b"1", f"{file}/": b"", f"{file}/c": b"2"}
    assert f"{file!r}".rstrip("'") in refusal(tmp_path, ZIP_NAME, zip_of(files))


@pytest.mark.parametrize(
    "name", ["../a", "/a", "foo-1.0/../../a", "foo-1.0//a", "foo-1.0/./a", "C:a", "foo-1.0\\a", "foo-1.0/.."]
)
def test_a_zip_member_that_would_leave_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    assert "should have a plain relative path" in refusal(tmp_path, ZIP_NAME, zip_of({name: b""}))


def test_a_zip_member_with_a_control_character_is_refused(tmp_path: Path) -> None:
    assert "control character" in refusal(tmp_path, ZIP_NAME, zip_of({"foo-1.0/a\r\nb": b""}))


def test_a_symbolic_link_in_a_zip_archive_is_refused(tmp_path: Path) -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.create_system = 3
        info.external_attr = 0o120777 << 16

    assert "is a symbolic link" in refusal(tmp_path, ZIP_NAME, zip_of({"foo-1.0/a": b"/etc/passwd"}, change=link))


def test_a_deflated_member_that_goes_on_behind_its_end_is_refused(tmp_path: Path) -> None:
    content = zip_of({"foo-1.0/PKG-INFO": METADATA, "foo-1.0/a": b"x" * 1000})
    start = content.index(b"foo-1.0/a") + len(b"foo-1.0/a")
    assert "is damaged" in refusal(tmp_path, ZIP_NAME, _patched(start, b"\x03\x00", content))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    content = zip_of({"foo-1.0/PKG-INFO": METADATA, "foo-1.0/zeros": bytes(bombs.HARMLESS_BYTES)})
    tracemalloc.start()
    assert "unpacks to more than 50 times its size" in refusal(tmp_path, ZIP_NAME, content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_names, "MAX_MEMBERS", 2)
    assert "more than 2 members" in refusal(tmp_path, WHEEL_NAME, wheel_of())
    many = [member(f"foo-1.0/{number}") for number in range(3)]
    assert "more than 2 members" in refusal(tmp_path, SDIST_NAME, sdist_of(*many))


def test_an_archive_of_too_long_names_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_names, "MAX_CHARACTERS", 20)
    assert "more than 20 characters in all" in refusal(tmp_path, WHEEL_NAME, wheel_of())
    many = [member(f"foo-1.0/{number}") for number in range(3)]
    assert "more than 20 characters in all" in refusal(tmp_path, SDIST_NAME, sdist_of(*many))


def test_huge_metadata_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bombs, "MAX_METADATA_BYTES", 80)
    sentence = refusal(tmp_path, SDIST_NAME, sdist_of(PKG_INFO))
    assert "PKG-INFO has 84 bytes; at most 80 are allowed" in sentence
    assert "PKG-INFO has 84 bytes" in refusal(tmp_path, ZIP_NAME, zip_of({"foo-1.0/PKG-INFO": METADATA}))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"foo-1.0/a": b""}, "The sdist has no foo-1.0/PKG-INFO"),
        ({"foo-1.0/PKG-INFO": METADATA, "bar/a": b""}, "this one holds 'bar', 'foo-1.0'"),
        ({"foo-1.0/PKG-INFO": METADATA, "setup.py": b""}, "this one holds 'foo-1.0', 'setup.py'"),
        ({"PKG-INFO": METADATA}, "this one has 'PKG-INFO' beside it"),
        ({}, "this one holds nothing"),
    ],
)
def test_a_zip_sdist_is_one_folder_with_pkg_info(tmp_path: Path, files: dict[str, bytes], sentence: str) -> None:
    assert sentence in refusal(tmp_path, ZIP_NAME, zip_of(files))


# --- tar archives that are refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not an archive" * 100, "not gzip-compressed"),
        (SOUND, "not gzip-compressed"),
        (tar_of(PKG_INFO), "not gzip-compressed"),
        (b"", "ends too early"),
        (gzip.compress(b"not a tar" * 1000), "not a tar archive"),
        (gzip.compress(b""), "not a tar archive"),
        (sdist_of(PKG_INFO)[:-1], "ends too early"),
        (sdist_of(PKG_INFO)[:-8] + bytes(8), "damaged"),
        (sdist_of(PKG_INFO) + b"tail", "goes on behind its gzip stream"),
        (sdist_of(PKG_INFO) + sdist_of(PKG_INFO), "goes on behind its gzip stream"),
        (gzip.compress(tar_of(PKG_INFO) + tar_of(PKG_INFO)), "The tar archive goes on behind its end"),
        (gzip.compress(tar_of(PKG_INFO)[:700]), "not a tar archive"),
        (gzip.compress(tar_of(PKG_INFO)[:1024] + b"x" * 512), "not a tar archive"),
    ],
)
def test_a_damaged_sdist_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    assert sentence in refusal(tmp_path, SDIST_NAME, content)


def test_zeros_behind_a_gzip_stream_are_padding(tmp_path: Path) -> None:
    read(tmp_path, SDIST_NAME, sdist_of(PKG_INFO) + bytes(1000))


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ([], "this one holds nothing"),
        ([member("foo-1.0/a")], "The sdist has no foo-1.0/PKG-INFO"),
        ([PKG_INFO, member("bar/a")], "this one holds 'bar', 'foo-1.0'"),
        ([PKG_INFO, member("setup.py")], "this one has 'setup.py' beside it"),
        ([PKG_INFO, PKG_INFO], "The sdist has foo-1.0/PKG-INFO twice"),
        (
            [PKG_INFO, member("foo-1.0/PKG-INFO", type=tarfile.SYMTYPE, linkname="other")],
            "The sdist has foo-1.0/PKG-INFO twice",
        ),
        ([PKG_INFO, member("../evil")], "should have a plain relative path"),
        ([PKG_INFO, member("/etc/evil")], "should have a plain relative path"),
        ([PKG_INFO, member("foo-1.0/../../evil")], "should have a plain relative path"),
        ([PKG_INFO, member("foo-1.0/a\nb")], "control character"),
        ([PKG_INFO, member("foo-1.0/pipe", type=tarfile.FIFOTYPE)], "is a device or pipe"),
        ([PKG_INFO, member("foo-1.0/disk", type=tarfile.BLKTYPE)], "is a device or pipe"),
        ([PKG_INFO, member("foo-1.0/tty", type=tarfile.CHRTYPE)], "is a device or pipe"),
        ([PKG_INFO, member("foo-1.0/l", type=tarfile.SYMTYPE, linkname="/etc/passwd")], "is a link to '/etc/passwd'"),
        ([PKG_INFO, member("foo-1.0/l", type=tarfile.SYMTYPE, linkname="../x")], "is a link to '../x'"),
        ([PKG_INFO, member("foo-1.0/l", type=tarfile.SYMTYPE, linkname="a/../../x")], "is a link to"),
        ([PKG_INFO, member("foo-1.0/l", type=tarfile.LNKTYPE, linkname="../x")], "is a link to"),
        ([PKG_INFO, member("foo-1.0/l", type=tarfile.LNKTYPE, linkname="/x")], "is a link to"),
        (
            [
                PKG_INFO,
                member("foo-1.0/a/up", type=tarfile.SYMTYPE, linkname=".."),
                member("foo-1.0/a/up/out", type=tarfile.SYMTYPE, linkname="../a"),
            ],
            "'foo-1.0/a/up' is a file or link, and a folder too",
        ),
        ([member("foo-1.0/" + "a" * 70_000), PKG_INFO], "extended header of more than 65536 bytes"),
    ],
)
def test_an_sdist_that_could_do_harm_is_refused(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]], sentence: str
) -> None:
    assert sentence in refusal(tmp_path, SDIST_NAME, sdist_of(*members))


def test_a_sparse_member_is_refused(tmp_path: Path) -> None:
    headers = {"GNU.sparse.size": "1000", "GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,10"}
    sparse = member("foo-1.0/sparse", b"x" * 10, pax_headers=headers)
    assert "is a sparse file" in refusal(tmp_path, SDIST_NAME, sdist_of(PKG_INFO, sparse))


def test_a_chain_of_extended_headers_is_refused(tmp_path: Path) -> None:
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 512
    block = header.tobuf(tarfile.USTAR_FORMAT) + b"11 a=bcdef\n".ljust(512, b"\0")
    assert "too many extended headers" in refusal(tmp_path, SDIST_NAME, gzip.compress(block * 2000))


def test_a_gzip_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    content = sdist_of(PKG_INFO, member("foo-1.0/zeros", bytes(bombs.HARMLESS_BYTES)))
    tracemalloc.start()
    assert "unpacks to more than 50 times its size" in refusal(tmp_path, SDIST_NAME, content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


# --- whatever comes -----------------------------------------------------------------------------------------


def sentence_if_refused(reading: Callable[[], object]) -> str:
    try:
        reading()
    except InvalidUpload as error:
        return str(error)
    return ""


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=max(300, settings().max_examples),
    deadline=None,
)
@given(
    st.sampled_from([(WHEEL_NAME, wheel_of()), (ZIP_NAME, SOUND), (SDIST_NAME, sdist_of(PKG_INFO))]),
    st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4),
)
def test_a_damaged_archive_is_taken_or_refused_but_never_a_crash(
    tmp_path: Path, original: tuple[str, bytes], changes: list[tuple[int, bytes]]
) -> None:
    filename, content = original
    for offset, data in changes:
        content = _patched(offset % len(content), data, content)
    for reading in (
        lambda: read(tmp_path, filename, content),
        lambda: read_core_metadata(io.BytesIO(content), parse_filename(filename)),
    ):
        assert "\n" not in sentence_if_refused(reading)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=max(300, settings().max_examples),
    deadline=None,
)
@given(st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4))
def test_a_damaged_tar_archive_is_taken_or_refused_but_never_a_crash(
    tmp_path: Path, changes: list[tuple[int, bytes]]
) -> None:
    content = tar_of(member("foo-1.0/" + "long" * 40), PKG_INFO)
    for offset, data in changes:
        content = _patched(offset % len(content), data, content)
    assert "\n" not in sentence_if_refused(lambda: read(tmp_path, SDIST_NAME, gzip.compress(content, 0)))


METADATA_PIECES = st.sampled_from(
    [b"Name: foo\n", b"Version: 1.0\n", b"Metadata-Version: 2.1\n", b"Keywords: a,b\n", b"Project-URL: x\n", b"\n"]
    + [b"Description: x\n        |y\n", b"Content-Type: multipart/mixed\n", b"Summary: =?utf-8?q?=ff?=\n", b" folded\n"]
)


@given(st.lists(METADATA_PIECES | st.binary(max_size=30)).map(b"".join))
def test_any_metadata_is_read_or_refused(content: bytes) -> None:
    parsed = parse_filename(SDIST_NAME)
    assert "\n" not in sentence_if_refused(lambda: parse_core_metadata(content, "PKG-INFO", parsed))


# --- reading lightly ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "content"),
    [
        (WHEEL_NAME, wheel_of(record=b"")),
        (ZIP_NAME, zip_of({"foo-1.0/PKG-INFO": METADATA})),
        (SDIST_NAME, sdist_of(member("foo-1.0/a"), PKG_INFO, member("../odd"))),
    ],
)
def test_the_metadata_of_a_file_that_came_by_hand_is_read_without_the_checks(filename: str, content: bytes) -> None:
    assert read_core_metadata(io.BytesIO(content), parse_filename(filename)).requires_python == ">=3.8"


@pytest.mark.parametrize(
    ("filename", "content", "sentence"),
    [
        (WHEEL_NAME, b"", "not a zip archive"),
        (WHEEL_NAME, zip_of({"foo-1.0.dist-info/WHEEL": b""}), "has no foo-1.0.dist-info/METADATA"),
        (ZIP_NAME, zip_of({"a": b""}), "has no name-version/PKG-INFO"),
        (SDIST_NAME, sdist_of(member("foo-1.0/a")), "has no name-version/PKG-INFO"),
        ("foo-2.0.tar.gz", sdist_of(PKG_INFO), "PKG-INFO is of version '1.0', its filename of '2.0'"),
    ],
)
def test_a_file_that_came_by_hand_may_be_unreadable(filename: str, content: bytes, sentence: str) -> None:
    with pytest.raises(InvalidUpload) as caught:
        read_core_metadata(io.BytesIO(content), parse_filename(filename))
    assert sentence in str(caught.value)


# --- metadata that only wants to keep the server busy, or to trip it --------------------------------------------


def _wheel_with(metadata: bytes) -> bytes:
    return wheel_of({**WHEEL_FILES, "foo-1.0.dist-info/METADATA": metadata})


@pytest.mark.parametrize(
    "fields",
    [b"".join(b"X%d: a\n" % number for number in range(201)), b"Requires-Dist: a\n" * 100_001],
    ids=["kinds", "fields"],
)
def test_metadata_of_more_fields_than_any_has_is_refused_before_it_is_parsed(tmp_path: Path, fields: bytes) -> None:
    metadata = METADATA.replace(b"Version: 1.0\n", b"Version: 1.0\n" + fields)
    assert "more than 200 kinds of fields" in refusal(tmp_path, WHEEL_NAME, _wheel_with(metadata))


def test_a_description_may_have_as_many_lines_as_it_likes(tmp_path: Path) -> None:
    metadata = METADATA + b"".join(b"X%d: a\n" % number for number in range(1000))
    assert read(tmp_path, WHEEL_NAME, _wheel_with(metadata)).core_metadata_bytes == metadata


def test_numbers_of_more_digits_than_python_reads_are_no_version(tmp_path: Path) -> None:
    digits = b"1" * 5000
    metadata = METADATA.replace(b"Version: 1.0\n", b"Version: %s\n" % digits)
    assert "they should agree" in refusal(tmp_path, WHEEL_NAME, _wheel_with(metadata))
    pkg_info = METADATA.replace(b"Metadata-Version: 2.1", b"Metadata-Version: 2.%s" % digits)
    found = read(tmp_path, SDIST_NAME, sdist_of(member("foo-1.0/PKG-INFO", pkg_info)))
    assert found.core_metadata_bytes is None


def test_damaged_lzma_in_a_file_dropped_by_hand_is_refused_like_any_damage() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("foo-1.0.dist-info/METADATA", METADATA)
    damaged = bytearray(content.getvalue())
    start = 30 + len("foo-1.0.dist-info/METADATA")
    damaged[start + 4 : start + 9] = b"\xff" * 5  # LZMA's properties
    with pytest.raises(InvalidUpload):
        read_core_metadata(io.BytesIO(bytes(damaged)), parse_filename(WHEEL_NAME))
