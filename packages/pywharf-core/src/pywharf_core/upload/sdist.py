"""What an sdist must hold: the source distribution format specification. Nothing is ever extracted."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from pywharf_core.errors import InvalidUpload
from pywharf_core.upload.bombs import check_metadata_size
from pywharf_core.upload.gunzip import Gunzip
from pywharf_core.upload.member_names import MemberNames, check_member_count, link_leads_outside
from pywharf_core.upload.quoted import quoted
from pywharf_core.upload.zip_framing import ZipArchive

_PIECE = 256 * 1024  # bytes
_LARGEST_EXTENSION = 64 * 1024  # bytes of a pax or GNU header, which tarfile holds in memory; they carry paths
_MOST_EXTENSIONS = 4  # in a row; tarfile calls itself for each
_MOST_GLOBAL_EXTENSIONS = 16  # in one archive; tarfile keeps them all
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def zip_sdist_metadata(archive: ZipArchive) -> bytes:
    """Check the archive, its members' content included, and return PKG-INFO as it is.

    :raises InvalidUpload: what is wrong.
    """
    top = _only_top_folder({name.partition("/")[0] for name in archive.members})
    for name, member in archive.members.items():
        if "/" not in name:
            raise _beside_the_top(name)
        for _ in archive.pieces(member):  # to its end: that checks size and checksum
            pass
    pkg_info = archive.members.get(f"{top}/PKG-INFO")
    if pkg_info is None:
        raise _no_pkg_info(top)
    return archive.read(pkg_info)


def tar_sdist_metadata(stream: BinaryIO) -> bytes:
    """Check a ``.tar.gz`` to its last byte and return PKG-INFO as it is.

    :raises InvalidUpload: what is wrong.
    """
    listing = _TarListing()
    with _tar_faults():
        unpacked = Gunzip(stream)
        for archive, member in _members(unpacked):
            listing.add(member)
            if _is_pkg_info(member):
                listing.pkg_infos.append(_content(archive, member))
        while piece := unpacked.read(_PIECE):
            if piece.strip(b"\0"):
                raise InvalidUpload("The tar archive goes on behind its end; build it again with a current tool.")
    return listing.pkg_info()


def tar_sdist_metadata_only(stream: BinaryIO) -> bytes:
    """PKG-INFO of a ``.tar.gz``, read no further than there.

    :raises InvalidUpload: there is none, or the archive is unreadable before it.
    """
    with _tar_faults():
        for archive, member in _members(Gunzip(stream)):
            if _is_pkg_info(member):
                return _content(archive, member)
    raise _no_pkg_info("name-version")


class _TarListing:
    """What was seen of the members so far."""

    def __init__(self) -> None:
        self.pkg_infos: list[bytes] = []
        self._tops: set[str] = set()
        self._named_pkg_info = 0
        self._names = MemberNames()
        self._count = 0

    def add(self, member: tarfile.TarInfo) -> None:
        self._count += 1
        check_member_count(self._count)
        name = _plain_name(member)
        if not name:  # the archive's own root, as `tar -C folder .` writes it
            return
        self._names.add(f"{name}/" if member.isdir() else name)
        top, slash, rest = name.partition("/")
        if not slash and not member.isdir():
            raise _beside_the_top(name)
        self._tops.add(top)
        self._named_pkg_info += rest == "PKG-INFO"  # a link counts: whoever unpacks the archive has the last one
        if member.issparse() or member.type == tarfile.GNUTYPE_SPARSE:
            raise InvalidUpload(f"The archive's member {quoted(name)} is a sparse file; it should be a plain one.")
        if member.issym() or member.islnk():
            self._add_link(member, name, top)
        elif not (member.isreg() or member.isdir()):
            raise InvalidUpload(f"The archive's member {quoted(name)} is a device or pipe; it should be a plain file.")

    def _add_link(self, member: tarfile.TarInfo, name: str, top: str) -> None:
        target = member.linkname
        if member.islnk():  # a hard link's target is told from the archive's root, and is a member
            target = target.removeprefix("./")
            outside = link_leads_outside("", target, top)
        else:
            outside = link_leads_outside(name, target, top)
        if outside:
            raise InvalidUpload(
                f"The archive's member {quoted(name)} is a link to {quoted(target)}, out of its folder; "
                "it should point to a file of the sdist."
            )

    def pkg_info(self) -> bytes:
        top = _only_top_folder(self._tops)
        self._names.check_no_file_is_a_folder()
        if not self.pkg_infos:
            raise _no_pkg_info(top)
        if self._named_pkg_info > 1:
            raise InvalidUpload(f"The sdist has {top}/PKG-INFO twice; it should have it once.")
        return self.pkg_infos[0]


def _plain_name(member: tarfile.TarInfo) -> str:
    """Without the ``./`` that ``tar`` puts in front when it is told to pack ``.``."""
    name = member.name
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return "" if name == "." else name


def _is_pkg_info(member: tarfile.TarInfo) -> bool:
    return _plain_name(member).partition("/")[2] == "PKG-INFO" and member.isreg()


def _only_top_folder(tops: set[str]) -> str:
    if len(tops) != 1:
        found = ", ".join(quoted(top) for top in sorted(tops)[:3]) or "nothing"
        raise InvalidUpload(f"An sdist should hold one folder name-version and all else in it; this one holds {found}.")
    return next(iter(tops))


def _beside_the_top(name: str) -> InvalidUpload:
    return InvalidUpload(
        f"An sdist should hold one folder name-version and all else in it; this one has {quoted(name)} beside it."
    )


def _no_pkg_info(top: str) -> InvalidUpload:
    return InvalidUpload(f"The sdist has no {top}/PKG-INFO; build it again with a current tool.")


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    check_metadata_size("PKG-INFO", member.size)
    extracted = archive.extractfile(member)
    return b"" if extracted is None else extracted.read()


def _members(unpacked: Gunzip) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Every member, in the order of the archive; only the current one can be read."""
    with tarfile.open(
        fileobj=cast("BinaryIO", unpacked), mode="r:", tarinfo=_bounded_headers(), errorlevel=2
    ) as archive:
        while (member := archive.next()) is not None:
            yield archive, member
            archive.members = []  # type: ignore[attr-defined]  # tarfile remembers all that it has seen


