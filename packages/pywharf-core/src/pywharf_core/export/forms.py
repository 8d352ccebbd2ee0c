"""The two things that an export can be: which files are in it, and what is written beside them, in which order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from packaging.utils import NormalizedName

from pywharf_core.atomic_file import replace_content
from pywharf_core.chosen_projects import Project
from pywharf_core.errors import WharfError
from pywharf_core.export.document import project_document
from pywharf_core.export.folder import PROVENANCE_SUFFIX, ExportFolder, Form
from pywharf_core.model import DistributionFile
from pywharf_core.static_site import (
    HTML_NAME,
    JSON_NAME,
    NAMESPACE_FOLDER,
    NAMESPACES_NAME,
    is_listed,
    write_list,
    write_page,
)


class ExportForm(ABC):
    """:ivar has_provenance: whether provenance lies beside its file.
    :ivar has_quarantined: whether files of quarantined projects are in it.
    :ivar removes_pages: whether pages of projects that are not in it any more are removed unasked: a client that asks for
        one would still be answered.
    """

    form: Form
    has_provenance: bool
    has_quarantined: bool
    removes_pages: bool

    @abstractmethod
    def has(self, project: Project) -> bool:
        """Whether there is anything to write of the project."""

    @abstractmethod
    def files(self, project: Project) -> Sequence[DistributionFile]:
        """Those that belong into the project's folder."""

    @abstractmethod
    def pages(self, project: Project) -> frozenset[str]:
        """What else belongs there, beside what lies beside its file."""

    @abstractmethod
    def write(self, folder: ExportFolder, project: Project, files: Sequence[DistributionFile]) -> None:
        """Write what is said of a project, whose folder holds ``files``, after these."""

    @abstractmethod
    def finish(self, folder: ExportFolder) -> None:
        """Write what names all projects, after all of them."""


class FilesForm(ExportForm):
    """Every file, with a document for each project: what ``import`` brings back."""

    form = Form.FILES
    has_provenance = True
    has_quarantined = True
    removes_pages = False

    def has(self, project: Project) -> bool:
        return project.has_page or project.state.reserved or bool(project.deleted)

    def files(self, project: Project) -> Sequence[DistributionFile]:
        return project.files

    def pages(self, project: Project) -> frozenset[str]:
        return frozenset({JSON_NAME}) if self.has(project) else frozenset()

    def write(self, folder: ExportFolder, project: Project, files: Sequence[DistributionFile]) -> None:
        document = project_document(project.state, files, project.deleted)
        replace_content(folder.project(project.name) / JSON_NAME, document)

    def finish(self, folder: ExportFolder) -> None:
        """Nothing: the folders are the list."""


class SimpleForm(ExportForm):
    """The simple index: the bytes that the server sends.

    :param namespaces: the repository's; None: it does not tell of them.
    :param base_url: where the folder will be served, with ``https://``; there provenance lies beside its file. None: no
        provenance is announced, as PEP 740 wants an absolute address of secure origin.
    """

    form = Form.SIMPLE
    has_quarantined = False
    removes_pages = True

    def __init__(self, namespaces: Sequence[NormalizedName] | None, base_url: str | None) -> None:
        self._namespaces = namespaces
        self._base_url = None if base_url is None else base_url.rstrip("/")
        self.has_provenance = base_url is not None
        self._listed: list[NormalizedName] = []

    def has(self, project: Project) -> bool:
        return project.has_page

    def files(self, project: Project) -> Sequence[DistributionFile]:
        return project.offered

    def pages(self, project: Project) -> frozenset[str]:
        return frozenset({HTML_NAME, JSON_NAME}) if self.has(project) else frozenset()

    def write(self, folder: ExportFolder, project: Project, files: Sequence[DistributionFile]) -> None:
        page = project.page(files)
        write_page(folder.project(project.name), page, provenance_url=self._provenance_url, namespaces=self._namespaces)
        if is_listed(page):
            self._listed.append(project.name)

    def finish(self, folder: ExportFolder) -> None:
        write_list(folder.path, self._listed, namespaces=self._namespaces)
        self._remove_old_namespaces(folder)

    def _provenance_url(self, file: DistributionFile) -> str | None:
        if self._base_url is None:
            return None
        return f"{self._base_url}/{file.project}/{quote(file.filename, safe='')}{PROVENANCE_SUFFIX}"

    def _remove_old_namespaces(self, folder: ExportFolder) -> None:
        if self._namespaces is None and (folder.path / NAMESPACES_NAME).is_file():
            (folder.path / NAMESPACES_NAME).unlink()
        now = self._namespaces or ()
        with suppress(FileNotFoundError):
            for entry in (folder.path / NAMESPACE_FOLDER).iterdir():
                # Files of a project called `namespace` have a dot in their names, as no namespace has.
                if entry.is_file() and "." not in entry.name and entry.name not in now:
                    entry.unlink()


def make_project_folder(folder: ExportFolder, project: NormalizedName) -> None:
    """Make the folder of a project, where the list of namespaces may be in its way.

    :raises WharfError: something else has its name.
    """
    path = folder.project(project)
    if path.is_symlink():
        raise WharfError(f"{path} is a link to somewhere else, and nothing is written there; remove it.")
    if project == NAMESPACES_NAME and folder.form is Form.SIMPLE and path.is_file():
        path.unlink()
    path.mkdir(exist_ok=True)
