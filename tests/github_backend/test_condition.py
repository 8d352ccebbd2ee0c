"""``pywharf check`` on a GitHub repository: what it shows of the token, of limits and of releases, and what it says when
it is bad."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from github_backend.command import run
from github_backend.opened import Opened
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import Condition, NotAuthenticated, NotPermitted, StorageUnavailable
from pywharf_core.testing import make_upload
from pywharf_github.storage import GitHubStorage

WRITE = {"acme/packages": "write"}


def check(fake: FakeGitHub, folder: Path, token: Token | None, *flags: str) -> Result:
    root = folder / "root"
    root.mkdir(exist_ok=True)
    (root / "config.toml").write_text(
        f'[acme]\ntype = "github"\nowner = "acme"\nrepo = "packages"\napi_url = "{fake.api_url}"\n'
    )
    if token is not None:
        (root / "admin_secret.toml").write_text(f'[acme]\ntype = "github"\nraw = "{token.value}"\n')
    return run("check", "--root", root, *flags)


def facts_of(fake: FakeGitHub, opened: Opened, **token: Any) -> dict[str, object]:
    return dict(opened.storage(fake.token("someone", **{"rights": WRITE, **token})).condition().facts)


# --- what is shown ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("repository")
def test_check_shows_the_token_its_limit_and_the_releases(
    fake: FakeGitHub, writer: Token, storage: GitHubStorage, tmp_path: Path
) -> None:
    storage.add_file(*make_upload(tmp_path))
    writer.expires_at = fake.clock.now() + 40 * 86400
    result = check(fake, tmp_path, writer)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    lines = [line.split(maxsplit=1) for line in result.stdout.splitlines()]
    assert lines[1][0] == "acme"
    assert re.fullmatch(r"github  yes {8}write  1 {6}0 {8}\d+ seconds?", lines[1][1])
    shown = dict(line[1].split("  ", 1) for line in lines[4:] if line)
    shown = {name: value.strip() for name, value in shown.items()}
    assert shown.pop("rate limit left").isdecimal()
    ends = datetime.fromtimestamp(writer.expires_at, UTC)
    reset = datetime.fromtimestamp(fake.limits.of(writer).reset, UTC)
    assert shown == {
        "repository": "acme/packages, private",
        "token": "classic personal access token",
        "scopes": "repo, workflow",
        "token expires at": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "rate limit": "5000",
        "rate limit resets at": f"{reset:%Y-%m-%dT%H:%M:%SZ}",
        "releases": "1",
        "changes waiting": "0",
    }
    assert writer.value not in result.output


def test_a_program_gets_the_same(fake: FakeGitHub, writer: Token, storage: GitHubStorage, tmp_path: Path) -> None:
    storage.add_file(*make_upload(tmp_path))
    result = check(fake, tmp_path, writer, "--json")
    [finding] = json.loads(result.stdout)
    assert (finding["right"], finding["facts"]["releases"], finding["warnings"]) == ("write", 1, [])
    assert finding["facts"]["rate_limit"] == 5000
    assert writer.value not in result.output


KINDS: dict[str, tuple[dict[str, Any], str]] = {
    "classic": ({}, "classic personal access token"),
    "fine-grained": ({"kind": "fine_grained"}, "fine-grained personal access token"),
    "installation": ({"kind": "installation"}, "installation token of a GitHub App, which ends after an hour"),
    "job": ({"kind": "actions"}, "GITHUB_TOKEN of an Actions job, which ends with the job"),
}


@pytest.mark.parametrize(("token", "kind"), KINDS.values(), ids=list(KINDS))
@pytest.mark.usefixtures("repository")
def test_the_kind_of_token_is_named(fake: FakeGitHub, opened: Opened, token: dict[str, Any], kind: str) -> None:
    facts = facts_of(fake, opened, **token)
    assert facts["token"] == kind
    assert ("scopes" in facts) is (kind == KINDS["classic"][1])


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("0123456789abcdef" * 2 + "01234567", "classic personal access token"),
        ("x" * 30, "of a kind that is not known here"),
    ],
)
@pytest.mark.usefixtures("repository")
def test_a_token_without_a_prefix_is_an_old_one_or_unknown(
    fake: FakeGitHub, opened: Opened, text: str, kind: str
) -> None:
    token = fake.token("someone", rights=WRITE)
    token.value = text
    fake.world.tokens[text] = token
    assert opened.storage(token).condition().facts["token"] == kind


@pytest.mark.usefixtures("repository")
def test_it_costs_two_requests_whatever_the_size(
    fake: FakeGitHub, repository: Repository, storage: GitHubStorage
) -> None:
    for number in range(250):
        fake.add_release(repository, f"a-{number}.tar.gz", b"x")
    with fake.calls.during() as calls:
        assert storage.condition().facts["releases"] == 250
    assert len(calls) == 2


def test_an_empty_repository_has_no_releases(fake: FakeGitHub, opened: Opened, repository: Repository) -> None:
    assert facts_of(fake, opened)["releases"] == 0


def test_a_public_repository_can_be_looked_at_without_a_token(fake: FakeGitHub, opened: Opened) -> None:
    fake.repo("acme/packages").private = False
    facts = opened.storage(None).condition().facts
    assert (facts["repository"], facts["token"], facts["rate_limit"]) == ("acme/packages, public", "none", 60)


# --- warnings -------------------------------------------------------------------------------------------------


def one_warning(condition: Condition) -> str:
    [warning] = condition.warnings
    return warning


def test_from_nine_thousand_releases_on_it_is_warned(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    tags = fake.add_release(repository, "a-0.tar.gz", b"x")
    for number in range(1, 8_999):
        repository.releases[-number] = tags
    assert not storage.condition().warnings
    repository.releases[-9_000] = tags
    condition = storage.condition()
    assert condition.facts["releases"] == 9_000
    assert "has 9000 releases" in one_warning(condition)
    assert "Begin a second repository" in one_warning(condition)


def test_a_token_that_ends_soon_is_warned_of(fake: FakeGitHub, storage: GitHubStorage, writer: Token) -> None:
    writer.expires_at = fake.clock.now() + 15 * 86400
    assert not storage.condition().warnings
    fake.clock.advance(2 * 86400)
    assert one_warning(storage.condition()).startswith("The token ends at 2")
    fake.clock.advance(14 * 86400)
    with pytest.raises(NotAuthenticated, match="expired"):
        storage.condition()


def test_a_rate_limit_that_is_nearly_used_up_is_warned_of(
    fake: FakeGitHub, storage: GitHubStorage, writer: Token
) -> None:
    fake.limits.of(writer).used = 4_600
    assert one_warning(storage.condition()).startswith("Only 398 of 5000 requests of this hour are left")


def test_an_archived_and_a_renamed_repository_are_warned_of(
    fake: FakeGitHub, storage: GitHubStorage, repository: Repository
) -> None:
    repository.archived = True
    assert "archived" in one_warning(storage.condition())
    repository.archived = False
    fake.rename_repo("acme/packages", "wheels")
    assert "is called acme/wheels now" in one_warning(storage.condition())


# --- bad ones -------------------------------------------------------------------------------------------------

Spoil = Callable[[FakeGitHub, Token], object]


def revoke(fake: FakeGitHub, token: Token) -> None:
    token.revoke()


def expire(fake: FakeGitHub, token: Token) -> None:
    token.expires_at = fake.clock.now() - 1


def hide(fake: FakeGitHub, token: Token) -> None:
    fake.grant("writer", "acme/packages", "none")


def remove(fake: FakeGitHub, token: Token) -> None:
    fake.delete_repo("acme/packages")


def demand_single_sign_on(fake: FakeGitHub, token: Token) -> None:
    token.single_sign_on_missing = True


def exhaust(fake: FakeGitHub, token: Token) -> None:
    fake.limits.exhaust(token, for_seconds=600)


def break_down(fake: FakeGitHub, token: Token) -> None:
    fake.faults.next("*", status=503, times=0)


BAD: dict[str, tuple[Spoil, str]] = {
    "revoked": (
        revoke,
        "GitHub does not accept this token (Bad credentials); it is wrong, expired or revoked: make a new one and "
        "configure that.",
    ),
    "expired": (expire, "it is wrong, expired or revoked: make a new one"),
    "no right": (
        hide,
        "GitHub shows this token no repository acme/packages: there is none of that name, or the token has no right to read "
        "it; look at owner and repo, and at what the token was granted.",
    ),
    "no repository": (remove, "GitHub shows this token no repository acme/packages: there is none of that name"),
    "single sign-on": (
        demand_single_sign_on,
        "The organisation of acme/packages wants this token authorised for its single sign-on first at "
        "https://example.test/sso.",
    ),
    "rate limit": (
        exhaust,
        "GitHub's rate limit is reached (API rate limit exceeded for user ID writer); try again in ",
    ),
    "GitHub is down": (break_down, "GitHub does not work right now (status 503)."),
}


@pytest.mark.parametrize(("spoil", "sentence"), BAD.values(), ids=list(BAD))
@pytest.mark.usefixtures("repository")
def test_check_says_what_is_wrong_and_what_to_do(
    fake: FakeGitHub, writer: Token, tmp_path: Path, spoil: Spoil, sentence: str
) -> None:
    spoil(fake, writer)
    result = check(fake, tmp_path, writer)
    assert result.exit_code == 1
    assert result.stderr.startswith("acme: ")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert writer.value not in result.output
    fake.faults.clear()


@pytest.mark.usefixtures("repository")
def test_check_without_an_admin_secret_says_that_one_is_wanted(fake: FakeGitHub, tmp_path: Path) -> None:
    result = check(fake, tmp_path, None)
    assert result.exit_code == 1
    assert (
        "Without a token GitHub shows no repository acme/packages: configure an admin secret for it." in result.stderr
    )


@pytest.mark.usefixtures("repository")
def test_what_cannot_be_a_token_is_not_sent(fake: FakeGitHub, opened: Opened, writer: Token) -> None:
    writer.value = "two words"
    with pytest.raises(NotAuthenticated, match="not a GitHub token"):
        opened.storage(writer).condition()
    assert not len(fake.calls)


@pytest.mark.usefixtures("repository")
def test_other_refusals_are_told_in_github_s_words(fake: FakeGitHub, storage: GitHubStorage) -> None:
    fake.faults.next("GET /repos/{o}/{r}", status=403, message="Repository access blocked")
    with pytest.raises(NotPermitted, match="Repository access blocked"):
        storage.condition()
    fake.faults.secondary_limit("GET /repos/{o}/{r}", retry_after=1200)
    with pytest.raises(StorageUnavailable, match="try again in 20 minutes"):
        storage.condition()
