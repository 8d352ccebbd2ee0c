"""Versions as bytes that sort as the versions do: so SQLite knows which release is the latest, and which are equal."""

from __future__ import annotations

from functools import lru_cache

from packaging.version import Version

from pywharf_core.simple.ordering import parsed_version

_END = b"\x00"  # below whatever may follow instead


def key_of(version: Version) -> bytes:
    """Equal for equal versions (``1.0`` and ``1.0.0``), else in their order (version specifiers specification, PEP 440)."""
    return b"".join((_number(version.epoch), _release(version), _suffixes(version), _local(version.local)))


@lru_cache(maxsize=65536)  # as many as `parsed_version` remembers
def version_key(text: str) -> bytes:
    """``key_of`` a listed file's version; what is no version comes before all that are."""
    try:
        return key_of(parsed_version(text))
    except ValueError:  # also a number of more digits than Python reads
        return _END + text.encode("utf-8", "replace")


def is_final(text: str) -> bool:
    """Whether it is neither a pre-release nor a development release, nor something else than a version."""
    try:
        return not parsed_version(text).is_prerelease
    except ValueError:  # also a number of more digits than Python reads
        return False


def _release(version: Version) -> bytes:
    numbers = list(version.release)
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return b"".join(map(_number, numbers)) + _END


def _suffixes(version: Version) -> bytes:
    """``1.dev1 < 1a1.dev1 < 1a1 < 1rc1 < 1 < 1.post1.dev1 < 1.post1``"""
    if version.pre is not None:
        pre = b"\x02" + version.pre[0].encode() + _number(version.pre[1])
    else:
        only_dev = version.post is None and version.dev is not None
        pre = b"\x01" if only_dev else b"\xff"
    post = b"\x01" if version.post is None else b"\x02" + _number(version.post)
    dev = b"\xff" if version.dev is None else b"\x01" + _number(version.dev)
    return pre + post + dev


def _local(local: str | None) -> bytes:
    """Words come before numbers, and nothing before both."""
    if local is None:
        return _END
    segments = (
        b"\x02" + _number(int(part)) if part.isdigit() else b"\x01" + part.encode() + _END for part in local.split(".")
    )
    return b"\x01" + b"".join(segments) + _END


def _number(number: int) -> bytes:
    """Of two numbers the one with fewer digits is the smaller one; filenames leave room for some 200."""
    digits = str(number).encode()
    return bytes([min(len(digits), 255)]) + digits
