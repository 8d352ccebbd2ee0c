"""The words by which a project is found, and what somebody searches for as a question to SQLite's full-text index."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from pywharf_core.filenames import is_project_name, normalise

_MOST_CHARACTERS = 1000  # of what somebody searches for
_MOST_WORDS = 16
_LONGEST_WORD = 64
_SHORTEST_PART = 3  # characters that are looked for inside names

_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody searches for.

    :ivar match: in the language of FTS5, without a place for anybody's operators: all words, each as the beginning of
        one, or all of them as the beginning of one word.
    :ivar name: the project's name that it may be, normalised; "": none.
    :ivar part: what names may have inside, normalised and without hyphens; "": too short to be looked for.
    """

    match: str
    name: str
    part: str


def question(text: str) -> Question | None:
    """None: it has no letter and no digit, so nothing is found by it. Never raises."""
    text = unicodedata.normalize("NFKC", text[:_MOST_CHARACTERS])
    words = [word[:_LONGEST_WORD] for word in _WORD.findall(text)[:_MOST_WORDS]]
    if not words:
        return None
    every = " AND ".join(f'"{word}" *' for word in _telling(words))
    joined = "".join(words).lower()
    match = every if len(words) == 1 else f'({every}) OR "{joined}" *'
    name = text.strip()
    return Question(
        match=match,
        name=normalise(name) if is_project_name(name) else "",
        part=joined if len(joined) >= _SHORTEST_PART else "",
    )


def _telling(words: list[str]) -> list[str]:
    """Without those that another one begins with, itself included: it is found wherever that one is. Each word costs as
    much as there are entries that have it."""
    by_lower = {word.lower(): word for word in words}
    lower = sorted(by_lower)
    return [by_lower[word] for word, after in zip(lower, [*lower[1:], ""], strict=True) if not after.startswith(word)]


def words_of_name(project: str, name: str) -> str:
    """``holy-grail``, written as ``HolyGrail``: found by ``holy``, ``grail``, ``holygr`` and ``holy_grail``.

    :param project: normalised.
    :param name: as the metadata spells it.
    """
    words = dict.fromkeys([project, project.replace("-", ""), *_HUMP.findall(name)])
    return " ".join(words)


def searchable(text: str) -> str:
    """As ``question`` takes what is asked."""
    return unicodedata.normalize("NFKC", text.replace("\0", " "))
