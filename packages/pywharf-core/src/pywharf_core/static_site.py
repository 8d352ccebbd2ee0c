"""The simple index as files for any static host: the very bytes that the server sends.

::

    index.html, index.json                   the list of projects
    <project>/index.html, index.json         its page
    <project>/<filename>.metadata            core metadata (PEP 658), where it is announced
    namespaces, namespace/<namespace>        namespaces (PEP 752), where the repository tells of them

The files themselves are the caller's affair: with relative links they lie beside their project's page. Each page is
replaced whole, so a reader sees the old one or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core.atomic_file import replace_content
from pywharf_core.model import DistributionFile, ProjectPage, ProjectStatus
from pywharf_core.simple import html, json
from pywharf_core.simple.links import FileUrl, ProvenanceUrl, relative_file_url
from pywharf_core.simple.namespaces import namespace_detail, namespace_list, namespaces_of

HTML_NAME = "index.html"
JSON_NAME = "index.json"
NAMESPACES_NAME = "namespaces"
NAMESPACE_FOLDER = "namespace"
METADATA_SUFFIX = ".metadata"


def write_static_site(
    folder: Path,
    pages: Iterable[ProjectPage],
    *,
    file_url: FileUrl = relative_file_url,
    read_metadata: Callable[[DistributionFile], bytes] | None = None,
    namespaces: Sequence[NormalizedName] | None = None,
) -> Sequence[NormalizedName]:
    """Write the index of ``pages``; files that are there already are replaced, others left alone.

    The list comes last: what it names is there.

    :param read_metadata: the core metadata file of a file that has one. None: none is announced, as clients look for it
        beside the file, where it may not be.
    :param namespaces: those of the repository; None: it does not tell of namespaces.
    :returns: the projects that are listed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for page in pages:
        if read_metadata is None:
            page = replace(page, files=[replace(file, core_metadata_sha256=None) for file in page.files])
        inside = folder / page.project
        inside.mkdir(exist_ok=True)
        if read_metadata is not None and page.status is not ProjectStatus.QUARANTINED:
            for file in page.files:
                if file.core_metadata_sha256 is not None:
                    replace_content(inside / f"{file.filename}{METADATA_SUFFIX}", read_metadata(file))
        write_page(inside, page, file_url=file_url, namespaces=namespaces)
        if is_listed(page):
            listed.append(page.project)
    write_list(folder, listed, namespaces=namespaces)
    return sorted(listed)


def is_listed(page: ProjectPage) -> bool:
    """Whether the list of projects names it."""
    return bool(page.files) and page.status is not ProjectStatus.QUARANTINED


def write_page(
    folder: Path,
    page: ProjectPage,
    *,
    file_url: FileUrl = relative_file_url,
    provenance_url: ProvenanceUrl | None = None,
    namespaces: Sequence[NormalizedName] | None = None,
) -> None:
    """Write a project's page in both forms.

    :param folder: the project's; it is there.
    """
    belongs_to = None if namespaces is None else namespaces_of(page.project, namespaces)
    _write(folder / HTML_NAME, html.project_page(page, file_url=file_url, provenance_url=provenance_url))
    as_json = json.project_page(page, file_url=file_url, provenance_url=provenance_url, namespaces=belongs_to)
    _write(folder / JSON_NAME, as_json)


def write_list(
    folder: Path, projects: Sequence[NormalizedName], *, namespaces: Sequence[NormalizedName] | None = None
) -> None:
    """Write the list of projects in both forms, and the namespaces if the repository tells of them.

    A project called ``namespaces`` has a folder where the list of them would lie, and keeps it.
    """
    if namespaces is not None:
        if not (folder / NAMESPACES_NAME).is_dir():
            _write(folder / NAMESPACES_NAME, namespace_list(namespaces))
        (folder / NAMESPACE_FOLDER).mkdir(exist_ok=True)
        for namespace in namespaces:
            _write(folder / NAMESPACE_FOLDER / namespace, namespace_detail(namespace, namespaces))
    _write(folder / HTML_NAME, html.project_list(projects))
    _write(folder / JSON_NAME, json.project_list(projects, with_namespaces=namespaces is not None))


def _write(path: Path, text: str) -> None:
    replace_content(path, text.encode("utf-8", "replace"))
