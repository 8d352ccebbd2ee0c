"""An export from its start to its end.

What is new comes from below, what is gone goes from above: files, then pages, then the list of projects; then old pages
go, and at last old files, if that is asked for. So at any instant a list names pages that are there, and a page files.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pywharf_core.chosen_projects import Chosen, Project
from pywharf_core.clock import Clock
from pywharf_core.export.attachments import write_attachment
from pywharf_core.export.fetching import NotFetched, fetch
from pywharf_core.export.folder import PROVENANCE_SUFFIX, ExportFolder, Match, claimed
from pywharf_core.export.forms import ExportForm, make_project_folder
from pywharf_core.export.refreshing import brought_up_to_date
from pywharf_core.export.report import ExportReport, Problem
from pywharf_core.export.tally import Done, Stale, Tally
from pywharf_core.listed_file import FileUnlisted
from pywharf_core.long_work import CannotBeReadNow, LongWork
from pywharf_core.model import AttachmentKind, DistributionFile
from pywharf_core.repository import Repository
from pywharf_core.static_site import HTML_NAME, JSON_NAME, METADATA_SUFFIX


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """
    :ivar projects: globs of names; none: all projects.
    :ivar jobs: threads.
    :ivar overwrite: replace what has a file's name and other content.
    :ivar prune: remove files that the repository does not offer any more.
    :ivar dry_run: write nothing.
    """

    projects: Sequence[str] = ()
    jobs: int = 4
    overwrite: bool = False
    prune: bool = False
    dry_run: bool = False


class Export:
    """Of one repository into one folder; used once.

    :param clock: whoever stops it ends the export: what is half written goes, what is whole stays.
    :ivar has_begun: the folder is ours, so that there is something to tell.
    """

    def __init__(
        self, repository: Repository, path: Path, form: ExportForm, options: ExportOptions, clock: Clock
    ) -> None:
        self.has_begun = False
        self._repository = repository
        self._path = path
        self._form = form
        self._options = options
        self._chosen = Chosen(repository, options.projects)
        self._work = LongWork(clock)
        self._tally = Tally()

    def prepare(self) -> int:
        """Look at the storage afresh.

        :returns: how many files belong into the folder.
        :raises StorageUnavailable: it cannot be read.
        :raises NotFound: a project that was named is not here: to prune for a misspelt name would empty a good folder.
        """
        self._tally.problems.extend(brought_up_to_date(self._repository, self._chosen))
        self._chosen.demand_some()
        return self._chosen.count_files(quarantined=self._form.has_quarantined)

    def report(self) -> ExportReport:
        """What was done so far."""
        return self._tally.report()

    def run(self, advance: Callable[[], None]) -> None:
        """
        :param advance: called after each file, by any thread.
        :raises Stopped: the clock was stopped; another run goes on from there.
        :raises WharfError: the folder is something else.
        :raises StorageUnavailable: the storage is gone; what is there stays, and another run goes on from there.
        :raises OSError: the folder cannot be written.
        """
        options = self._options
        name, globs = self._repository.name, options.projects or None
        with claimed(self._path, self._form.form, name, dry_run=options.dry_run) as folder:
            self.has_begun = True
            if not options.dry_run:
                folder.mark(globs, complete=False)
            stale = Stale()
            with closing(self._by_project(folder, advance)) as projects:
                for project, done in projects:
                    self._tally.projects += project.has_page
                    if not options.dry_run:
                        self._form.write(folder, project, [it.file for it in done if it.present])
                    stale.look_into(folder, project.name, self._names(project))
            if not options.dry_run:
                self._form.finish(folder)
            stale.look_beside(folder)
            self._clear(folder, stale)
            if not options.dry_run:
                folder.mark(globs, complete=not self._tally.problems)
            self._tally.complete = True

    # --- files --------------------------------------------------------------------------------------------

    def _by_project(
        self, folder: ExportFolder, advance: Callable[[], None]
    ) -> Generator[tuple[Project, Sequence[Done]], None, None]:
        """Each project with what became of its files."""
        done: list[Done] = []
        for result in self._work.in_order(self._calls(folder, advance), self._options.jobs):
            if isinstance(result, Project):
                yield result, done
                done = []
            else:
                done.append(result)

    def _calls(self, folder: ExportFolder, advance: Callable[[], None]) -> Iterator[Callable[[], Done | Project]]:
        for project in self._chosen.projects():
            if not self._form.has(project):
                continue
            if not self._options.dry_run:
                make_project_folder(folder, project.name)
            for file in self._form.files(project):
                yield partial(self._one, folder, file, advance)
            yield partial(_itself, project)

    def _one(self, folder: ExportFolder, file: DistributionFile, advance: Callable[[], None]) -> Done:
        try:
            done = self._export(folder, file)
        except NotFetched as error:
            done = Done(file, problems=[Problem(file.filename, str(error))])
        except CannotBeReadNow as error:
            done = Done(file, problems=[Problem(file.filename, f"{file.filename} cannot be read now: {error}")])
        except FileUnlisted:
            done = Done(file)
        self._tally.add(done)
        advance()
        return done

    def _export(self, folder: ExportFolder, file: DistributionFile) -> Done:
        target = folder.project(file.project) / file.filename
        match folder.match(target, file.size, file.sha256, self._work.demand_going_on):
            case Match.OTHER if not self._options.overwrite:
                problem = f"{target} has other content and was left alone; move it away, or give --overwrite."
                return Done(file, problems=[Problem(file.filename, problem)])
            case Match.SAME:
                copied = False
            case _:
                copied = True
        if self._options.dry_run:
            return Done(file, present=True, copied=copied)
        if copied:
            self._work.ask(partial(fetch, self._repository, file, target, self._work.demand_going_on))
        return self._with_attachments(Done(file, present=True, copied=copied), target)

    def _with_attachments(self, done: Done, exported: Path) -> Done:
        """What cannot be had is not announced."""
        file, problems = done.file, list(done.problems)
        if file.core_metadata_sha256 is not None:
            problem = self._attach(file, AttachmentKind.METADATA, file.core_metadata_sha256, exported)
            if problem is not None:
                problems.append(problem)
                file = replace(file, core_metadata_sha256=None)
        if file.provenance_sha256 is not None and self._form.has_provenance:
            problem = self._attach(file, AttachmentKind.PROVENANCE, file.provenance_sha256, exported)
            if problem is not None:
                problems.append(problem)
                file = replace(file, provenance_sha256=None)
        return replace(done, file=file, problems=problems)

    def _attach(self, file: DistributionFile, kind: AttachmentKind, sha256: str, exported: Path) -> Problem | None:
        target = exported.with_name(exported.name + _SUFFIXES[kind])
        try:
            self._work.ask(partial(write_attachment, self._repository, file, kind, sha256, exported, target))
        except NotFetched as error:
            return Problem(target.name, str(error))
        except CannotBeReadNow as error:
            return Problem(target.name, f"The {kind} of {file.filename} cannot be read now: {error}")
        return None

    # --- what does not belong there any more --------------------------------------------------------------

    def _names(self, project: Project) -> frozenset[str]:
        """What belongs into the project's folder."""
        names = set(self._form.pages(project))
        for file in self._form.files(project):
            names.add(file.filename)
            if file.core_metadata_sha256 is not None:
                names.add(file.filename + METADATA_SUFFIX)
            if file.provenance_sha256 is not None and self._form.has_provenance:
                names.add(file.filename + PROVENANCE_SUFFIX)
        return frozenset(names)

    def _clear(self, folder: ExportFolder, stale: Stale) -> None:
        """Remove what is to go, pages first."""
        goes: list[str] = []
        for path in stale.paths:
            is_page = path.endswith(_PAGES)
            (goes if self._options.prune or (is_page and self._form.removes_pages) else self._tally.stale).append(path)
        for path in sorted(goes, key=lambda path: (not path.endswith(_PAGES), path)):
            if not self._options.dry_run:
                (folder.path / path).unlink()
            self._tally.removed.append(path)
        if not self._options.dry_run:
            for name in {path.partition("/")[0] for path in goes} - stale.projects:
                with suppress(OSError):  # something is left
                    folder.project(name).rmdir()


_SUFFIXES = {AttachmentKind.METADATA: METADATA_SUFFIX, AttachmentKind.PROVENANCE: PROVENANCE_SUFFIX}
_PAGES = (f"/{HTML_NAME}", f"/{JSON_NAME}")


def _itself(project: Project) -> Project:
    return project
