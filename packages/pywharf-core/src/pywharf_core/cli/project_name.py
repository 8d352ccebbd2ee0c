"""Names of projects on a command line."""

from __future__ import annotations

import click
from packaging.utils import NormalizedName

from pywharf_core.filenames import is_project_name, normalise


def project_name(text: str) -> NormalizedName:
    """``text`` normalised.

    :raises UsageError: no project can have this name.
    """
    if not is_project_name(text):
        raise click.UsageError(
            f"{text!r} is not a valid project name: it may hold ASCII letters, digits and . _ - only, and begins and "
            "ends with a letter or digit."
        )
    return normalise(text)
