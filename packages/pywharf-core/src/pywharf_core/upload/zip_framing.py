"""A zip file read so strictly that every reader must find the same members in it.

``zipfile`` trusts the central directory, streaming installers trust the local headers, scanners something third; what
differs between them can hide a file (CVE-2025-54368). So both listings must say the same of every member, and every
byte of the file must belong to exactly one of them. Layout: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.bombs import check_expansion, check_metadata_size
from pywharf_core.upload.member_names import MemberNames, check_member_count
from pywharf_core.upload.quoted import quoted

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC = b"PK\x06\x06"
_LOCATOR64 = struct.Struct("<4sLQL")
_LOCATOR64_MAGIC = b"PK\x06\x07"
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_CENTRAL_MAGIC = b"PK\x01\x02"
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"
_EXTRA = struct.Struct("<HH")

_STORED, _DEFLATED = 0, 8
_DATA_DESCRIPTOR, _UTF8 = 1 << 3, 1 << 11  # flags
_ENCRYPTED = 1 | 1 << 5 | 1 << 6 | 1 << 13  # plainly, as a patch, strongly, with masked headers
_ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075
_UNIX = 3
_NEWEST_VERSION = 63  # of the specification; zipfile reads no archive that asks for more
_MAX16, _MAX32 = 0xFFFF, 0xFFFFFFFF

_LARGEST_LISTING = 64 * 1024 * 1024  # bytes of a central directory; MAX_MEMBERS long names fit
_PIECE = 256 * 1024  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipMember:
    """One member, on which central directory and local header agree."""

    name: str
    size: int  # bytes unpacked
    packed: int  # bytes in the archive
    crc: int
    method: int
    data_offset: int

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")


@dataclass(frozen=True, slots=True)
class _Entry:
    """One record of the central directory."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class ZipArchive:
    """A zip file whose framing is sound.

    :ivar members: by name, in the order of the file; folders' names end in a slash.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Read the framing; the members' bytes are not read yet.

        :param stream: seekable; used as long as this object is.
        :raises InvalidUpload: what is wrong with it.
        """
        self._stream = stream
        self.members: dict[str, ZipMember] = {}
        length = stream.seek(0, os.SEEK_END)
        directory_offset, directory_size, count = self._end_records(length)
        entries = sorted(self._entries(directory_offset, directory_size, count), key=lambda entry: entry.offset)
        position = 0
        names = MemberNames()
        for entry in entries:
            names.add(_member_name(entry))
            member, position = self._member(entry, position)
            if member.name in self.members:
                raise InvalidUpload(f"The archive has two members named {quoted(member.name)}; it should have one.")
            self.members[member.name] = member
        if position != directory_offset:
            raise _unsound("has bytes that belong to no member")
        names.check_no_file_is_a_folder()
        check_expansion(sum(member.size for member in self.members.values()), length)

    def pieces(self, member: ZipMember) -> Iterator[bytes]:
        """A member's content in pieces of at most 256 KiB.

        :raises InvalidUpload: it is damaged; known after the last piece only.
        """
        crc = size = 0
        for piece in self._inflated(member) if member.method == _DEFLATED else self._raw(member):
            crc = zlib.crc32(piece, crc)
            size += len(piece)
            if size > member.size:
                break
            yield piece
        if size != member.size or crc != member.crc:
            raise InvalidUpload(f"The archive's member {quoted(member.name)} is damaged; build the file again.")

    def read(self, member: ZipMember) -> bytes:
        """The content of a small member.

        :raises InvalidUpload: it is damaged or not small.
        """
        check_metadata_size(member.name, member.size)
        return b"".join(self.pieces(member))

    def _raw(self, member: ZipMember) -> Iterator[bytes]:
        position, left = member.data_offset, member.packed
        while left:
            self._stream.seek(position)  # each time, for another member may be read between two pieces
            piece = self._stream.read(min(left, _PIECE))
            if not piece:
                return
            position += len(piece)
            left -= len(piece)
            yield piece

    def _inflated(self, member: ZipMember) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        damaged = InvalidUpload(f"The archive's member {quoted(member.name)} is damaged; build the file again.")
        try:
            for packed in self._raw(member):
                while packed:
                    if inflater.eof:
                        raise damaged
                    yield inflater.decompress(packed, _PIECE)
                    packed = inflater.unconsumed_tail or inflater.unused_data
            while not inflater.eof:
                piece = inflater.decompress(b"", _PIECE)
                if not piece and not inflater.eof:
                    raise damaged
                yield piece
        except zlib.error as error:
            raise damaged from error

    def _end_records(self, length: int) -> tuple[int, int, int]:
        """Offset and size of the central directory, and how many entries it has."""
        tail_offset = max(0, length - _END.size - _MAX16)
        tail = self._at(tail_offset, length - tail_offset)
        found = tail.rfind(_END_MAGIC)
        if found < 0 or len(tail) - found < _END.size:
            raise InvalidUpload("The file is not a zip archive, or its end is missing; upload it whole.")
        _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, found)
        if len(tail) - found - _END.size != comment:
            raise _unsound("has bytes behind its end")
        end = tail_offset + found
        if (disk, first_disk) != (0, 0) or here != count:
            raise _unsound("is part of a set of several")
        if end >= _LOCATOR64.size:
            locator = self._at(end - _LOCATOR64.size, _LOCATOR64.size)
            if locator.startswith(_LOCATOR64_MAGIC):
                end, (offset, size, count) = self._zip64_end(locator, end, (offset, size, count))
        if offset + size != end:
            raise _unsound("has a listing that is not where its end record says, or something before its first member")
        check_member_count(count)
        return offset, size, count

    def _zip64_end(
        self, locator: bytes, locator_end: int, narrow: tuple[int, int, int]
    ) -> tuple[int, tuple[int, int, int]]:
        _, disk, record_offset, disks = _LOCATOR64.unpack(locator)
        wrong = _unsound("has a ZIP64 end record that contradicts itself")
        record = self._at(record_offset, _END64.size)
        if len(record) != _END64.size or disk != 0 or disks != 1:
            raise wrong
        magic, record_size, _, _, disk, first_disk, here, count, size, offset = _END64.unpack(record)
        # The size leaves out the magic and itself. A longer record would hold an "extensible data sector": nobody's.
        if magic != _END64_MAGIC or record_size != _END64.size - 12:
            raise wrong
        if record_offset + _END64.size != locator_end - _LOCATOR64.size:
            raise wrong
        if (disk, first_disk) != (0, 0) or here != count:
            raise wrong
        wide = (offset, size, count)
        for low, high, full in zip(narrow, wide, (_MAX32, _MAX32, _MAX16), strict=True):
            if low not in (high, full):
                raise wrong
        return record_offset, wide

    def _entries(self, offset: int, size: int, count: int) -> Iterator[_Entry]:
        if size > _LARGEST_LISTING:
            raise InvalidUpload(f"The archive's listing has {size} bytes; at most {_LARGEST_LISTING} are allowed.")
        listing = self._at(offset, size)
        wrong = _unsound("has a listing that contradicts its end record")
        position = 0
        for _ in range(count):
            if position + _CENTRAL.size > len(listing):
                raise wrong
            fields = _CENTRAL.unpack_from(listing, position)
            magic, made_by, needs, flags, method, _, _, crc, packed, unpacked = fields[:10]
            name_length, extra_length, comment_length, disk, _, attributes, header_offset = fields[10:]
            name_end = position + _CENTRAL.size + name_length
            next_position = name_end + extra_length + comment_length
            if magic != _CENTRAL_MAGIC or next_position > len(listing):
                raise wrong
            raw_name = listing[position + _CENTRAL.size : name_end]
            extra = _extra_fields(listing[name_end : name_end + extra_length], raw_name)
            if comment_length:
                raise _unsound("has a comment on a member")
            if needs & 0xFF > _NEWEST_VERSION:
                raise _unsound("asks for a reader of a later version than there is")
            if made_by >> 8 == _UNIX and stat.S_ISLNK(attributes >> 16):
                raise InvalidUpload(
                    f"The archive's member {quoted(_shown(raw_name))} is a symbolic link; it should be a plain file."
                )
            unpacked, packed, header_offset, disk = _widened(
                extra, (unpacked, packed, header_offset, disk), (_MAX32, _MAX32, _MAX32, _MAX16)
            )
            if disk != 0:
                raise _unsound("is part of a set of several")
            yield _Entry(raw_name, flags, method, crc, packed, unpacked, header_offset)
            position = next_position
        if position != len(listing):
            raise wrong

    def _member(self, entry: _Entry, position: int) -> tuple[ZipMember, int]:
        """The member that begins at ``position``, and where the next one has to begin."""
        name = _member_name(entry)
        if entry.offset != position:
            raise _unsound("has members that overlap, or bytes between them")
        header = self._at(position, _LOCAL.size)
        if len(header) != _LOCAL.size:
            raise _differing(name)
        magic, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
        rest = self._at(position + _LOCAL.size, name_length + extra_length)
        raw_name, extra_bytes = rest[:name_length], rest[name_length:]
        if magic != _LOCAL_MAGIC or raw_name != entry.raw_name or len(extra_bytes) != extra_length:
            raise _differing(name)
        if (flags | entry.flags) & _DATA_DESCRIPTOR:
            raise InvalidUpload(
                f"The archive's member {quoted(name)} has its size only behind its content (a data descriptor), which "
                "readers take differently; write the archive to a file, not to a pipe."
            )
        if (flags | entry.flags) & _ENCRYPTED:
            raise InvalidUpload(f"The archive's member {quoted(name)} is encrypted; it should be a plain file.")
        if (size == _MAX32) != (packed == _MAX32) and _ZIP64_EXTRA in _extra_fields(extra_bytes, raw_name):
            raise _differing(name)  # the specification wants both sizes there or none
        size, packed = _widened(_extra_fields(extra_bytes, raw_name), (size, packed), (_MAX32, _MAX32))
        told = (flags & _UTF8, method, crc, packed, size)
        if told != (entry.flags & _UTF8, entry.method, entry.crc, entry.packed, entry.size):
            raise _differing(name)
        if method not in (_STORED, _DEFLATED):
            raise InvalidUpload(
                f"The archive's member {quoted(name)} is packed by method {method}; it should be stored or deflated."
            )
        if (method == _STORED and size != packed) or (name.endswith("/") and size):
            raise _differing(name)
        data_offset = position + _LOCAL.size + name_length + extra_length
        member = ZipMember(name=name, size=size, packed=packed, crc=crc, method=method, data_offset=data_offset)
        return member, data_offset + packed

    def _at(self, offset: int, size: int) -> bytes:
        self._stream.seek(offset)
        return self._stream.read(size)


