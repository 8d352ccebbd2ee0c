"""A verification from its start to its end: the store, the index against it, then every byte."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial

from packaging.utils import NormalizedName

from pywharf_core import changes
from pywharf_core.chosen_projects import Chosen
from pywharf_core.clock import Clock
from pywharf_core.errors import FileChanged, FileNotFound, NotPermitted, NotSupported
from pywharf_core.listed_file import FileLost, FileReplaced, FileUnlisted
from pywharf_core.long_work import CannotBeReadNow, LongWork
from pywharf_core.missing_metadata import complete_metadata
from pywharf_core.model import DistributionFile
from pywharf_core.remote_changes import update_index
from pywharf_core.repository import Repository
from pywharf_core.storage_answers import Flaw, Refused
from pywharf_core.verify.comparison import Comparison, project_of
from pywharf_core.verify.disagreements import Disagreement
from pywharf_core.verify.file_check import Checked, check_file
from pywharf_core.verify.findings import Finding, FindingKind, VerifyReport

#: Seconds until each further look at what did not fit together.
_LOOKS_AGAIN_AFTER = (0.0, 0.5, 2.0)

_NOT_THERE = (FindingKind.DAMAGED, FindingKind.MISSING, FindingKind.TOMBSTONE)


class Verification:
    """Of one repository. Without ``repair`` nothing is changed.

    :param globs: of names of projects; none: all, and the store as a whole.
    :param clock: whoever stops it ends the verification; what was repaired stays so.
    :param jobs: threads.
    """

    def __init__(self, repository: Repository, globs: Sequence[str], clock: Clock, *, repair: bool, jobs: int) -> None:
        self._repository = repository
        self._chosen = Chosen(repository, globs)
        self._whole = not globs
        self._repair = repair
        self._jobs = jobs
        self._findings: list[Finding] = []
        self._files = self._bytes = 0
        self._is_complete = False
        self._clock, self._work = clock, LongWork(clock)
        self._flaws: Sequence[Flaw]  # from prepare() on
        self._comparison: Comparison
        self._suspicions: Sequence[Disagreement]
        self._refused: Sequence[Refused]

    def prepare(self) -> int:
        """Compare the index with the storage.

        :returns: how many files are to be read.
        :raises NotFound: a project that was named is neither in the index nor in the storage.
        :raises StorageUnavailable: the storage cannot be read.
        """
        self._flaws = self._find_flaws()
        self._comparison = Comparison(self._repository, self._chosen.covers)
        self._suspicions, self._refused = self._compare(self._comparison)
        return self._chosen.count_files() + len(self._comparison.unlisted)

    def report(self) -> VerifyReport:
        """What was found so far."""
        order = {kind: number for number, kind in enumerate(FindingKind)}
        findings = sorted(self._findings, key=lambda it: (order[it.kind], it.name))
        return VerifyReport(files=self._files, bytes=self._bytes, findings=findings, complete=self._is_complete)

    def run(self, advance: Callable[[], None]) -> None:
        """After ``prepare``.

        :param advance: called after each file, by any thread.
        :raises Stopped: the clock was stopped.
        :raises StorageUnavailable: the storage is gone.
        """
        self._findings += [Finding(FindingKind.REFUSED, it.filename, it.reason) for it in self._refused]
        not_there = self._judge(self._suspicions) | {it.filename for it in self._refused}
        self._reread(self._comparison.unlisted, not_there, advance)
        self._clean(self._flaws)
        self._is_complete = True

    # --- the index ----------------------------------------------------------------------------------------

    def _compare(self, comparison: Comparison) -> tuple[list[Disagreement], list[Refused]]:
        suspicions: list[Disagreement] = []
        refused: list[Refused] = []
        stored: set[NormalizedName] = set()
        for result in self._repository.view(None).scan({}):
            if not self._whole and (project := project_of(result)) is not None:
                stored.add(project)
            if isinstance(result, Refused) and comparison.covers_file(result.filename):
                refused.append(result)
            if (suspicion := comparison.suspect(result)) is not None:
                suspicions.append(suspicion)
        self._chosen.demand_some(stored)
        suspicions.extend(comparison.suspect_missing())
        return suspicions, refused

    def _judge(self, suspicions: Sequence[Disagreement]) -> set[str]:
        """Say what stays wrong, and mend it if that is asked for.

        :returns: filenames that need not be read: they are not there, or are others.
        """
        for pause in _LOOKS_AGAIN_AFTER:
            if suspicions:
                self._clock.sleep(pause)
                self._clock.demand_going_on()
                suspicions = [it for it in suspicions if it.look() is not None]
        found = [(it, finding) for it in suspicions if (finding := it.look()) is not None]
        if found and self._repair:
            self._bring_index_in_line()
        for about, finding in found:
            if self._repair:
                self._clock.demand_going_on()
            self._findings.append(self._mended(about, finding) if self._repair else finding)
        return {finding.name for _, finding in found if finding.kind in _NOT_THERE}

    def _bring_index_in_line(self) -> None:
        update_index(self._repository)
        self._repository.synchronise()

    def _mended(self, about: Disagreement, finding: Finding) -> Finding:
        try:
            if about.mend():
                return replace(finding, repaired=True)
            return about.look() or finding  # a repair may have found out why
        except (NotSupported, NotPermitted, FileNotFound, FileChanged) as error:
            return replace(finding, sentence=f"{finding.sentence} Not repaired: {error}")

    # --- every byte ---------------------------------------------------------------------------------------

    def _reread(
        self, unlisted: Sequence[DistributionFile], not_there: Collection[str], advance: Callable[[], None]
    ) -> None:
        files = (file for file in self._files_to_read(unlisted) if file.filename not in not_there)
        calls = (partial(self._check, file, advance) for file in files)
        for file, checked in self._work.in_order(calls, self._jobs):
            if checked is None:
                continue
            self._files += 1
            self._bytes += checked.size
            for finding in checked.findings:
                mends = finding.kind is FindingKind.METADATA and self._repair
                self._findings.append(self._described_anew(file, checked, finding) if mends else finding)

    def _files_to_read(self, unlisted: Sequence[DistributionFile]) -> Iterator[DistributionFile]:
        for project in self._chosen.projects():
            yield from project.files
        for file in unlisted:
            with self._repository.index.reading() as snapshot:
                is_listed = snapshot.file(file.filename) is not None
            if not is_listed:  # by a repair, or its uploader
                yield file

    def _check(self, file: DistributionFile, advance: Callable[[], None]) -> tuple[DistributionFile, Checked | None]:
        """What is wrong with the file; None: it was deleted meanwhile."""
        try:
            checked = self._read_again(file)
            if checked.findings:  # or was it yanked, or deleted, in the middle?
                with self._repository.index.reading() as snapshot:
                    file = snapshot.file(file.filename) or file
                checked = self._read_again(file)
            return file, checked
        except FileUnlisted:
            return file, None
        except FileLost as error:
            return file, Checked(0, (Finding(FindingKind.MISSING, file.filename, str(error)),))
        except FileReplaced as error:
            return file, Checked(0, (Finding(FindingKind.DAMAGED, file.filename, str(error)),))
        except CannotBeReadNow as error:
            sentence = f"{file.filename} cannot be read now: {error}"
            return file, Checked(0, (Finding(FindingKind.UNREADABLE, file.filename, sentence),))
        finally:
            advance()

    def _read_again(self, file: DistributionFile) -> Checked:
        return self._work.ask(partial(check_file, self._repository, file, self._work.demand_going_on))

    def _described_anew(self, file: DistributionFile, checked: Checked, finding: Finding) -> Finding:
        right = checked.right
        try:
            stored = self._repository.view(None).find_file(file)
            if right is None or stored is None or stored.sha256 != file.sha256:
                return finding
            described = replace(
                stored,
                hashes=right.hashes,
                requires_python=right.requires_python,
                core_metadata=right.core_metadata,
                core_metadata_sha256=right.core_metadata_sha256,
            )
            changes.amend(self._repository, described, checked.attachments)
        except (NotSupported, NotPermitted, FileNotFound, FileChanged) as error:
            return replace(finding, sentence=f"{finding.sentence} Not repaired: {error}")
        return replace(finding, repaired=True)

    # --- the store ----------------------------------------------------------------------------------------

    def _find_flaws(self) -> Sequence[Flaw]:
        if not self._whole:
            return ()
        unfinished = [
            Flaw(path.name, f"{path.name} is an upload whose process died.", swept=True)
            for path in self._repository.unfinished_uploads()
        ]
        return [*unfinished, *self._repository.view(None).flaws()]

    def _clean(self, flaws: Sequence[Flaw]) -> None:
        left = flaws
        if self._repair and self._whole:
            complete_metadata(self._repository, stop=lambda: self._clock.is_stopped)
            self._clock.demand_going_on()
            if any(flaw.swept for flaw in flaws):
                self._repository.sweep(now=True)
                left = self._find_flaws()
        for flaw in flaws:
            kind = FindingKind.UNFINISHED if flaw.swept else FindingKind.STORE
            self._findings.append(Finding(kind, flaw.name, flaw.reason, repaired=flaw.swept and flaw not in left))
