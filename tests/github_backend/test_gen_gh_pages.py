"""``pywharf github.gen_gh_pages``: a static index whose files stay in the releases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from github_backend.command import run
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import DistributionFile, ProjectState, ProjectStatus, normalise
from pywharf_core.testing import make_upload
from pywharf_github.storage import GitHubStorage

Publish = Callable[..., DistributionFile]


@pytest.fixture
def publish(storage: GitHubStorage, tmp_path: Path) -> Publish:
    """Publish what ``make_upload`` makes of the arguments."""

    def publishing(project: str = "holygrail", version: str = "1.0", **fields: Any) -> DistributionFile:
        return storage.add_file(*make_upload(tmp_path / "dist", project, version, **fields))

    return publishing


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


def generate(fake: FakeGitHub, token: Token, folder: Path, *more: object) -> Result:
    named = ("--name", "acme-packages", "--owner", "acme", "--repo", "packages")
    flags = ("--output_folder", folder, "--api_url", fake.api_url)
    return run("github.gen_gh_pages", *named, *flags, "--token", token.value, *more)


def read(folder: Path, project: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / project / "index.json").read_bytes())
    return document


def test_pages_link_to_the_releases_of_a_public_repository(
    fake: FakeGitHub, repository: Repository, publish: Publish, reader: Token, tmp_path: Path, site: Path
) -> None:
    repository.private = False
    publish("HolyGrail", "1.0+local.1", requires_python=">=3.11")
    publish("spam", "2.0", sdist=True)
    result = generate(fake, reader, site)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{site}: 2 projects, 2 files\n"
    assert [entry["name"] for entry in json.loads((site / "index.json").read_bytes())["projects"]] == [
        "holygrail",
        "spam",
    ]
    assert '<a href="holygrail/">holygrail</a>' in (site / "index.html").read_text()
    wheel = read(site, "holygrail")["files"][0]
    assert wheel["filename"] == "holygrail-1.0+local.1-py3-none-any.whl"
    assert "/releases/download/holygrail-1.0%2Blocal.1-py3-none-any.whl/" in wheel["url"]
    assert wheel["url"].endswith("/holygrail-1.0%2Blocal.1-py3-none-any.whl")
    assert (wheel["requires-python"], "core-metadata" in wheel) == (">=3.11", False)
    assert f"#sha256={wheel['hashes']['sha256']}" in (site / "holygrail" / "index.html").read_text()


def test_a_private_repositorys_names_come_with_a_warning(
    fake: FakeGitHub, publish: Publish, reader: Token, tmp_path: Path, site: Path
) -> None:
    publish()
    result = generate(fake, reader, site)
    assert result.exit_code == 0
    assert result.stderr.startswith("warning: acme/packages is private.")


def test_it_reads_only(fake: FakeGitHub, repository: Repository, publish: Publish, writer: Token, site: Path) -> None:
    published = repository.release(publish().filename)
    assert published is not None
    # An upload that died, and that a synchronisation would clear away.
    fake.add_release(repository, "holygrail-2.0-py3-none-any.whl", body=published.body or "", draft=True)
    fake.clock.advance(2 * 3600)
    with fake.calls.during() as calls:
        assert generate(fake, writer, site).exit_code == 0
    assert {call.method for call in calls} == {"GET"}
    assert len(calls) <= 4
    assert read(site, "holygrail")["versions"] == ["1.0"]


def test_what_is_yanked_deleted_or_quarantined_is_shown_as_it_is(
    fake: FakeGitHub, storage: GitHubStorage, publish: Publish, reader: Token, tmp_path: Path, site: Path
) -> None:
    storage.update_file(replace(publish(version="1.0"), yanked="lost"))
    storage.delete_file(publish(version="2.0"))
    publish("evil")
    storage.update_project(ProjectState(name=normalise("evil"), status=ProjectStatus.QUARANTINED))
    assert generate(fake, reader, site).exit_code == 0
    assert [(file["filename"], file["yanked"]) for file in read(site, "holygrail")["files"]] == [
        ("holygrail-1.0-py3-none-any.whl", "lost")
    ]
    assert (read(site, "evil")["files"], read(site, "evil")["project-status"]) == ([], {"status": "quarantined"})


def test_a_file_that_github_renamed_is_left_out_and_said(
    fake: FakeGitHub, publish: Publish, reader: Token, tmp_path: Path, site: Path
) -> None:
    publish("epoch", "1!2.0")
    result = generate(fake, reader, site)
    assert result.exit_code == 0
    assert "epoch-1!2.0-py3-none-any.whl is left out, as its address on GitHub names it epoch-1.2.0-" in result.stderr
    assert not (site / "epoch").exists()


def test_an_old_site_is_not_written_over(fake: FakeGitHub, reader: Token, site: Path) -> None:
    site.mkdir()
    (site / "old").write_text("")
    result = generate(fake, reader, site)
    assert (result.exit_code, "is not empty" in result.stderr) == (2, True)
    assert not fake.calls.operations


def test_a_stranger_gets_one_sentence_and_no_site(fake: FakeGitHub, repository: Repository, site: Path) -> None:
    result = generate(fake, fake.token("stranger"), site)
    assert result.exit_code == 1
    assert result.stderr == "Error: GitHub shows this token no such repository, or does not let it do this.\n"
    assert not site.exists()
