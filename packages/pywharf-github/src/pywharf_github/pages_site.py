"""A GitHub repository's packages as a static index for GitHub Pages, whose files stay where they are: in the releases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import NormalizedName

from pywharf_core import DistributionFile, ProjectPage, ProjectState, write_static_site
from pywharf_github import releases
from pywharf_github.branch import Branch, HeadMemory
from pywharf_github.client import Client
from pywharf_github.project_states import ProjectStates
from pywharf_github.release_requests import ReleaseRequests
from pywharf_github.releases import Published


@dataclass(frozen=True, slots=True)
class Site:
    """What was written.

    :ivar private: whether the repository is, whose names then are on the site.
    :ivar left_out: a sentence for each file that cannot be offered this way.
    """

    projects: Sequence[NormalizedName]
    files: int
    private: bool
    left_out: Sequence[str]


class PagesSite:
    """Reads all releases with the client's secret: one request for each 100, and writes nothing to GitHub.

    :param branch: None: the repository's default branch.
    """

    def __init__(self, client: Client, branch: str | None, index_filename: str) -> None:
        self._client = client
        self._states = ProjectStates(Branch(client, branch, (), HeadMemory()), index_filename)

    def write(self, folder: Path) -> Site:
        private = self._client.check_visible().private
        states = self._states.read().states
        urls: dict[str, str] = {}
        files: dict[NormalizedName, list[DistributionFile]] = defaultdict(list)
        left_out = []
        for file, url in self._files():
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            if name != file.filename:  # pip reads project and version out of the address
                left_out.append(f"{file.filename} is left out, as its address on GitHub names it {name}.")
                continue
            urls[file.filename] = url
            files[file.project].append(file)
        pages = [_page(project, found, states) for project, found in sorted(files.items())]
        projects = write_static_site(folder, pages, file_url=lambda file: urls[file.filename])
        return Site(projects, len(urls), private, left_out)

    def _files(self) -> Iterator[tuple[DistributionFile, str]]:
        """Each published file, and where browsers get it."""
        for listed in ReleaseRequests(self._client).listed():
            found = releases.read(listed.release)
            if isinstance(found, Published):
                asset = next(asset for asset in listed.release["assets"] if int(asset["id"]) == found.asset_id)
                yield found.file, str(asset["browser_download_url"])


def _page(
    project: NormalizedName, files: Sequence[DistributionFile], states: Mapping[NormalizedName, ProjectState]
) -> ProjectPage:
    state = states.get(project) or ProjectState(name=project)
    return ProjectPage(project=project, files=files, status=state.status, status_reason=state.reason)
