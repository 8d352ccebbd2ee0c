"""Import and copy from beginning to end: look, say what is to come, take in, then what belongs to whole projects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pywharf_core import changes
from pywharf_core.amounts import counted, duration, named
from pywharf_core.clock import Clock
from pywharf_core.errors import NotAuthenticated, NotPermitted, SourceUnusable, WharfError
from pywharf_core.model import ProjectState, ProjectStatus
from pywharf_core.patience import Patience
from pywharf_core.remote_changes import fold
from pywharf_core.remote_recovery import resolve_intents
from pywharf_core.repository import Repository
from pywharf_core.transfer.offers import Findings, Source
from pywharf_core.transfer.pacing import Pacer
from pywharf_core.transfer.running import take_all
from pywharf_core.transfer.summary import Summary
from pywharf_core.transfer.taking_in import Intake, Outcome

_JOBS = 4  # where each publication waits for a disk; a storage with a pace wants them one by one
_NAMED = 5  # projects in a sentence
_FOLDS = 120.0  # seconds between two folds: on GitHub each is a commit, which counts against the same limit


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is wanted.

    :ivar jobs: files at once; None: as the storage likes it.
    :ivar dry_run: change nothing.
    """

    jobs: int | None = None
    dry_run: bool = False


class Transfer:
    """One transfer from ``source`` to ``target``; used once.

    :param target: synchronised.
    :ivar summary: complete when ``run`` is at its end.
    """

    def __init__(
        self, source: Source, target: Repository, order: Order, *, clock: Clock, pacer: Pacer, patience: Patience
    ) -> None:
        self.summary = Summary()
        self._source = source
        self._target = target
        self._order = order
        self._clock = clock
        self._pacer = pacer
        self._patience = patience
        self._intake = Intake(
            source,
            target,
            clock=clock,
            pacer=pacer,
            patience=patience,
            dry_run=order.dry_run,
        )
        self._folded_at = clock.now()

    def look(self) -> Findings:
        """What the source has.

        :raises SourceUnusable: nothing that can be read.
        """
        return self._source.look()

    def forecast(self, findings: Findings) -> str | None:
        """How long it takes at the storage's pace, in a sentence; None: it asks for none."""
        if not self._pacer.said:
            return None
        new = sum(not self._intake.is_listed(finding) for finding in findings)
        return f"{counted(new, 'file')} at {self._pacer.said}: about {duration(self._pacer.estimate(new))}."

    def run(self, findings: Findings) -> Iterator[Outcome]:
        """Take in, telling each outcome. What is there at any end stays, and is not taken twice.

        :raises Stopped: ``clock`` says so.
        :raises SourceUnusable: at its end: there was nothing to take.
        :raises WharfError: it cannot go on.
        """
        if not self._order.dry_run:
            self._target.sweep()
            self._patience.call(lambda: resolve_intents(self._target))
        jobs = self._order.jobs or (1 if self._target.storage.pace else _JOBS)
        try:
            self._hand_over_states(quarantined=True)
            for outcome in take_all(findings, self._intake.take, jobs=jobs, clock=self._clock):
                self.summary.add(outcome)
                yield outcome
                self._fold(at_end=False)
            self._hand_over_states()
        finally:
            self.summary.sort()
            self.summary.warnings.extend(self._source.warnings())
            self._fold(at_end=True)
        if self.summary.found_nothing and not self._source.is_repository:  # which may be empty
            raise SourceUnusable(self._source.nothing_found())
        self.summary.complete = True

    # --- projects -----------------------------------------------------------------------------------------

    def _hand_over_states(self, *, quarantined: bool = False) -> None:
        """After the files: an archived project takes none. But of a quarantined one no file may be handed out.

        :param quarantined: only those of such projects.
        """
        wanted = [
            state
            for state in self._source.states()
            if self._source.is_repository or not quarantined
            if state.status is ProjectStatus.QUARANTINED or not quarantined
        ]
        states = [it for state in wanted if (it := self._to_put(state)) is not None]
        if not states or self._order.dry_run:
            return
        if not self._target.view(None).can_update:
            if quarantined:
                return  # it is told at the end, and the files stay away
            self.summary.warnings.append(
                f"The storage of {self._target.name} keeps no status of projects and no reserved names: "
                f"{named([state.name for state in states], _NAMED)} stay without."
            )
            return
        self._pacer.admit()
        try:
            self._patience.call(lambda: changes.put_states(self._target, states))
        except NotPermitted as error:
            self.summary.warnings.append(f"Status and reserved names of projects are not taken over: {error}")

    def _to_put(self, state: ProjectState) -> ProjectState | None:
        """What the target should know of a project and does not; a status that it has of its own stays."""
        with self._target.index.reading() as snapshot:
            row = snapshot.project(state.name)
        if row is None and not self._source.is_repository:
            return None  # nothing of the project came, so its status says nothing here
        now = ProjectState(name=state.name) if row is None else row.state
        new = replace(now, reserved=now.reserved or (self._source.is_repository and state.reserved))
        if now.status is ProjectStatus.ACTIVE and state.status is not ProjectStatus.ACTIVE:
            new = replace(new, status=state.status, reason=state.reason)
        return None if new == now else new

    # --- the remote index ---------------------------------------------------------------------------------

    def _fold(self, *, at_end: bool) -> None:
        """Bring what was published into the remote index, which other servers read."""
        target = self._target
        if not target.storage.keeps_index or target.configuration.index_updates == "service" or self._order.dry_run:
            return
        if not at_end and self._clock.now() - self._folded_at < _FOLDS:
            return
        self._folded_at = self._clock.now()
        try:
            if fold(target):
                self._pacer.note()
        except (NotPermitted, NotAuthenticated):
            pass  # the storage's own service does it then
        except WharfError as error:
            if at_end:
                self.summary.warnings.append(
                    f"The remote index does not show all of it yet ({error}); a server of this repository, or "
                    "`pywharf update_index`, brings it in line."
                )
