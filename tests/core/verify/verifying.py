"""Verifications as tests want them."""

from __future__ import annotations

from collections.abc import Sequence

from pywharf_core.clock import Clock
from pywharf_core.repository import Repository
from pywharf_core.verify.findings import VerifyReport
from pywharf_core.verify.run import Verification


class Hurried(Clock):
    """For repositories that nobody changes meanwhile: no second look brings anything new."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)

    def sleep(self, seconds: float) -> None:
        """At once."""


def verify(
    repository: Repository,
    projects: Sequence[str] = (),
    *,
    repair: bool = False,
    jobs: int = 4,
    clock: Clock | None = None,
) -> VerifyReport:
    """As ``pywharf verify`` does it, hurried unless another clock is given."""
    work = Verification(repository, projects, clock or Hurried(), repair=repair, jobs=jobs)
    work.prepare()
    work.run(lambda: None)
    return work.report()


def kinds(report: VerifyReport) -> list[tuple[str, str]]:
    """Kind and name of each finding."""
    return [(finding.kind.value, finding.name) for finding in report.findings]
