"""Transfers between storages in memory, in a time of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.two_servers import repository_on
from pywharf_core.clock import Clock
from pywharf_core.patience import Patience
from pywharf_core.repository import Repository
from pywharf_core.storage import Storage
from pywharf_core.storage_answers import Pace
from pywharf_core.transfer.offers import Source
from pywharf_core.transfer.pacing import Pacer
from pywharf_core.transfer.stored import StoredPackages
from pywharf_core.transfer.summary import Summary
from pywharf_core.transfer.whole import Order, Transfer

NOON = 1_800_000_000.0  # Unix seconds


class TestClock(Clock):
    """Time passes by waiting alone.

    :ivar said: what was waited for.
    """

    __test__ = False

    def __init__(self, now: float = NOON) -> None:
        self.said: list[str] = []
        super().__init__(self._hear)
        self.time = now

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def _hear(self, text: str) -> None:
        if text:
            self.said.append(text)


@dataclass
class Between:
    """One transfer after the other, between repositories."""

    clock: TestClock = field(default_factory=TestClock)
    max_wait: float = 3900

    def copy(self, source: Repository, target: Repository, *, paces: Sequence[Pace] = (), jobs: int = 1) -> Summary:
        """``source`` is synchronised on the way."""
        source.synchronise()
        return self.transfer(StoredPackages(source), target, Order(jobs=jobs), paces=paces)

    def transfer(
        self, source: Source, target: Repository, order: Order | None = None, *, paces: Sequence[Pace] = ()
    ) -> Summary:
        if target.status().synchronised_at is None:
            target.synchronise()
        transfer = Transfer(
            source,
            target,
            order or Order(jobs=1),
            clock=self.clock,
            pacer=Pacer(paces, self.clock),
            patience=Patience(self.clock, self.max_wait),
        )
        self.summary = transfer.summary
        for _ in transfer.run(transfer.look()):
            pass
        return transfer.summary


def opened(storage: Storage, folder: Path) -> Repository:
    """A repository on ``storage``, which nobody synchronised yet."""
    return repository_on(storage, folder)
