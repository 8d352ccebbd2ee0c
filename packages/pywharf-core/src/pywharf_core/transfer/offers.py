"""What packages can be taken from, and what such a source offers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, Protocol

from pywharf_core.clock import Clock
from pywharf_core.digests import digest_of
from pywharf_core.errors import InvalidUpload, SourceUnusable
from pywharf_core.filenames import ParsedFilename, parse_filename
from pywharf_core.model import DistributionFile, ProjectState, ProjectStatus, StagedFile
from pywharf_core.upload.form import UploadForm
from pywharf_core.upload.receive import receive
from pywharf_core.upload.staging import StagingFile

PIECE = 256 * 1024  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """A file that can be had.

    :ivar place: where it lies, for people: a path, or an address without credentials.
    :ivar project: whose it is said to be; None: only its name says.
    :ivar size: in bytes; None: unknown.
    :ivar hashes: lower-case hex by algorithm, as the source says; perhaps none.
    :ivar upload_time: aware; None: the source knows none that can be believed.
    :ivar status: of its project in the source.
    """

    filename: str
    place: str
    project: str | None = None
    size: int | None = None
    hashes: Mapping[str, str] = field(default_factory=dict)
    upload_time: datetime | None = None
    yanked: str | None = None
    status: ProjectStatus = ProjectStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something lies there that is no distribution file, or that nobody asked for."""

    place: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """A distribution file should be there, but none can be had."""

    place: str
    reason: str


Finding = Offer | PassedOver | Unusable


class Findings(Protocol):
    """All that a source has, counted; may be gone through more than once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Finding]: ...


class Source(ABC):
    """Somewhere to take packages from. Many threads fetch at once.

    :cvar is_repository: a whole repository of ours, whose reserved names and later yanks are taken over too.
    """

    is_repository: ClassVar[bool] = False

    @abstractmethod
    def look(self) -> Findings:
        """Find out what there is.

        :raises SourceUnusable: nothing can be read from it.
        :raises SourceUnavailable: another try may succeed.
        """

    @abstractmethod
    def fetch(self, offer: Offer, staging: StagingFile, clock: Clock) -> None:
        """Write the offer's bytes.

        :raises SourceUnusable: they cannot be read; ``FileNotFound``: they are gone.
        :raises FileTooLarge: they are too many.
        :raises SourceUnavailable: another try may succeed, with another ``staging``.
        :raises Stopped: in the middle.
        """

    def path(self, offer: Offer) -> Path | None:
        """Where the bytes can be read without being fetched; None: nowhere."""
        del offer
        return None

    def judged(self, offer: Offer, staging: StagingFile, now: datetime) -> tuple[DistributionFile, StagedFile]:
        """The fetched file as something that can be published; judged as an upload is.

        :raises InvalidUpload: what is wrong, and what would be right.
        """
        file, staged = receive(form_of(parsed(offer)), offer.filename, staging, now=min(offer.upload_time or now, now))
        return replace(file, yanked=offer.yanked), staged

    def states(self) -> Sequence[ProjectState]:
        """What is known of projects beside their files."""
        return ()

    def warnings(self) -> Sequence[str]:
        """Sentences on what this source has and cannot hand over; complete only after ``look``."""
        return ()

    def nothing_found(self) -> str:
        """What is said if nothing that was found is, or should be, a distribution file: a sentence."""
        return "No wheel or sdist was found."

    def close(self) -> None:  # noqa: B027 - many have nothing to close
        """Let go of connections."""


def parsed(offer: Offer) -> ParsedFilename:
    """:raises InvalidUpload: the name is not that of a wheel or sdist, or of another project than is said."""
    found = parse_filename(offer.filename, offer.project)
    if offer.project is not None and found.project != offer.project:
        raise InvalidUpload(f"{offer.filename} is a file of {found.project}, but is said to be of {offer.project}.")
    return found


def form_of(parsed: ParsedFilename) -> UploadForm:
    """The form of an upload about which its sender says no more than its name does."""
    return UploadForm(
        name=parsed.project,
        version=str(parsed.version),
        filetype=parsed.packagetype,
        pyversion=None,
        digests={},
        comment=None,
        metadata={},
        attestations=None,
    )


def write_all(stream: BinaryIO, staging: StagingFile, clock: Clock) -> None:
    """:raises SourceUnusable: the stream breaks off.
    :raises Stopped: in the middle.
    """
    while True:
        clock.demand_going_on()
        with reading():
            piece = stream.read(PIECE)
        if not piece:
            return
        staging.write(piece)


def sha256_of(path: Path, clock: Clock) -> str:
    """:raises SourceUnusable: it cannot be read."""
    with reading(), path.open("rb", buffering=0) as stream:
        return digest_of(stream, between_pieces=clock.demand_going_on)


@contextmanager
def reading() -> Iterator[None]:
    """What the operating system says of a source's file concerns that file alone."""
    try:
        yield
    except OSError as error:
        raise SourceUnusable(f"It cannot be read: {error.strerror}.") from error


def without_credentials(text: str) -> str:
    """An address as somebody gave it, perhaps none that can be read, without all that stands before its last ``@``: a
    secret that was not quoted may hold a ``/`` or ``#``."""
    return re.sub(r"(?<=://).*@", "", text, flags=re.DOTALL)


def why_passed_over(filename: str) -> str | None:
    """Why a file of this name is none that an index has; None: it should be one."""
    if filename.endswith((".whl", ".tar.gz", ".zip")):
        with suppress(InvalidUpload):
            parse_filename(filename)
            return None
        return "its name is not that of a wheel or sdist" if not filename.endswith(".whl") else None
    for suffixes, what in _OTHERS.items():
        if filename.endswith(suffixes):
            return what
    return "neither a wheel nor an sdist"


_OTHERS = {
    (".asc", ".sig"): "a signature, which an index no longer serves",
    (".egg",): "an egg, which installers no longer take",
    (".exe", ".msi", ".rpm", ".deb", ".dmg"): "an installer of an operating system",
    (
        ".tar.bz2",
        ".tar.xz",
        ".tgz",
        ".tar",
        ".tar.Z",
        ".tbz",
    ): "an archive of another kind than sdists are (.tar.gz, .zip)",
    (".metadata", ".meta"): "what an index says of another file",
}
