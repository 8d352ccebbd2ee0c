"""``pywharf export`` and ``pywharf verify`` of a repository whose files lie in releases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from github_backend.command import PLUGINS, run
from github_backend.dying_store import run_dying
from github_fake import FakeGitHub, Repository, Token
from github_fake.world import Asset
from pywharf_core import changes
from pywharf_core.config import load_configuration
from pywharf_core.filenames import normalise
from pywharf_core.repository import Repository as PackageRepository
from pywharf_core.root import Root
from pywharf_core.testing import make_upload
from pywharf_core.wharf import Wharf
from pywharf_github.storage import GitHubStorage

WHEEL = "holygrail-1.0-py3-none-any.whl"
SDIST = "holygrail-2.0.tar.gz"
HOUR = 3600


@pytest.fixture
def root(fake: FakeGitHub, repository: Repository, writer: Token, tmp_path: Path) -> Path:
    """With the secret of somebody who may write."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "config.toml").write_text(
        f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\napi_url = "{fake.api_url}"\n'
    )
    (root / "admin_secret.toml").write_text(f'[acme]\ntype = "github"\nraw = "{writer.value}"\n')
    return root


@contextmanager
def opened(root: Path) -> Iterator[PackageRepository]:
    texts = [(root / name).read_text() for name in ("config.toml", "admin_secret.toml")]
    with Wharf.open(load_configuration(texts[0], texts[1], PLUGINS), Root(root)) as wharf:
        repository = wharf.repositories["acme"]
        repository.synchronise()
        yield repository


@pytest.fixture
def published(root: Path, tmp_path: Path) -> Path:
    """ROOT with a yanked wheel that has provenance, an sdist, and a deleted file."""
    with opened(root) as repository:
        grail = normalise("holygrail")
        changes.publish(
            repository, *make_upload(tmp_path / "made", provenance=b'{"version": 1}', requires_python=">=3.8")
        )
        changes.yank(repository, grail, "1.0", "Loses data")
        changes.publish(repository, *make_upload(tmp_path / "made", version="2.0", sdist=True, padding=400_000))
        changes.publish(repository, *make_upload(tmp_path / "made", version="3.0"))
        changes.delete(repository, grail, version="3.0")
    return root


