"""A release's core metadata as a page shows it: what is a link is one, what is not is text, and all of it is bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from typing import Generic, TypeVar

from packaging.requirements import InvalidRequirement, Requirement

from pywharf.readme.links import outside_link
from pywharf_core.filenames import is_project_name, normalise
from pywharf_core.json_api import project_urls
from pywharf_core.model import CoreMetadata

T = TypeVar("T")

_MOST = 200  # of what a field has several times
_LONGEST_REQUIREMENT, _LONGEST_ADDRESSES = 2000, 5000  # characters
_ADDRESS = re.compile(r"[\w.!$*+/^`{|}~-]{1,64}@[\w.-]{1,255}\Z")
_EXTRA = re.compile(r"""\bextra\s*==\s*(?:'([^']*)'|"([^"]*)")""")


@dataclass(frozen=True, slots=True)
class Some(Generic[T]):
    """The first of many. :ivar more: how many there are beside them."""

    items: Sequence[T]
    more: int


@dataclass(frozen=True, slots=True)
class Entry:
    """A text, and where it leads; None: nowhere."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """:ivar name: as it is written.
    :ivar project: its normalised name, if the project is here; "": it is not.
    :ivar rest: what is wanted of it.
    """

    name: str
    project: str
    rest: str


@dataclass(frozen=True, slots=True)
class DependencyGroup:
    """:ivar extra: "": what is needed in any case."""

    extra: str
    dependencies: Sequence[Dependency]


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownMetadata:
    """:ivar dependencies: those that are always needed come first.
    :ivar more_dependencies: how many are not shown.
    """

    name: str
    summary: str
    license: str
    license_text: str
    requires_python: str
    authors: Sequence[Entry]
    maintainers: Sequence[Entry]
    keywords: Some[str]
    urls: Some[tuple[str, Entry]]
    classifiers: Some[str]
    extras: Some[str]
    dependencies: Sequence[DependencyGroup]
    more_dependencies: int


def shown_metadata(
    project: str, fields: CoreMetadata, *, listed_among: Callable[[Collection[str]], set[str]]
) -> ShownMetadata:
    """What a page shows of ``fields``.

    :param listed_among: which of some normalised names are projects of this repository.
    """
    told = _text(fields, "license")
    short = _text(fields, "license_expression") or (told if len(told) <= 100 and "\n" not in told else "")
    requirements = _texts(fields, "requires_dist")
    return ShownMetadata(
        name=_text(fields, "name") or project,
        summary=_text(fields, "summary"),
        license=short,
        license_text="" if told == short else told,
        requires_python=_text(fields, "requires_python"),
        authors=_people(_text(fields, "author"), _text(fields, "author_email")),
        maintainers=_people(_text(fields, "maintainer"), _text(fields, "maintainer_email")),
        keywords=_some(_keywords(_text(fields, "keywords"))),
        urls=_some((label, Entry(url, outside_link(url))) for label, url in project_urls(fields).items()),
        classifiers=_some(_texts(fields, "classifiers")),
        extras=_some(_texts(fields, "provides_extra")),
        dependencies=_dependencies(requirements[:_MOST], listed_among),
        more_dependencies=max(0, len(requirements) - _MOST),
    )


def _dependencies(
    requirements: Sequence[str], listed_among: Callable[[Collection[str]], set[str]]
) -> Sequence[DependencyGroup]:
    parsed = [_requirement(text) for text in requirements]
    here = listed_among({normalise(name) for _, name, _ in parsed if is_project_name(name)})
    groups: dict[str, list[Dependency]] = {}
    for extra, name, rest in parsed:
        project = normalise(name) if is_project_name(name) else ""
        groups.setdefault(extra, []).append(Dependency(name, project if project in here else "", rest))
    return [DependencyGroup(extra, groups[extra]) for extra in sorted(groups)]


def _requirement(text: str) -> tuple[str, str, str]:
    """The extra that it belongs to, the project's name, and the rest of it; a text that is no requirement is a name."""
    if len(text) > _LONGEST_REQUIREMENT:
        return "", text[:_LONGEST_REQUIREMENT], ""
    try:
        requirement = Requirement(text)
        marker = "" if requirement.marker is None else str(requirement.marker)
    except (InvalidRequirement, RecursionError):  # each parenthesis of a marker is a call within a call
        return "", text, ""
    found = _EXTRA.search(marker)
    extra = (found[1] or found[2] or "") if found else ""
    if extra:
        # What only says which extra it is of is said by the heading above it.
        marker = "" if _EXTRA.fullmatch(marker) else re.sub(r"\s+and\s+" + _EXTRA.pattern + r"\s*\Z", "", marker)
    wanted = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    wanted += (
        f" @ {requirement.url}" if requirement.url else f" {requirement.specifier}" if requirement.specifier else ""
    )
    return extra, requirement.name, wanted + (f" ; {marker}" if marker else "")


def _people(name: str, emails: str) -> Sequence[Entry]:
    """The name, and who the e-mail field names; what is no address is text."""
    people = [Entry(name)] if name else []
    try:
        addresses = getaddresses([emails[:_LONGEST_ADDRESSES]]) if emails else []
    except RecursionError:  # likewise of a comment
        return [*people, Entry(emails)]
    for who, address in addresses[:_MOST]:
        if _ADDRESS.match(address):
            people.append(Entry(who or address, f"mailto:{address}"))
        elif who or address:
            people.append(Entry(f"{who} {address}".strip()))
    return people


def _keywords(text: str) -> Iterable[str]:
    words = text.split(",") if "," in text else text.split()
    return [word.strip() for word in words if word.strip()]


def _some(items: Iterable[T]) -> Some[T]:
    whole = list(items)
    return Some(whole[:_MOST], max(0, len(whole) - _MOST))


def _text(fields: CoreMetadata, key: str) -> str:
    value = fields.get(key, "")
    return value if isinstance(value, str) else ""


def _texts(fields: CoreMetadata, key: str) -> Sequence[str]:
    value = fields.get(key, ())
    return (value,) if isinstance(value, str) else value
