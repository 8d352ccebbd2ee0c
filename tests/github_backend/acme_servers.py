"""Two servers, with a ROOT each, whose repository ``acme`` lives in the stand-in for GitHub; step by step, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from github_backend.test_missing_index import server
from github_fake import Event, FakeGitHub, Repository, Token
from pywharf_core import DistributionFile, Secret, changes, normalise, remote_changes, remote_notices
from pywharf_core.index.remote_rebuild import RebuildReport
from pywharf_core.repository import Repository as PackageRepository
from pywharf_core.testing import make_upload

HOLYGRAIL = normalise("holygrail")
HOOK = Secret("of the webhook")


@dataclass
class Acme:
    """:ivar here: a server that publishes and folds; ``there`` only looks."""

    fake: FakeGitHub
    repository: Repository
    here: PackageRepository
    there: PackageRepository
    folder: Path

    def publish(self, summary: str = "the first") -> DistributionFile:
        added = changes.publish(self.here, *make_upload(self.folder, summary=summary)).file
        remote_changes.fold(self.here)
        return added

    def rebuild(self) -> RebuildReport:
        """As the workflow does."""
        report = remote_changes.update_index(self.there)
        assert report is not None
        self.synchronise()
        return report

    def synchronise(self) -> None:
        for repository in (self.here, self.there):
            repository.synchronise()

    def shown(self) -> list[set[str]]:
        """SHA-256 of what each server lists."""
        return [shown(repository) for repository in (self.here, self.there)]

    def tell(self, *events: Event) -> None:
        for repository in (self.here, self.there):
            for event in events:
                notice = repository.storage.read_notice(event.headers(HOOK.reveal()), event.body(), HOOK)
                assert notice is not None
                remote_notices.noticed(repository, notice)


def shown(repository: PackageRepository) -> set[str]:
    """SHA-256 of what a server lists."""
    with repository.index.reading() as snapshot:
        return {file.sha256 for file in snapshot.files(HOLYGRAIL)}


@contextmanager
def acme_on(fake: FakeGitHub, repository: Repository, admin: Token, folder: Path) -> Iterator[Acme]:
    """:param admin: the secret of both servers."""
    with ExitStack() as stack:
        here, there = (stack.enter_context(server(fake, admin, folder / name)) for name in ("here", "there"))
        for opened in (here, there):
            opened.synchronise()
        yield Acme(fake, repository, here, there, folder / "uploads")
