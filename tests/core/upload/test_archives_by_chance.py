"""What the checker takes, every other reader takes the same way; what it does not take, it refuses with a sentence.

The other readers: ``zipfile``, which reads the listing at the end; one written here, which goes from local header to
local header as streaming installers do; ``tarfile`` as it is; and the filter with which Python extracts tar archives.
"""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from core.upload.crafted import METADATA, member, record_of, tar_of
from pywharf_core.errors import InvalidUpload
from pywharf_core.filenames import parse_filename
from pywharf_core.upload.archive import read_archive, read_core_metadata
from pywharf_core.upload.sdist import tar_sdist_metadata
from pywharf_core.upload.zip_framing import ZipArchive

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")

SAFE_NAMES = st.lists(st.sampled_from(["a", "b", "é", "a" * 90, "PKG-INFO"]), min_size=1, max_size=3).map(
    lambda segments: "/".join(["foo-1.0", *segments])
)
SEGMENTS = st.sampled_from(["foo-1.0", "a", "b", "A", "PKG-INFO", "..", ".", "", "C:", "é", "a\\b", "\x07", "a" * 90])
NAMES = SAFE_NAMES | SAFE_NAMES | st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
CONTENTS = st.binary(max_size=40) | st.sampled_from([METADATA, b"a" * 500, b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
REPLACED = st.builds(
    lambda offset, data: (offset, len(data), data),
    st.integers(-150, 1500),
    st.binary(min_size=1, max_size=4) | st.sampled_from([bytes(4), b"\xff\xff\xff\xff", b"7777777\0"]),
)
INSERTED = st.tuples(st.integers(-150, 1500), st.integers(0, 4), st.binary(max_size=4) | st.just(b"PK\x03\x04"))
Change = tuple[int, int, bytes]
CHANGES: st.SearchStrategy[list[Change]] = (
    st.just([]) | st.lists(REPLACED, max_size=2) | st.lists(REPLACED | INSERTED, max_size=3)
)


def changed(content: bytes, changes: Sequence[Change]) -> bytes:
    for offset, length, data in changes:
        start = offset % (len(content) + 1)
        content = content[:start] + data + content[start + length :]
    return content


def check_sentence(error: InvalidUpload) -> None:
    event("refused")
    assert "\n" not in str(error)
    assert str(error).endswith(".")


# --- zip ----------------------------------------------------------------------------------------------------


def zip_made(files: Sequence[tuple[str, bytes, int]], comment: bytes, *, wide: bool) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content, method in files:
            info = zipfile.ZipInfo(name or "x", (2026, 1, 1, 0, 0, 0))
            info.compress_type = method
            with archive.open(info, "w", force_zip64=wide) as stream:
                stream.write(content)
        archive.comment = comment
    return buffer.getvalue()


def streamed(content: bytes) -> dict[str, bytes]:
    """As somebody reads it who sees local headers only, and stops at the first thing that is none."""
    found: dict[str, bytes] = {}
    position = 0
    while content[position : position + 4] == b"PK\x03\x04":
        flags, method, crc, packed, size, name_length, extra_length = struct.unpack_from(
            "<2xHH4xLLLHH", content, position + 4
        )
        name = content[position + 30 : position + 30 + name_length]
        extra = content[position + 30 + name_length : position + 30 + name_length + extra_length]
        if packed == size == 0xFFFFFFFF and extra[:4] == b"\x01\0\x10\0":
            size, packed = struct.unpack_from("<QQ", extra, 4)
        start = position + 30 + name_length + extra_length
        data = content[start : start + packed]
        if method == zipfile.ZIP_DEFLATED:
            data = zlib.decompress(data, -15)
        assert (len(data), zlib.crc32(data)) == (size, crc)
        text = name.decode("utf-8" if flags & 0x800 else "cp437")
        assert text not in found
        found[text] = data
        position = start + packed
    return found


@given(
    st.lists(st.tuples(NAMES, CONTENTS, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])), max_size=4),
    st.sampled_from([b"", b"comment", b"PK\x05\x06" + bytes(18)]),
    st.booleans(),
    CHANGES,
)
@example([("foo-1.0/PKG-INFO", METADATA, zipfile.ZIP_DEFLATED)], b"", True, [])
@settings(deadline=None)
def test_every_reader_of_a_zip_archive_that_is_taken_finds_the_same_members(
    files: list[tuple[str, bytes, int]], comment: bytes, wide: bool, changes: list[Change]
) -> None:
    content = changed(zip_made(files, comment, wide=wide), changes)
    try:
        archive = ZipArchive(io.BytesIO(content))
        ours = {name: b"".join(archive.pieces(found)) for name, found in archive.members.items()}
    except InvalidUpload as error:
        check_sentence(error)
        return
    event("taken")
    with zipfile.ZipFile(io.BytesIO(content)) as other:
        assert {info.filename: other.read(info) for info in other.infolist()} == ours
        assert len(other.infolist()) == len(ours)
    assert streamed(content) == ours
    for name in ours:
        assert not name.startswith("/")
        assert ".." not in name.split("/")


WHEEL_FILES = {
    "foo.py": b"x = 1\n",
    "foo-1.0.dist-info/METADATA": METADATA,
    "foo-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\n",
}


