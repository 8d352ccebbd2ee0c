"""How much an archive may grow when it is unpacked."""

from __future__ import annotations

from pywharf_core.errors import InvalidUpload

#: A ratio is suspicious only from here on; text of a few megabytes may shrink a lot.
HARMLESS_BYTES = 64 * 1024 * 1024
MAX_RATIO = 50

#: Of METADATA, PKG-INFO and WHEEL; read into memory.
MAX_METADATA_BYTES = 8 * 1024 * 1024


def check_expansion(unpacked: int, packed: int) -> None:
    """Bytes after against bytes before.

    :raises InvalidUpload: the archive grows more than any honest one does.
    """
    if unpacked > HARMLESS_BYTES and unpacked > MAX_RATIO * packed:
        raise InvalidUpload(
            f"The archive unpacks to more than {MAX_RATIO} times its size, as decompression bombs do; "
            "leave out files of endlessly repeated content."
        )


def check_metadata_size(name: str, size: int) -> None:
    """:raises InvalidUpload: too large to be read into memory."""
    if size > MAX_METADATA_BYTES:
        raise InvalidUpload(f"The archive's {name} has {size} bytes; at most {MAX_METADATA_BYTES} are allowed.")
