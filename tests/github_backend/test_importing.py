"""Imports and copies into releases: at GitHub's pace, and going on where GitHub said no."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from github_backend.command import run
from github_fake import FakeGitHub, Token
from github_fake import Repository as OnGitHub
from pywharf_core import changes, normalise, shared_secrets
from pywharf_core.clock import Clock
from pywharf_core.config import load_configuration
from pywharf_core.patience import Patience
from pywharf_core.plugins import Plugins
from pywharf_core.repository import Repository
from pywharf_core.root import Root
from pywharf_core.testing import make_upload, make_wheel
from pywharf_core.transfer.folder import FolderSource
from pywharf_core.transfer.offers import Source
from pywharf_core.transfer.pacing import Pacer
from pywharf_core.transfer.stored import StoredPackages
from pywharf_core.transfer.summary import Summary
from pywharf_core.transfer.whole import Order, Transfer
from pywharf_core.wharf import Wharf
from pywharf_filesystem import plugin as file_system
from pywharf_github import plugin as github
from pywharf_github.storage import GitHubStorage


class GitHubsClock(Clock):
    """The time that the stand-in believes; waiting makes it pass.

    :ivar said: what was waited for.
    """

    def __init__(self, fake: FakeGitHub) -> None:
        self.said: list[str] = []
        super().__init__(lambda text: self.said.append(text) if text else None)
        self._fake = fake
        fake.clock.stop()

    def now(self) -> float:
        return self._fake.clock.now()

    def sleep(self, seconds: float) -> None:
        self._fake.clock.advance(seconds)


@pytest.fixture
def limited(fake: FakeGitHub, repository: OnGitHub) -> FakeGitHub:
    """GitHub's own limits of content."""
    fake.limits.content_per_minute, fake.limits.content_per_hour = 80, 500
    return fake


@contextmanager
def opened(fake: FakeGitHub, root: Path) -> Iterator[tuple[Repository, Repository]]:
    """The repository on GitHub, read, and one on a disk."""
    token = fake.token("admin", rights={"acme/packages": "write"})
    config = f"""
        [acme]
        type = "github"
        owner = "acme"
        repo = "packages"
        api_url = "{fake.api_url}"
        [local]
        type = "file_system"
        read_secret = "x"
    """
    secret = f'[acme]\ntype = "github"\nraw = "{token.value}"\n'
    configurations = load_configuration(config, secret, Plugins.of(github, file_system, shared_secrets))
    with Wharf.open(configurations, Root(root)) as wharf:
        for repository in wharf.repositories.values():
            repository.synchronise()
        yield wharf.repositories["acme"], wharf.repositories["local"]


def transfer(source: Source, target: Repository, clock: Clock, ledger: Path | None = None) -> Summary:
    made = Transfer(
        source,
        target,
        Order(),
        clock=clock,
        pacer=Pacer(target.storage.pace, clock, ledger),
        patience=Patience(clock, max_wait=3900),
    )
    for _ in made.run(made.look()):
        pass
    return made.summary


def refusals(fake: FakeGitHub) -> int:
    return sum(call.status in (403, 429) for call in fake.calls)


@pytest.mark.slow
def test_an_import_at_the_pace_never_hears_of_github_s_limits(limited: FakeGitHub, tmp_path: Path) -> None:
    for number in range(170):
        make_wheel(tmp_path / "packages", f"p{number}", "1.0")
    clock = GitHubsClock(limited)
    with opened(limited, tmp_path / "root") as (acme, _):
        began = clock.now()
        pacer = Pacer(acme.storage.pace, clock)
        source = FolderSource([tmp_path / "packages"])
        made = Transfer(source, acme, Order(), clock=clock, pacer=pacer, patience=Patience(clock, 3900))
        findings = made.look()
        assert made.forecast(findings) == "170 files at 24 a minute and 150 an hour: about 60 minutes."
        assert sum(1 for _ in made.run(findings)) == 170
        assert made.summary.taken == 170
        assert clock.now() - began == pytest.approx(3600, abs=60)
        assert refusals(limited) == 0
        assert clock.said[0].endswith("the storage takes 24 a minute and 150 an hour")
    with opened(limited, tmp_path / "elsewhere") as (acme, _):  # by the remote index alone
        assert acme.status().files == 170


def test_whoever_knows_nothing_of_the_last_minute_waits_when_github_says_so(
    limited: FakeGitHub, writer: Token, tmp_path: Path
) -> None:
    limited.limits.content_per_minute = 10
    for number in range(6):
        make_wheel(tmp_path / "packages", f"p{number}", "1.0")
    clock = GitHubsClock(limited)
    with opened(limited, tmp_path / "root") as (acme, _):
        summary = transfer(FolderSource([tmp_path / "packages"]), acme, clock)
    assert (summary.taken, summary.refused, summary.complete) == (6, [], True)
    assert refusals(limited) > 0
    assert any("GitHub's rate limit is reached" in said for said in clock.said), clock.said


