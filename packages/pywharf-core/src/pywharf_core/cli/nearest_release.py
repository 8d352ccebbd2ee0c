"""What may have been meant by a project or release that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from packaging.utils import NormalizedName

from pywharf_core.amounts import named
from pywharf_core.config.wording import nearest
from pywharf_core.errors import FileNotFound, NotFound

if TYPE_CHECKING:
    from pywharf_core.repository import Repository

_NAMED = 5  # versions in a sentence


@contextmanager
def nearest_named(repository: Repository, project: NormalizedName, version: str | None = None) -> Iterator[None]:
    """
    :raises NotFound: as the block does, with the nearest project or version that is there.
    """
    try:
        yield
    except FileNotFound:  # which was there a moment ago
        raise
    except NotFound as error:
        raise NotFound(f"{str(error).rstrip('.')}{_hint(repository, project, version) or '.'}") from error


def _hint(repository: Repository, project: NormalizedName, version: str | None) -> str:
    with repository.index.reading() as snapshot:
        versions = [line.version for line in snapshot.releases(project)]
        listed = snapshot.listed_among(snapshot.states())
    if not versions:
        return nearest(project, sorted(listed))
    if version is None:
        return ""
    return nearest(version, versions) or f"; it has {named(versions, _NAMED)}."
