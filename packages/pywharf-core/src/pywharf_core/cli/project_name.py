"""Names of projects on a command line."""

from __future__ import annotations

import click
from packaging.utils import NormalizedName

from pywharf_core.filenames import MAX_FILENAME_BYTES, is_project_name, normalise

_SHOWN = 60  # characters of a name that is too long


def project_name(text: str) -> NormalizedName:
    """``text`` normalised.

    :raises UsageError: no project can have this name.
    """
    if len(text) > MAX_FILENAME_BYTES:
        raise click.UsageError(
            f"{text[:_SHOWN]!r}… is not a project name: it has {len(text):,} characters, and no filename has so many."
        )
    if not is_project_name(text):
        raise click.UsageError(
            f"{text!r} is not a valid project name: it may hold ASCII letters, digits and . _ - only, and begins and "
            "ends with a letter or digit."
        )
    return normalise(text)
