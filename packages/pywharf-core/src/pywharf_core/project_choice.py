"""Which projects somebody wants: by names and globs, all of which have to mean something."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from packaging.utils import NormalizedName

from pywharf_core.config.wording import nearest
from pywharf_core.errors import NotFound
from pywharf_core.filenames import normalise
from pywharf_core.names import PrivateNames

_WILDCARD = re.compile(r"[*?\[]")


class ProjectChoice:
    """Names and globs (``acme-*``), compared with normalised names; none given: all projects are wanted.

    :ivar globs: as they were given.
    """

    def __init__(self, globs: Iterable[str] = ()) -> None:
        self.globs = tuple(globs)
        self._wanted = PrivateNames(self.globs)

    def __contains__(self, project: NormalizedName) -> bool:
        return not self.globs or self._wanted.match(project) is not None

    def names(self) -> Sequence[str] | None:
        """The names, if no glob is among them."""
        return None if not self.globs or any(map(_WILDCARD.search, self.globs)) else self.globs

    def demand_some(self, known: Collection[NormalizedName], where: str) -> None:
        """Refuse what may be misspelt, before all is said to be done.

        :param known: all projects that there are.
        :param where: they are, as the beginning of a sentence.
        :raises NotFound: what was given covers none of them, or one of it is the plain name of none.
        """
        absent = [glob for glob in self.globs if not _WILDCARD.search(glob) and normalise(glob) not in known]
        if not absent and not any(name in self for name in known):
            absent = list(self.globs)
        if absent and not known:
            raise NotFound(f"{where} has no projects at all.")
        if absent:
            said = "project" if len(absent) == 1 else "projects"
            near = nearest(normalise(absent[0]), known) if len(absent) == 1 else ""
            raise NotFound(f"{where} has no {said} {', '.join(absent)}{near or '; look at the spelling.'}")
