"""What the end of a zip file says: where its central directory is, and which members that lists.

Layout: APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16.
"""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.member_names import check_member_count
from pywharf_core.upload.quoted import quoted
from pywharf_core.upload.zip_fields import MAX16, MAX32, UTF8, extra_fields, read_at, unsound, widened

_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_END64 = struct.Struct("<4sQ2H2L4Q")
_END64_MAGIC = b"PK\x06\x06"
_LOCATOR64 = struct.Struct("<4sLQL")
_LOCATOR64_MAGIC = b"PK\x06\x07"
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_CENTRAL_MAGIC = b"PK\x01\x02"

_UNIX = 3
_NEWEST_VERSION = 63  # of the specification; zipfile reads no archive that asks for more

_LARGEST_LISTING = 64 * 1024 * 1024  # bytes of a central directory; MAX_MEMBERS long names fit


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """One record of the central directory."""

    raw_name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int


class ZipListing:
    """The central directory of a zip file.

    :ivar offset: where it begins.
    """

    def __init__(self, stream: BinaryIO, length: int) -> None:
        """Find it; its entries are not read yet.

        :param length: of the stream, in bytes.
        :raises InvalidUpload: there is none, or it is not where it should be.
        """
        self._stream = stream
        self.offset, self._size, self._count = self._end_records(length)

    def _end_records(self, length: int) -> tuple[int, int, int]:
        """Offset and size of the central directory, and how many entries it has."""
        tail_offset = max(0, length - _END.size - MAX16)
        tail = read_at(self._stream, tail_offset, length - tail_offset)
        found = tail.rfind(_END_MAGIC)
        if found < 0 or len(tail) - found < _END.size:
            raise InvalidUpload("The file is not a zip archive, or its end is missing; upload it whole.")
        _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(tail, found)
        if len(tail) - found - _END.size != comment:
            raise unsound("has bytes behind its end")
        end = tail_offset + found
        if (disk, first_disk) != (0, 0) or here != count:
            raise unsound("is part of a set of several")
        if end >= _LOCATOR64.size:
            locator = read_at(self._stream, end - _LOCATOR64.size, _LOCATOR64.size)
            if locator.startswith(_LOCATOR64_MAGIC):
                end, (offset, size, count) = self._zip64_end(locator, end, (offset, size, count))
        if offset + size != end:
            raise unsound("has a listing that is not where its end record says, or something before its first member")
        check_member_count(count)
        return offset, size, count

    def _zip64_end(
        self, locator: bytes, locator_end: int, narrow: tuple[int, int, int]
    ) -> tuple[int, tuple[int, int, int]]:
        _, disk, record_offset, disks = _LOCATOR64.unpack(locator)
        wrong = unsound("has a ZIP64 end record that contradicts itself")
        record = read_at(self._stream, record_offset, _END64.size)
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
        for low, high, full in zip(narrow, wide, (MAX32, MAX32, MAX16), strict=True):
            if low not in (high, full):
                raise wrong
        return record_offset, wide

    def entries(self) -> Iterator[ZipEntry]:
        """In the order of the listing.

        :raises InvalidUpload: also in the middle, when one is wrong.
        """
        if self._size > _LARGEST_LISTING:
            raise InvalidUpload(
                f"The archive's listing has {self._size} bytes; at most {_LARGEST_LISTING} are allowed."
            )
        listing = read_at(self._stream, self.offset, self._size)
        wrong = unsound("has a listing that contradicts its end record")
        position = 0
        for _ in range(self._count):
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
            extra = extra_fields(listing[name_end : name_end + extra_length], raw_name)
            if comment_length:
                raise unsound("has a comment on a member")
            if needs & 0xFF > _NEWEST_VERSION:
                raise unsound("asks for a reader of a later version than there is")
            if made_by >> 8 == _UNIX and stat.S_ISLNK(attributes >> 16):
                raise InvalidUpload(
                    f"The archive's member {quoted(_shown(raw_name))} is a symbolic link; it should be a plain file."
                )
            unpacked, packed, header_offset, disk = widened(
                extra, (unpacked, packed, header_offset, disk), (MAX32, MAX32, MAX32, MAX16)
            )
            if disk != 0:
                raise unsound("is part of a set of several")
            yield ZipEntry(raw_name, flags, method, crc, packed, unpacked, header_offset)
            position = next_position
        if position != len(listing):
            raise wrong


def _shown(raw_name: bytes) -> str:
    return raw_name.decode("utf-8", "replace")


def member_name(entry: ZipEntry) -> str:
    """:raises InvalidUpload: readers could take it for another name."""
    try:
        name = entry.raw_name.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    if not name or not (name.isascii() or entry.flags & UTF8):
        raise InvalidUpload(
            f"The archive's member {quoted(_shown(entry.raw_name))} should have a name in UTF-8 that is marked as such."
        )
    return name
