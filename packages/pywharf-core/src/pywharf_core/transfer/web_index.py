"""Packages from another index by its URL: any that speaks the Simple repository API, as JSON or HTML.

Believed of it: hashes, which are compared with what comes; when a file was uploaded; yanks and project status, since
whoever trusts the index's files acts on these too. Core metadata is read out of the archives instead. Provenance is not
taken over: attestations are verified when they are uploaded, and nothing that was not verified here is served from here.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from itertools import islice
from urllib.parse import urljoin, urlsplit

import requests
from packaging.utils import NormalizedName
from pypi_simple import (
    ACCEPT_JSON_PREFERRED,
    DistributionPackage,
    IndexPage,
    ProjectPage,
    UnexpectedRepoVersionWarning,
    UnsupportedRepoVersionError,
)

from pywharf_core.clock import Clock
from pywharf_core.errors import SourceUnavailable, SourceUnusable, WharfError
from pywharf_core.filenames import is_project_name, normalise
from pywharf_core.model import ProjectState, ProjectStatus
from pywharf_core.patience import Patience
from pywharf_core.project_choice import ProjectChoice
from pywharf_core.transfer.offers import (
    Finding,
    Findings,
    Offer,
    PassedOver,
    Source,
    Unusable,
    why_passed_over,
)
from pywharf_core.transfer.web import Web, shown
from pywharf_core.upload.staging import StagingFile

_READERS = 4  # pages read at once
_BATCH = 100  # pages held at once
_MOST_UNANSWERED = 5  # pages in a row
_DEVPI_INDEX = 2  # parts of a path: USER/INDEX

_Page = requests.Response | SourceUnusable | SourceUnavailable | None  # what was answered for a project; None: nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class _WebOffer(Offer):
    """:ivar url: perhaps a signed one, which is shown to nobody."""

    url: str = field(default="", repr=False)


class WebIndex(Source):
    """:param projects: names and globs. None but globs need the index's own list, which may be very long."""

    def __init__(self, web: Web, *, projects: ProjectChoice, patience: Patience) -> None:
        self._web = web
        self._projects = projects
        self._patience = patience
        self._states: list[ProjectState] = []
        self._with_provenance = 0

    def look(self) -> Findings:
        named = self._projects.names()
        spellings = {normalise(name): name for name in (self._list() if named is None else named)}
        found: list[Finding] = []
        pages = _Pages()
        with ThreadPoolExecutor(_READERS) as readers:
            wanted = iter(sorted(spellings.items()))
            while batch := list(islice(wanted, _BATCH)):
                for (project, _), page in zip(batch, readers.map(self._page, batch), strict=True):
                    pages.count(page)
                    found.extend(self._read(project, page, listed=named is None))
        pages.demand_some()
        return found

    def fetch(self, offer: Offer, staging: StagingFile, clock: Clock) -> None:
        assert isinstance(offer, _WebOffer), "another source's offer"
        self._web.download(offer.url, staging, clock)

    def states(self) -> Sequence[ProjectState]:
        return self._states

    def warnings(self) -> Sequence[str]:
        if not self._with_provenance:
            return ()
        return [
            f"The provenance of {self._with_provenance} files is left behind: attestations are verified when they are "
            "uploaded, which an import cannot do."
        ]

    def nothing_found(self) -> str:
        return f"{shown(self._web.url)} offers no wheel or sdist of what was chosen; {self._what_else()}"

    def close(self) -> None:
        self._web.close()

    def _with_hint(self, said: str) -> str:
        """What is wrong with one project, where the address of the index is perhaps not."""
        return f"{said}; {self._what_else()}" if self._is_beside_devpis else f"{said}."

    @property
    def _is_beside_devpis(self) -> bool:
        """Whether the address is one of devpi's, but of no index that can be installed from."""
        return self._web.is_devpi and "/+simple/" not in self._web.url

    def _what_else(self) -> str:
        """What the address may be instead of an index's, and what would be right."""
        url = self._web.url
        if not self._is_beside_devpis:
            return "is it a simple index? The address of most ends with /simple/."
        below = [part for part in urlsplit(url).path.split("/") if part]
        right = f"{url}+simple/" if len(below) == _DEVPI_INDEX else "that of an index followed by +simple/"
        return f"this is devpi, whose address to install from is {right}."

    def _list(self) -> Sequence[str]:
        """Names of projects as they are spelled there."""
        url = self._web.url
        response = self._patience.call(lambda: self._web.page(url, ACCEPT_JSON_PREFERRED))
        if response is None:
            raise SourceUnusable(f"There is nothing at {shown(url)}; {self._what_else()}")
        try:
            with _newer_versions():
                names = IndexPage.from_response(response).projects
        except (ValueError, UnsupportedRepoVersionError, RecursionError) as error:
            said = f"{shown(url)} is no simple index that can be read ({_first_line(error)}); {self._what_else()}"
            raise SourceUnusable(said) from error
        known = {normalise(name): name for name in names if is_project_name(name)}
        self._projects.demand_some(known.keys(), f"The index {shown(url)}")
        return [name for project, name in known.items() if project in self._projects]

    def _page(self, names: tuple[NormalizedName, str]) -> _Page:
        """By its normalised name, and as it is spelled: some static indexes know no other."""
        for name in dict.fromkeys(names):
            url = urljoin(self._web.url, f"{name}/")
            try:
                page = self._patience.call(partial(self._web.page, url, ACCEPT_JSON_PREFERRED))
            except (SourceUnusable, SourceUnavailable) as error:
                return error
            if page is not None:
                return page
        return None

    def _read(self, project: NormalizedName, response: _Page, *, listed: bool) -> Iterator[Finding]:
        place = shown(urljoin(self._web.url, f"{project}/"))
        if isinstance(response, WharfError):
            yield Unusable(place, str(response))
            return
        if response is None:
            yield (
                PassedOver(place, "listed, but it has no page")
                if listed
                else Unusable(place, self._with_hint("The index has no such project"))
            )
            return
        if not self._web.is_own(response.url):
            # As an index does that falls back to a public one: those are not the files that were asked for.
            yield Unusable(place, f"The index does not have it and points to {shown(response.url)} instead.")
            return
        try:
            with _newer_versions():
                page = ProjectPage.from_response(response, project)
        except (ValueError, UnsupportedRepoVersionError, RecursionError) as error:
            yield Unusable(place, self._with_hint(f"Its page cannot be read: {_first_line(error)}"))
            return
        status = ProjectStatus.ACTIVE if page.status is None else ProjectStatus(page.status.value)
        if status is ProjectStatus.QUARANTINED:
            yield Unusable(place, "The project is quarantined there, so none of its files are taken.")
            return
        if status is not ProjectStatus.ACTIVE:
            self._states.append(ProjectState(name=project, status=status, reason=page.status_reason))
        for package in page.packages:
            yield self._offer(project, package)

    def _offer(self, project: NormalizedName, package: DistributionPackage) -> Finding:
        filename = package.filename.strip()
        place = shown(package.url)
        reason = why_passed_over(filename)
        if reason is not None:
            return PassedOver(place, reason)
        self._with_provenance += package.provenance_url is not None
        moment = package.upload_time
        return _WebOffer(
            url=package.url,
            filename=filename,
            place=place,
            project=project,
            size=package.size,
            hashes={name.lower(): digest.lower() for name, digest in package.digests.items()},
            upload_time=moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC),
            yanked=(package.yanked_reason or "") if package.is_yanked else None,
        )


class _Pages:
    """Counts what became of pages: that of one project may be bad, but if all are, it is not the projects."""

    def __init__(self) -> None:
        self._answered = self._unanswered = 0
        self._first: WharfError | None = None

    def count(self, page: _Page) -> None:
        """:raises SourceUnavailable: so many pages, one after the other, that the index is gone."""
        self._unanswered = self._unanswered + 1 if isinstance(page, SourceUnavailable) else 0
        if isinstance(page, SourceUnavailable) and self._unanswered >= _MOST_UNANSWERED:
            raise page
        if isinstance(page, WharfError):
            self._first = self._first or page
        else:
            self._answered += 1

    def demand_some(self) -> None:
        """:raises SourceUnusable: no page at all could be asked for; likewise ``SourceUnavailable``."""
        if self._first is not None and not self._answered:
            raise self._first


def _newer_versions() -> AbstractContextManager[object]:
    """A later minor version of the API adds what is not needed here."""
    return warnings.catch_warnings(action="ignore", category=UnexpectedRepoVersionWarning)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
