"""The folder that an export fills: whose it is, who writes into it now, and what of it is left of earlier times."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from pathlib import Path

import portalocker

from pywharf_core.atomic_file import is_part, replace_content
from pywharf_core.digests import digest_of
from pywharf_core.errors import WharfError
from pywharf_core.filenames import is_project_name, normalise
from pywharf_core.secret import Secret
from pywharf_core.static_site import HTML_NAME, JSON_NAME, METADATA_SUFFIX

MARKER_NAME = "pywharf-export.json"
LOCK_NAME = ".pywharf-export.lock"
PROVENANCE_SUFFIX = ".provenance"
FORMAT = 1

_FORMAT_KEY = "pywharf-export"
_DISTRIBUTION_SUFFIXES = (".whl", ".tar.gz", ".zip")
_NOBODYS = ("lost+found",)  # of a file system that was made for nothing but this folder


class Form(StrEnum):
    """What the folder is."""

    FILES = "files"  # all that `pywharf import` needs to bring everything back
    SIMPLE = "simple"  # the simple index, for a static host


class Match(Enum):
    """What a path of the folder holds, compared with what it should."""

    ABSENT = auto()
    SAME = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class ExportFolder:
    """:ivar path: the folder; there already unless nothing is to be written.
    :ivar repository: how the folder says whose it is: the repository's name; in a static index, which may be public, only
        its hashed form.
    """

    path: Path
    form: Form
    repository: str

    def project(self, name: str) -> Path:
        """Where a project's files lie."""
        return self.path / name

    def match(self, path: Path, size: int, sha256: str, between_pieces: Callable[[], None]) -> Match:
        """
        :param between_pieces: called often; what it raises ends this.
        :raises OSError: the path cannot be read.
        """
        try:
            with path.open("rb") as stream:
                if path.stat().st_size != size:
                    return Match.OTHER
                found = digest_of(stream, between_pieces=between_pieces)
        except FileNotFoundError:
            return Match.ABSENT
        except IsADirectoryError:
            return Match.OTHER
        return Match.SAME if found == sha256 else Match.OTHER

    def projects(self) -> Iterator[str]:
        """Names of folders that can be of a project; a link leads to what is somebody else's."""
        with suppress(FileNotFoundError):
            for entry in sorted(self.path.iterdir()):
                is_name = is_project_name(entry.name) and normalise(entry.name) == entry.name
                if is_name and entry.is_dir() and not entry.is_symlink():
                    yield entry.name

    def own(self, project: str) -> Sequence[str]:
        """Names in a project's folder that an export may have written, sorted; others are somebody else's."""
        try:
            return sorted(entry.name for entry in self.project(project).iterdir() if self._is_own(entry.name))
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def _is_own(self, name: str) -> bool:
        if name in (HTML_NAME, JSON_NAME):
            return name == JSON_NAME or self.form is Form.SIMPLE
        base = name.removesuffix(METADATA_SUFFIX).removesuffix(PROVENANCE_SUFFIX)
        return not name.startswith(".") and base.endswith(_DISTRIBUTION_SUFFIXES)

    def sweep(self) -> None:
        """Remove what an export that was killed left half written."""
        for folder in (self.path, *(self.project(name) for name in self.projects())):
            for entry in folder.iterdir():
                if is_part(entry.name):
                    entry.unlink()

    def mark(self, projects: Sequence[str] | None, *, complete: bool) -> None:
        """Write down what the folder is.

        :param projects: globs that choose what is in it; None: all is.
        :param complete: it holds all that it should.
        """
        document: dict[str, object] = {_FORMAT_KEY: FORMAT, "form": self.form.value, "repository": self.repository}
        if self.form is Form.FILES:
            document["projects"] = None if projects is None else list(projects)
        document["complete"] = complete
        replace_content(self.path / MARKER_NAME, (json.dumps(document, indent=2) + "\n").encode())


@contextmanager
def claimed(path: Path, form: Form, repository: str, *, dry_run: bool = False) -> Iterator[ExportFolder]:
    """``path`` for this export alone: empty, or an earlier export of the same repository and form.

    :param dry_run: look only; the folder need not be there.
    :raises WharfError: it is something else, or another export writes into it now.
    :raises OSError: it cannot be made or read.
    """
    if dry_run:
        yield ExportFolder(path, form, _checked(path, form, repository))
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise WharfError(f"{path} is no folder; name a new one, or an empty one.") from error
    folder = ExportFolder(path, form, _checked(path, form, repository))
    with (path / LOCK_NAME).open("ab") as lock:
        try:
            portalocker.lock(lock, portalocker.LockFlags.EXCLUSIVE | portalocker.LockFlags.NON_BLOCKING)
        except portalocker.LockException as error:
            raise WharfError(f"Another export writes into {path} now; wait until it is done.") from error
        folder.sweep()
        yield folder


def _checked(path: Path, form: Form, repository: str) -> str:
    """How the folder says, or is to say, that it is of ``repository``.

    :raises WharfError: it is something else.
    """
    marker = _marker(path / MARKER_NAME)
    if marker is None:
        taken = next((entry.name for entry in _entries(path) if not _is_nobodys(entry.name)), None)
        if taken is not None:
            raise WharfError(
                f"{path} is no export, but is not empty ({taken} is there); name a new folder, or an empty one."
            )
        return Secret(repository).hashed() if form is Form.SIMPLE else repository
    version, its_form, its_repository = marker.get(_FORMAT_KEY), marker.get("form"), marker.get("repository")
    if not isinstance(version, int) or version > FORMAT:
        raise WharfError(f"{path} was exported by a later version of pywharf; use that one, or name another folder.")
    hashed = _hashed(its_repository)
    if its_repository != repository and not (hashed is not None and hashed.matches(Secret(repository))):
        whose = "another repository" if hashed is not None else f"the repository {its_repository}"
        raise WharfError(f"{path} is an export of {whose}; name another folder.")
    if its_form != form:
        asked, other = ("with", "without") if form is Form.SIMPLE else ("without", "with")
        raise WharfError(
            f"{path} was exported {other} --simple, and this export is {asked} it; name another folder for it."
        )
    if form is Form.FILES:
        return repository
    return str(its_repository) if hashed is not None else Secret(repository).hashed()


def _hashed(repository: object) -> Secret | None:
    """What a marker says of its repository, if it is a hash."""
    try:
        return Secret.from_hash(str(repository))
    except ValueError:
        return None


def _marker(path: Path) -> dict[str, object] | None:
    try:
        marker = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        marker = None
    if not isinstance(marker, dict):
        raise WharfError(f"{path} is damaged; remove it if the folder is no export, or name another folder.")
    return marker


def _entries(path: Path) -> Iterator[Path]:
    try:
        yield from sorted(path.iterdir())
    except FileNotFoundError:
        return


def _is_nobodys(name: str) -> bool:
    return name.startswith(".") or name in _NOBODYS