@given(CHANGES, CHANGES, st.sampled_from(sorted(WHEEL_FILES)), st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_wheel_that_is_taken_says_the_same_to_zipfile(
    tmp_path: Path,
    in_file: list[Change],
    in_record: list[Change],
    name: str,
    told: bool,
) -> None:
    files = {**WHEEL_FILES, name: changed(WHEEL_FILES[name], in_file)}
    record = changed(record_of(files if told else WHEEL_FILES), in_record)
    listed = [*files.items(), ("foo-1.0.dist-info/RECORD", record)]
    path = tmp_path / "staged"
    path.write_bytes(zip_made([(name, content, zipfile.ZIP_DEFLATED) for name, content in listed], b"", wide=False))
    try:
        found = read_archive(path, parse_filename("foo-1.0-py3-none-any.whl"))
    except InvalidUpload as error:
        check_sentence(error)
        return
    event("taken")
    assert found.core_metadata_bytes == files["foo-1.0.dist-info/METADATA"]
    with path.open("rb") as stream:
        assert read_core_metadata(stream, parse_filename("foo-1.0-py3-none-any.whl")) == found
    assert told or files == WHEEL_FILES


# --- tar ----------------------------------------------------------------------------------------------------

TYPES = st.sampled_from(
    [
        tarfile.REGTYPE,
        tarfile.REGTYPE,
        tarfile.AREGTYPE,
        tarfile.DIRTYPE,
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CONTTYPE,
    ]
    + [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.GNUTYPE_SPARSE, b"Z"]
)
MEMBERS = st.lists(st.tuples(NAMES, TYPES, CONTENTS, NAMES), max_size=4)
FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])


def with_right_checksums(archive: bytes) -> bytes:
    """Where a header was, so that changes in it are looked at, not just noticed."""
    blocks = [archive[start : start + 512] for start in range(0, len(archive), 512)]
    for number, block in enumerate(blocks):
        if block[257:262] == b"ustar" and len(block) == 512:
            checksum = sum(block[:148]) + 8 * 0x20 + sum(block[156:])
            blocks[number] = block[:148] + b"%06o\0 " % checksum + block[156:]
    return b"".join(blocks)


def names_in_gnu_tar(content: bytes) -> list[str] | None:
    """None: there is no such program, or it does not read the archive."""
    command = ["tar", "--list", "--gzip", "--absolute-names", "--quoting-style=literal", "--null"]
    try:
        done = subprocess.run([*command, "--file=-"], input=content, capture_output=True, env={"LC_ALL": "C.UTF-8"})
    except FileNotFoundError:
        return None
    return done.stdout.decode("utf-8", "surrogateescape").splitlines() if done.returncode == 0 else None


TAILS = st.sampled_from([b"", b"", b"", bytes(10), b"x", gzip.compress(bytes(1024))])


@given(MEMBERS, st.booleans(), FORMATS, CHANGES, TAILS)
@example([("foo-1.0/a", tarfile.SYMTYPE, b"", "../a")], False, tarfile.PAX_FORMAT, [], b"")
@settings(deadline=None)
def test_every_reader_of_a_tar_archive_that_is_taken_finds_the_same_members_and_none_outside(
    members: list[tuple[str, bytes, bytes, str]],
    without_pkg_info: bool,
    format: int,
    changes: list[Change],
    tail: bytes,
) -> None:
    made = [
        member(name or "x", content if kind in (tarfile.REGTYPE, tarfile.AREGTYPE) else b"", type=kind, linkname=target)
        for name, kind, content, target in members
    ]
    if not without_pkg_info:
        made.append(member("foo-1.0/PKG-INFO", METADATA))
    try:
        plain = tar_of(*made, format=format)
    except ValueError:  # a name that is too long for this format
        return
    content = gzip.compress(with_right_checksums(changed(plain, changes)), 0) + tail
    try:
        ours = tar_sdist_metadata(io.BytesIO(content))
    except InvalidUpload as error:
        check_sentence(error)
        return
    event("taken")
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as other:
        listed = names_in_gnu_tar(content)
        if listed is not None:
            event("read by GNU tar")
            assert [name.rstrip("/") for name in listed] == [found.name.rstrip("/") for found in other.getmembers()]
        tops = set()
        for found in other.getmembers():
            name = found.name.removeprefix("./")
            if name in ("", "."):
                continue
            assert tarfile.data_filter(found, "/somewhere") is not None
            tops.add(name.partition("/")[0])
        (top,) = tops
        names = [found.name for found in other.getmembers() if found.name.removeprefix("./") == f"{top}/PKG-INFO"]
        assert len(names) == 1
        stream = other.extractfile(names[0])
        assert stream is not None
        assert stream.read() == ours


@given(st.binary(max_size=300) | CONTENTS.map(gzip.compress))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_refused_as_each_kind_of_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "staged"
    path.write_bytes(content)
    for filename in ("foo-1.0-py3-none-any.whl", "foo-1.0.zip", "foo-1.0.tar.gz"):
        with pytest.raises(InvalidUpload) as caught:
            read_archive(path, parse_filename(filename))
        check_sentence(caught.value)
        with pytest.raises(InvalidUpload) as caught:
            read_core_metadata(io.BytesIO(content), parse_filename(filename))
        check_sentence(caught.value)
