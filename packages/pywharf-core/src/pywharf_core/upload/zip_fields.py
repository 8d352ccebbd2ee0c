"""Fields of a zip file that stand in more than one place, and what is said of a file in which they contradict each other.

Layout: APPNOTE.TXT 6.3.10, sections 4.4.4, 4.5.3 and 4.6.9.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from pywharf_core.errors import InvalidUpload

_EXTRA = struct.Struct("<HH")

ZIP64_EXTRA, _UNICODE_PATH_EXTRA = 0x0001, 0x7075
UTF8 = 1 << 11  # the flag that says how a name is written
MAX16, MAX32 = 0xFFFF, 0xFFFFFFFF


def read_at(stream: BinaryIO, offset: int, size: int) -> bytes:
    """At most ``size`` bytes; fewer where the file ends."""
    stream.seek(offset)
    return stream.read(size)


def unsound(how: str) -> InvalidUpload:
    """What is said of an archive; ``how`` is how it differs from a sound one."""
    return InvalidUpload(f"The zip archive {how}, so that readers could take it differently; build it again.")


def extra_fields(data: bytes, raw_name: bytes) -> dict[int, bytes]:
    """The extra fields that change what a member is, by number.

    :raises InvalidUpload: readers could take them differently; likewise in ``widened``.
    """
    fields: dict[int, bytes] = {}
    position = 0
    # Up to three bytes may be left over: some tools align the content so, and zipfile looks away.
    while position + _EXTRA.size <= len(data):
        number, size = _EXTRA.unpack_from(data, position)
        position += _EXTRA.size
        if position + size > len(data):
            raise unsound("has an extra field that is cut short")
        if number in (ZIP64_EXTRA, _UNICODE_PATH_EXTRA):
            if number in fields:
                raise unsound("has an extra field twice")
            fields[number] = data[position : position + size]
        position += size
    renamed = fields.get(_UNICODE_PATH_EXTRA)
    if renamed is not None and renamed[5:] != raw_name:
        raise unsound("gives a member two names")
    return fields


def widened(extra: dict[int, bytes], narrow: tuple[int, ...], full: tuple[int, ...]) -> tuple[int, ...]:
    """Replace each value that stands at its maximum by the one in the ZIP64 field, in their order."""
    data = extra.get(ZIP64_EXTRA, b"")
    values, position = [], 0
    for value, maximum in zip(narrow, full, strict=True):
        size = 4 if maximum == MAX16 else 8
        if value == maximum and position + size <= len(data):
            value = int.from_bytes(data[position : position + size], "little")
            position += size
        elif value == maximum and ZIP64_EXTRA in extra:
            raise unsound("has a ZIP64 field that is cut short")
        values.append(value)
    if position != len(data):
        # Python's zipfile writes both sizes beside the content whenever it was told that a file may grow large.
        raise unsound("has a ZIP64 field that nothing refers to")
    return tuple(values)
