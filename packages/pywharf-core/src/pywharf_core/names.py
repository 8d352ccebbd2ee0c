"""Who answers for a project's name: one rule, used by the routes and by the command ``why``.

Dependency confusion is closed by default: a name that exists here, or ever did, or is declared private, is never sent
to the extra index; nor is any name while it is not known what exists here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from packaging.utils import NormalizedName

from pywharf_core.errors import NotSynchronised


class Answerer(StrEnum):
    """The rule that decides for a name."""

    HERE = "here"  # the project has files, or a status, in this repository
    RESERVED = "reserved"  # it had files once
    PRIVATE = "private"  # declared so by a glob
    EXTRA_INDEX = "extra index"
    NOWHERE = "nowhere"  # unknown, and there is no extra index
    NOT_READY = "not ready"  # it is not known what is in this repository now: nobody may answer


@dataclass(frozen=True, slots=True)
class Answer:
    """Who answers, and what made it so: a glob, a URL, or why this repository is not ready."""

    answerer: Answerer
    because: str = ""

    @property
    def shown(self) -> str:
        """``because`` as everybody may read it: of the extra index's URL without credentials."""
        if self.answerer is not Answerer.EXTRA_INDEX:
            return self.because
        parts = urlsplit(self.because)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def demand_ready(self) -> None:
        """:raises NotSynchronised: nobody may answer now."""
        if self.answerer is Answerer.NOT_READY:
            raise NotSynchronised(self.because)


class PrivateNames:
    """Globs of project names (``acme-*``), compared with normalised names."""

    def __init__(self, globs: Iterable[str]) -> None:
        self._patterns = [(glob, re.compile(translate(_normalised_glob(glob)))) for glob in globs]
        self.match = lru_cache(maxsize=4096)(self._match)

    def _match(self, name: NormalizedName) -> str | None:
        """The first glob that covers ``name``."""
        return next((glob for glob, pattern in self._patterns if pattern.match(name)), None)


def answer_for(
    name: NormalizedName,
    *,
    here: bool,
    reserved: bool,
    not_ready: str | None,
    private: PrivateNames,
    extra_index_url: str,
) -> Answer:
    """Decide for one name.

    :param not_ready: why it is not known now what the repository's storage has; None: it is.
    :param extra_index_url: the index's base without the project, or "" if there is none.
    """
    if here:
        return Answer(Answerer.HERE)
    if not_ready is not None:
        return Answer(Answerer.NOT_READY, not_ready)
    if reserved:
        return Answer(Answerer.RESERVED)
    if (glob := private.match(name)) is not None:
        return Answer(Answerer.PRIVATE, glob)
    if not extra_index_url:
        return Answer(Answerer.NOWHERE)
    return Answer(Answerer.EXTRA_INDEX, f"{extra_index_url.rstrip('/')}/{name}/")


def _normalised_glob(glob: str) -> str:
    return re.sub(r"[-_.]+", "-", glob).lower()
