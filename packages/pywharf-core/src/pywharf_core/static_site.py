"""The simple index as files for any static host: the very bytes that the server sends.

::

    index.html, index.json                   the list of projects
    <project>/index.html, index.json         its page
    <project>/<filename>.metadata            core metadata (PEP 658), where it is announced

The files themselves are the caller's affair: with relative links they lie beside their project's page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from packaging.utils import NormalizedName

from pywharf_core.model import DistributionFile, ProjectPage, ProjectStatus
from pywharf_core.simple import html, json
from pywharf_core.simple.links import FileUrl, relative_file_url
from pywharf_core.simple.namespaces import namespaces_of

HTML_NAME = "index.html"
JSON_NAME = "index.json"


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
                    (inside / f"{file.filename}.metadata").write_bytes(read_metadata(file))
        belongs_to = None if namespaces is None else namespaces_of(page.project, namespaces)
        _write(inside / HTML_NAME, html.project_page(page, file_url=file_url))
        _write(inside / JSON_NAME, json.project_page(page, file_url=file_url, namespaces=belongs_to))
        listed.append(page.project)
    _write(folder / HTML_NAME, html.project_list(listed))
    _write(folder / JSON_NAME, json.project_list(listed, with_namespaces=namespaces is not None))
    return sorted(listed)


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "replace"))