def test_a_restart_keeps_the_pace(limited: FakeGitHub, tmp_path: Path) -> None:
    for number in range(30):
        make_wheel(tmp_path / "packages", f"p{number}", "1.0")
    clock, ledger = GitHubsClock(limited), tmp_path / "pace"
    with opened(limited, tmp_path / "root") as (acme, _):
        for part in range(3):
            paths = [
                tmp_path / "packages" / f"p{number}-1.0-py3-none-any.whl" for number in range(part * 10, part * 10 + 10)
            ]
            assert transfer(FolderSource(paths), acme, clock, ledger).taken == 10
    assert len(clock.said) > 0
    assert refusals(limited) == 0


def test_a_copy_to_github_and_back_keeps_what_is_known_of_files(
    fake: FakeGitHub, repository: OnGitHub, tmp_path: Path
) -> None:
    clock = GitHubsClock(fake)
    with opened(fake, tmp_path / "root") as (acme, local):
        provenance = b'{"version": 1}'
        changes.publish(
            local, *make_upload(tmp_path / "a", provenance=provenance, comment="x", summary="y", sdist=True)
        )
        changes.publish(local, *make_upload(tmp_path / "b", "swallow", "1.0"))
        changes.publish(local, *make_upload(tmp_path / "c", "gone", "1.0"))
        changes.yank(local, normalise("swallow"), "1.0", "Loses data")
        changes.delete(local, normalise("gone"), version="1.0")
        assert transfer(StoredPackages(local), acme, clock).taken == 2
        (grail,) = acme.project_page(normalise("holygrail"))[0].files
        (swallow,) = acme.project_page(normalise("swallow"))[0].files
        assert (grail.comment, swallow.yanked) == ("x", "Loses data")
        assert acme.provenance(grail) == provenance
        assert acme.answer_for(normalise("gone")).answerer == "reserved"
    with opened(fake, tmp_path / "back") as (acme, local):
        assert acme.answer_for(normalise("gone")).answerer == "reserved", "GitHub keeps it, for every server"
        assert transfer(StoredPackages(acme), local, clock).taken == 2
        (back,) = local.project_page(normalise("holygrail"))[0].files
        assert (back.sha256, back.upload_time, back.comment) == (grail.sha256, grail.upload_time, "x")
        assert local.provenance(back) == provenance


def test_an_import_that_lost_its_index_publishes_nothing_twice(
    fake: FakeGitHub, repository: OnGitHub, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path / "packages", "holygrail", "1.0")
    clock = GitHubsClock(fake)
    with opened(fake, tmp_path / "first") as (acme, _):
        changes.publish(acme, *make_upload(tmp_path / "x"))  # killed before anybody brought it into the remote index
    assert wheel.exists()
    with opened(fake, tmp_path / "second") as (acme, _):
        summary = transfer(FolderSource([tmp_path / "packages"]), acme, clock)
        assert (summary.taken, summary.there, summary.refused) == (0, 1, [])
    assert len(repository.releases) == 1


def test_the_command_says_first_how_long_it_takes_and_remembers_when_it_was(
    fake: FakeGitHub, repository: OnGitHub, tmp_path: Path
) -> None:
    token = fake.token("admin", rights={"acme/packages": "write"})
    root = Root(tmp_path / "root")
    root.make()
    root.config_file.write_text(
        f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\napi_url = "{fake.api_url}"\n'
    )
    root.admin_secret_file.write_text(f'[acme]\ntype = "github"\nraw = "{token.value}"\n')
    for number in range(3):
        make_wheel(tmp_path / "packages", f"p{number}", "1.0")
    result = run("import", "acme", tmp_path / "packages", "--root", root.path)
    assert result.exit_code == 0, result.output
    first, *_, last = result.stderr.splitlines()
    assert first == "3 files at 24 a minute and 150 an hour: about 0 seconds."
    assert last == "Importing: 3 of 3 files"
    assert len(root.lock("pace-github").read_text().splitlines()) == 4, "three files, and the index"
    result = run("import", "acme", tmp_path / "packages", "--root", root.path, "--json")
    assert result.stderr == ""
    reader = fake.token("reader", rights={"acme/packages": "read"})
    root.admin_secret_file.write_text(f'[acme]\ntype = "github"\nraw = "{reader.value}"\n')
    make_wheel(tmp_path / "packages", "p9", "1.0")
    result = run("import", "acme", tmp_path / "packages", "--root", root.path)
    assert result.exit_code == 1
    assert result.stdout == "0 files (0 bytes) imported into acme; 3 already there, 0 refused.\n"
    assert result.stderr.splitlines()[-1].startswith("Error: GitHub")


def test_the_pace_leaves_room_below_github_s_limits() -> None:
    minute, hour = GitHubStorage.pace
    assert (minute.seconds, hour.seconds) == (60, 3600)
    assert 3 * minute.operations <= 0.9 * 80
    assert 3 * hour.operations <= 0.9 * 500