def test_everything_is_exported_and_a_second_time_nothing_is_fetched(
    fake: FakeGitHub, published: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    result = run("export", "acme", folder, "--root", published, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["copied"] == 2
    page = json.loads((folder / "holygrail" / "index.json").read_bytes())
    assert {file["filename"]: file["yanked"] for file in page["files"]} == {WHEEL: "Loses data", SDIST: False}
    for file in page["files"]:
        content = (folder / "holygrail" / file["filename"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"]
    assert (folder / "holygrail" / f"{WHEEL}.provenance").read_bytes() == b'{"version": 1}'
    assert [it["filename"] for it in page["_pywharf"]["deleted"]] == ["holygrail-3.0-py3-none-any.whl"]
    with fake.calls.during() as calls:
        assert json.loads(run("export", "acme", folder, "--root", published, "--json").stdout)["there"] == 2
    assert not [call for call in calls if "asset" in call.operation], "what is there is not asked for"
    assert fake.tokens_at_storage == []


def test_a_static_index_has_the_files_and_metadata(published: Path, tmp_path: Path) -> None:
    result = run("export", "acme", tmp_path / "site", "--simple", "--root", published)
    assert result.exit_code == 0, result.output
    names = {path.name for path in (tmp_path / "site" / "holygrail").iterdir()}
    assert names == {"index.html", "index.json", WHEEL, f"{WHEEL}.metadata", SDIST, f"{SDIST}.metadata"}


def test_an_export_waits_when_github_asks_for_it(fake: FakeGitHub, published: Path, tmp_path: Path) -> None:
    fake.faults.next(
        "GET /repos/{owner}/{repo}/releases/assets/{asset_id}",
        status=429,
        message="Too fast",
        headers={"retry-after": "1"},
    )
    result = run("export", "acme", tmp_path / "backup", "--root", published)
    assert result.exit_code == 0, result.output
    assert "waiting 1 second: " in result.stderr


def test_a_repository_without_fault_has_no_findings(published: Path) -> None:
    for flags in ([], ["--repair"]):
        result = run("verify", "acme", "--root", published, "--json", *flags)
        assert (result.exit_code, json.loads(result.stdout)["findings"]) == (0, [])
    assert json.loads(result.stdout)["files"] == 2


def kinds(*flags: object) -> list[tuple[str, str, bool]]:
    report = json.loads(run("verify", "acme", "--json", *flags).stdout)
    return [(finding["kind"], finding["name"], finding["repaired"]) for finding in report["findings"]]


def test_bytes_that_github_s_storage_damaged_are_found(repository: Repository, published: Path) -> None:
    asset = _asset(repository, SDIST)
    asset.content = b"\0" + asset.content[1:]  # what GitHub says of it stays
    assert kinds("--root", published) == [("damaged", SDIST, False)]
    assert kinds("--root", published, "--repair") == [("damaged", SDIST, False)]


def test_an_asset_that_somebody_replaced_is_found(repository: Repository, published: Path) -> None:
    asset = _asset(repository, SDIST)
    asset.content = b"another"
    asset.digest = f"sha256:{hashlib.sha256(asset.content).hexdigest()}"
    found = kinds("--root", published)
    assert ("refused", SDIST, False) in found
    assert {name for _, name, _ in found} == {SDIST}


def test_a_release_that_somebody_removed_leaves_the_index_by_a_repair(
    fake: FakeGitHub, repository: Repository, published: Path
) -> None:
    del repository.releases[_release(repository, SDIST)]
    assert kinds("--root", published) == [("missing", SDIST, False)]
    assert kinds("--root", published, "--repair") == [("missing", SDIST, True)]
    assert kinds("--root", published) == []
    with opened(published) as after:
        assert [file.filename for file in after.project_page(normalise("holygrail"))[0].files] == [WHEEL]


def test_what_nobody_told_the_index_of_is_listed_by_a_repair_for_all_servers(
    storage: GitHubStorage, published: Path, tmp_path: Path, root: Path
) -> None:
    run("update_index", "github", "acme", *_flags(root))
    file, staged = make_upload(tmp_path / "more", version="4.0")
    storage.add_file(file, staged)
    assert kinds("--root", published) == [("unlisted", file.filename, False)]
    assert kinds("--root", published, "--repair") == [("unlisted", file.filename, True)]
    assert kinds("--config", root / "config.toml", "--admin_secret", root / "admin_secret.toml") == []


def test_drafts_of_dead_uploads_are_found_and_swept(
    fake: FakeGitHub, repository: Repository, storage: GitHubStorage, published: Path, tmp_path: Path
) -> None:
    file, staged = make_upload(tmp_path / "more", version="4.0")
    assert run_dying(lambda: storage.add_file(file, staged), dying_at=3)
    assert kinds("--root", published) == [], "it may be somebody's who is at it"
    fake.clock.advance(2 * HOUR)
    assert kinds("--root", published) == [("unfinished", file.filename, False)]
    assert len(repository.drafts()) == 1
    assert kinds("--root", published, "--repair") == [("unfinished", file.filename, True)]
    assert not repository.drafts()


def _release(repository: Repository, tag: str) -> int:
    return next(number for number, release in repository.releases.items() if release.tag_name == tag)


def _asset(repository: Repository, name: str) -> Asset:
    assets = repository.releases[_release(repository, name)].assets
    return next(asset for asset in assets.values() if asset.name == name)


def _flags(root: Path) -> list[str]:
    lines = dict(line.split(" = ") for line in (root / "config.toml").read_text().splitlines() if " = " in line)
    secret = (root / "admin_secret.toml").read_text().splitlines()[-1].split(" = ")[1]
    values = {name: lines[name].strip('"') for name in ("owner", "repo", "api_url")}
    return [*(word for name, value in values.items() for word in (f"--{name}", value)), "--secret", secret.strip('"')]
