"""What a distribution's filename says: the binary and source distribution format specifications."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from packaging.utils import (
    InvalidName,
    InvalidSdistFilename,
    InvalidWheelFilename,
    NormalizedName,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from pywharf_core.errors import InvalidUpload
from pywharf_core.model import PackageType

#: Leaves room for ``.metadata`` and for the names of sidecars within the 255 bytes that file systems allow.
MAX_FILENAME_BYTES = 230

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\Z")
_BUILD_NUMBER = re.compile(r"[0-9]+")
_PROJECT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParsedFilename:
    """A valid filename, taken apart."""

    filename: str
    project: NormalizedName
    version: Version
    packagetype: PackageType


def is_project_name(text: str) -> bool:
    """Whether ``text`` is a valid project name (name format of the core metadata specification), normalised or not.

    No longer than a filename may be: no file could be of such a project.
    """
    return len(text) <= MAX_FILENAME_BYTES and _PROJECT_NAME.match(text) is not None


def normalise(name: str) -> NormalizedName:
    """The normalised form of a project name (name normalisation specification, PEP 503)."""
    return canonicalize_name(name)


def parse_version(text: str) -> Version:
    """A version (PEP 440).

    :raises InvalidVersion: it is none, or has a number of more digits than Python reads, which is a plain ``ValueError``
        in ``Version``.
    """
    try:
        return Version(text)
    except ValueError as error:
        raise InvalidVersion(text) from error


def same_version(text: str, version: Version) -> bool:
    """Equal by PEP 440: ``1.0`` is ``1.0.0``."""
    try:
        return parse_version(text) == version
    except InvalidVersion:
        return False


def canonical_filename(filename: str, project: NormalizedName, version: str) -> str:
    """The one spelling of a valid filename: equal for ``Foo.Bar-1.0…whl`` and ``foo_bar-1.0…whl``.

    ``1.0`` and ``1.0.0`` are one release of two distributions, as on PyPI. Today's tools write this spelling (binary
    distribution format; PEP 625).

    :param version: the filename's, canonical.
    """
    name = project.replace("-", "_")
    if not filename.endswith(".whl"):
        return f"{name}-{version}{'.zip' if filename.endswith('.zip') else '.tar.gz'}"
    _, _, *build, python, abi, platform = filename.removesuffix(".whl").lower().split("-")
    # `py2.py3-none-any` and `py3.py2-none-any` are for the same Pythons; the build tags `1` and `01` are one number.
    tags = map(_tag_set, (python, abi, platform))
    return f"{'-'.join([name, version, *map(_build_tag, build), *tags])}.whl"


@lru_cache(maxsize=1024)  # most are `py3`, `none`, `any`
def _tag_set(tag: str) -> str:
    return ".".join(sorted(set(tag.split("."))))


def _build_tag(tag: str) -> str:
    digits = _BUILD_NUMBER.match(tag)
    return tag if digits is None else f"{int(digits[0])}{tag[digits.end() :]}"


def parse_filename(filename: str, project: str | None = None) -> ParsedFilename:
    """Project, version and kind of a wheel or sdist.

    :param project: the expected project, if known: ``foo-1.0-1.tar.gz`` means two things otherwise.
    :raises InvalidUpload: not the filename of a wheel (``.whl``) or sdist (``.tar.gz``, ``.zip``).
    """
    if len(filename) > MAX_FILENAME_BYTES:
        raise InvalidUpload(
            f"The filename is {len(filename)} characters long; at most {MAX_FILENAME_BYTES} are allowed."
        )
    if not _SAFE.match(filename) or ".." in filename:
        raise InvalidUpload(
            f"{filename!r} is not a valid filename: it may hold ASCII letters, digits and . _ + ! - only, "
            "starts with a letter or digit, and holds no folder."
        )
    if filename.endswith(".whl"):
        try:
            name, version, _build, _tags = parse_wheel_filename(filename)
        except (InvalidWheelFilename, InvalidName, InvalidVersion) as error:
            raise InvalidUpload(
                f"{filename!r} is not a valid wheel filename; it should look like "
                "name-version-py3-none-any.whl with a version as in PEP 440."
            ) from error
        return ParsedFilename(filename=filename, project=name, version=version, packagetype="bdist_wheel")
    for extension in (".tar.gz", ".zip"):
        if filename.endswith(extension):
            name, version = _sdist(filename, extension, project)
            return ParsedFilename(filename=filename, project=name, version=version, packagetype="sdist")
    raise InvalidUpload(
        f"{filename!r} is neither a wheel nor an sdist; the filename should end in .whl, .tar.gz or .zip."
    )


def _sdist(filename: str, extension: str, project: str | None) -> tuple[NormalizedName, Version]:
    stem = filename.removesuffix(extension)
    if project is not None:
        expected = canonicalize_name(project)
        for index, character in enumerate(stem):
            if character == "-" and canonicalize_name(stem[:index]) == expected:
                try:
                    return expected, Version(stem[index + 1 :])
                except InvalidVersion:
                    continue
    try:
        name, version = parse_sdist_filename(filename)
    except (InvalidSdistFilename, InvalidName, InvalidVersion) as error:
        raise InvalidUpload(
            f"{filename!r} is not a valid sdist filename; it should look like name-version.tar.gz "
            "with a version as in PEP 440."
        ) from error
    if not is_project_name(name):
        raise InvalidUpload(f"{filename!r} does not begin with a valid project name.")
    return name, version
