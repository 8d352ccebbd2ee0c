"""A zip file read so strictly that every reader must find the same members in it.

``zipfile`` trusts the central directory, streaming installers trust the local headers, scanners something third; what
differs between them can hide a file (CVE-2025-54368). So both listings must say the same of every member, and every
byte of the file must belong to exactly one of them. Layout: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.bombs import check_expansion, check_metadata_size
from pywharf_core.upload.member_names import MemberNames
from pywharf_core.upload.quoted import quoted
from pywharf_core.upload.zip_fields import MAX32, UTF8, ZIP64_EXTRA, extra_fields, read_at, unsound, widened
from pywharf_core.upload.zip_listing import ZipEntry, ZipListing, member_name

_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MAGIC = b"PK\x03\x04"

_STORED, _DEFLATED = 0, 8
_DATA_DESCRIPTOR = 1 << 3  # a flag
_ENCRYPTED = 1 | 1 << 5 | 1 << 6 | 1 << 13  # plainly, as a patch, strongly, with masked headers

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
        listing = ZipListing(stream, length)
        entries = sorted(listing.entries(), key=lambda entry: entry.offset)
        position = 0
        names = MemberNames()
        for entry in entries:
            names.add(member_name(entry))
            member, position = self._member(entry, position)
            if member.name in self.members:
                raise InvalidUpload(f"The archive has two members named {quoted(member.name)}; it should have one.")
            self.members[member.name] = member
        if position != listing.offset:
            raise unsound("has bytes that belong to no member")
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

    def _member(self, entry: ZipEntry, position: int) -> tuple[ZipMember, int]:
        """The member that begins at ``position``, and where the next one has to begin."""
        name = member_name(entry)
        if entry.offset != position:
            raise unsound("has members that overlap, or bytes between them")
        header = read_at(self._stream, position, _LOCAL.size)
        if len(header) != _LOCAL.size:
            raise _differing(name)
        magic, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
        rest = read_at(self._stream, position + _LOCAL.size, name_length + extra_length)
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
        if (size == MAX32) != (packed == MAX32) and ZIP64_EXTRA in extra_fields(extra_bytes, raw_name):
            raise _differing(name)  # the specification wants both sizes there or none
        size, packed = widened(extra_fields(extra_bytes, raw_name), (size, packed), (MAX32, MAX32))
        told = (flags & UTF8, method, crc, packed, size)
        if told != (entry.flags & UTF8, entry.method, entry.crc, entry.packed, entry.size):
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


def _differing(name: str) -> InvalidUpload:
    return InvalidUpload(
        f"The zip archive says of its member {quoted(name)} one thing in its listing and another beside the content; "
        "build it again."
    )