def _bounded_headers() -> type[tarfile.TarInfo]:
    """A class of headers for one archive that refuses those with which memory could be filled."""
    in_a_row = everywhere = 0

    class BoundedHeader(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> BoundedHeader:
            nonlocal in_a_row, everywhere
            try:
                header = super().frombuf(buf, encoding, errors)
            except tarfile.HeaderError:
                if bytes(buf).strip(b"\0"):  # tarfile would take it for the end; others may not
                    raise _not_a_tar() from None
                raise
            in_a_row = in_a_row + 1 if header.type in _EXTENSIONS else 0
            everywhere += header.type == tarfile.XGLTYPE
            if in_a_row > _MOST_EXTENSIONS or everywhere > _MOST_GLOBAL_EXTENSIONS:
                raise InvalidUpload("The tar archive has too many extended headers; build it with a current tool.")
            if in_a_row and header.size > _LARGEST_EXTENSION:
                raise InvalidUpload(f"The tar archive has an extended header of more than {_LARGEST_EXTENSION} bytes.")
            return header

    return BoundedHeader


@contextmanager
def _tar_faults() -> Iterator[None]:
    try:
        yield
    except InvalidUpload:
        raise
    except (tarfile.TarError, EOFError, ValueError, LookupError, OverflowError) as error:
        raise _not_a_tar() from error


def _not_a_tar() -> InvalidUpload:
    return InvalidUpload("The file is not a tar archive, or damaged; build it again and upload it whole.")