def _unsound(how: str) -> InvalidUpload:
    return InvalidUpload(f"The zip archive {how}, so that readers could take it differently; build it again.")


def _differing(name: str) -> InvalidUpload:
    return InvalidUpload(
        f"The zip archive says of its member {quoted(name)} one thing in its listing and another beside the content; "
        "build it again."
    )


def _shown(raw_name: bytes) -> str:
    return raw_name.decode("utf-8", "replace")


def _member_name(entry: _Entry) -> str:
    try:
        name = entry.raw_name.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    if not name or not (name.isascii() or entry.flags & _UTF8):
        raise InvalidUpload(
            f"The archive's member {quoted(_shown(entry.raw_name))} should have a name in UTF-8 that is marked as such."
        )
    return name


def _extra_fields(data: bytes, raw_name: bytes) -> dict[int, bytes]:
    """The extra fields that change what a member is, by number."""
    fields: dict[int, bytes] = {}
    position = 0
    # Up to three bytes may be left over: some tools align the content so, and zipfile looks away.
    while position + _EXTRA.size <= len(data):
        number, size = _EXTRA.unpack_from(data, position)
        position += _EXTRA.size
        if position + size > len(data):
            raise _unsound("has an extra field that is cut short")
        if number in (_ZIP64_EXTRA, _UNICODE_PATH_EXTRA):
            if number in fields:
                raise _unsound("has an extra field twice")
            fields[number] = data[position : position + size]
        position += size
    renamed = fields.get(_UNICODE_PATH_EXTRA)
    if renamed is not None and renamed[5:] != raw_name:
        raise _unsound("gives a member two names")
    return fields


def _widened(extra: dict[int, bytes], narrow: tuple[int, ...], full: tuple[int, ...]) -> tuple[int, ...]:
    """Replace each value that stands at its maximum by the one in the ZIP64 field, in their order."""
    data = extra.get(_ZIP64_EXTRA, b"")
    values, position = [], 0
    for value, maximum in zip(narrow, full, strict=True):
        size = 4 if maximum == _MAX16 else 8
        if value == maximum and position + size <= len(data):
            value = int.from_bytes(data[position : position + size], "little")
            position += size
        elif value == maximum and _ZIP64_EXTRA in extra:
            raise _unsound("has a ZIP64 field that is cut short")
        values.append(value)
    if position != len(data):
        # Python's zipfile writes both sizes beside the content whenever it was told that a file may grow large.
        raise _unsound("has a ZIP64 field that nothing refers to")
    return tuple(values)
