"""``pywharf github.init_pkg_repo``: from nothing, again after an interruption, and where GitHub says no."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from github_backend.command import PLUGINS, run
from github_backend.job import run_steps
from github_fake import FakeGitHub, Repository, Token
from pywharf_core import Secret
from pywharf_core.config import load_configuration
from pywharf_core.testing import make_upload, make_wheel
from pywharf_github.options import GitHubOptions
from pywharf_github.storage import GitHubStorage
from pywharf_github.workflow import OLD_WORKFLOW, WORKFLOW

StorageOf = Callable[[Repository, Token], GitHubStorage]

NAMED = ("--name", "acme-packages", "--repo", "packages")
PUT = "PUT /repos/{o}/{r}/contents/{p}"


@pytest.fixture
def fake() -> Iterator[FakeGitHub]:
    with FakeGitHub.running() as fake:
        fake.add_organization("acme", members=("maker",))
        yield fake


@pytest.fixture
def maker(fake: FakeGitHub) -> Token:
    return fake.token("maker")


@pytest.fixture
def storage_of(fake: FakeGitHub, tmp_path: Path) -> Iterator[StorageOf]:
    """A storage on a repository, as a server has it."""
    with ExitStack() as stack:

        def opening(repository: Repository, token: Token) -> GitHubStorage:
            options = GitHubOptions(owner=repository.owner, repo=repository.name, api_url=fake.api_url)
            storage = GitHubStorage.on(options, tmp_path / "work")
            stack.enter_context(closing(storage))
            return storage.acting_as(Secret(token.value))

        yield opening


def init(
    fake: FakeGitHub, token: Token, *more: object, owner: str | None = "acme", **environment: str | None
) -> Result:
    owned = () if owner is None else ("--owner", owner)
    flags = (*NAMED, *owned, "--token", token.value, "--api_url", fake.api_url, *more)
    return run("github.init_pkg_repo", *flags, **{"PYWHARF_ADMIN_TOKEN": None, **environment})


def workflow(fake: FakeGitHub, full_name: str = "acme/packages") -> dict[str, object]:
    text = fake.repo(full_name).file(WORKFLOW)
    assert text is not None
    parsed: dict[str, object] = yaml.load(text, yaml.BaseLoader)
    return parsed


# --- from nothing --------------------------------------------------------------------------------------------


def test_an_organisation_gets_a_private_repository_with_the_workflow(fake: FakeGitHub, maker: Token) -> None:
    result = init(fake, maker)
    assert result.exit_code == 0, result.output
    repository = fake.repo("acme/packages")
    assert repository.private
    assert repository.file(WORKFLOW) is not None
    assert result.stderr == (
        "done: create the private GitHub repository acme/packages\n"
        "done: write the workflow .github/workflows/update_index.yml\n"
    )


def test_without_an_owner_the_repository_is_the_tokens_users(fake: FakeGitHub, maker: Token) -> None:
    result = init(fake, maker, owner=None)
    assert result.exit_code == 0, result.output
    assert fake.repo("maker/packages").private
    assert load_configuration(result.stdout, None, PLUGINS)["acme-packages"].storage_options.owner == "maker"  # type: ignore[attr-defined]  # GitHubOptions


def test_public_is_public_only_when_it_is_asked_for(fake: FakeGitHub, maker: Token) -> None:
    assert init(fake, maker, "--public").exit_code == 0
    assert not fake.repo("acme/packages").private


def test_the_printed_configuration_is_one_file_that_loads(fake: FakeGitHub, maker: Token) -> None:
    private = ("--private", "acme-*", "--private", "holygrail")
    more = ("--branch", "index", "--index_filename", "a/b.toml", "--sync_index_interval", "7.5")
    result = init(fake, maker, *private, *more)
    configuration = load_configuration(result.stdout, None, PLUGINS)["acme-packages"]
    assert (configuration.sync_index_interval, configuration.private) == (7.5, ("acme-*", "holygrail"))
    options = vars(configuration.storage_options)
    assert (options["owner"], options["repo"], options["branch"]) == ("acme", "packages", "index")
    assert (options["index_filename"], options["api_url"]) == ("a/b.toml", fake.api_url)


def test_a_root_gets_a_configuration_that_works_with_the_servers_own_token(
    fake: FakeGitHub, maker: Token, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    assert init(fake, maker, "--root", root).exit_code == 0
    monkeypatch.setenv("PYWHARF_ADMIN_TOKEN", "known")
    config, admin_secret = root / "config.toml", root / "admin_secret.toml"
    loaded = load_configuration(config.read_text(), admin_secret.read_text(), PLUGINS)["acme-packages"]
    assert loaded.admin_secret is not None
    assert loaded.admin_secret.reveal() == "known"
    assert stat.S_IMODE(admin_secret.stat().st_mode) == 0o600
    assert maker.value not in config.read_text() + admin_secret.read_text()


def test_a_root_that_has_a_configuration_keeps_it_and_nothing_is_made(
    fake: FakeGitHub, maker: Token, tmp_path: Path
) -> None:
    (tmp_path / "config.toml").write_text("mine")
    result = init(fake, maker, "--root", tmp_path)
    assert result.exit_code == 1
    assert "exists already and is not overwritten" in result.stderr
    assert (tmp_path / "config.toml").read_text() == "mine"
    assert not fake.calls.operations


def test_a_branch_that_is_not_there_is_made(fake: FakeGitHub, maker: Token) -> None:
    result = init(fake, maker, "--branch", "index/of packages".replace(" ", "-"))
    assert result.exit_code == 0, result.output
    repository = fake.repo("acme/packages")
    assert "refs/heads/index/of-packages" in repository.git.refs
    assert repository.file(WORKFLOW) is not None, "workflows count on the default branch only"
    assert "done: make the branch index/of-packages for the index\n" in result.stderr


def test_a_repository_without_a_commit_gets_its_first(fake: FakeGitHub, maker: Token) -> None:
    fake.add_repo("acme", "packages", auto_init=False, collaborators={"maker": "admin"})
    assert init(fake, maker, "--branch", "index", "--dry_run").exit_code == 0
    result = init(fake, maker, "--branch", "index")
    assert result.exit_code == 0, result.output
    assert "refs/heads/index" in fake.repo("acme/packages").git.refs


# --- again, and not at all -----------------------------------------------------------------------------------


def test_a_second_run_finds_everything_and_writes_nothing(fake: FakeGitHub, maker: Token) -> None:
    more = ("--branch", "index", "--enable_gh_pages")
    first = init(fake, maker, *more)
    with fake.calls.during() as calls:
        second = init(fake, maker, *more)
    assert second.exit_code == 0, second.output
    assert {call.method for call in calls} == {"GET"}
    assert second.stdout == first.stdout
    done = [line for line in second.stderr.splitlines() if not line.startswith("warning: ")]
    assert [line.partition(":")[0] for line in done] == ["already"] * 4


@pytest.mark.parametrize("effect", ["refused", "done, and the answer lost"])
@pytest.mark.parametrize(
    "step", ["POST /orgs/{org}/repos", PUT, "POST /repos/{o}/{r}/git/refs", "POST /repos/{o}/{r}/pages"]
)
def test_a_run_that_was_interrupted_is_taken_up_by_the_next(
    fake: FakeGitHub, maker: Token, step: str, effect: str
) -> None:
    more = ("--branch", "index", "--enable_gh_pages")
    if effect == "refused":
        fake.faults.next(step, status=502)
    else:
        fake.faults.next(step, lose_answer=True)
    failed = init(fake, maker, *more)
    assert failed.exit_code == 1
    assert failed.stderr.splitlines()[-1].startswith("Error: GitHub does not ")
    assert not failed.stdout, "a configuration of what is not there"
    assert init(fake, maker, *more).exit_code == 0
    repository = fake.repo("acme/packages")
    assert repository.file(WORKFLOW) is not None
    assert "refs/heads/index" in repository.git.refs
    assert repository.pages is not None


def test_a_rehearsal_asks_and_changes_nothing(fake: FakeGitHub, maker: Token, tmp_path: Path) -> None:
    more = ("--branch", "index", "--enable_gh_pages", "--root", tmp_path / "root", "--dry_run")
    result = init(fake, maker, *more)
    assert result.exit_code == 0, result.output
    assert {call.method for call in fake.calls} == {"GET"}
    assert not (tmp_path / "root").exists()
    assert result.stderr.splitlines()[1:] == [
        "would create the private GitHub repository acme/packages",
        "would write the workflow .github/workflows/update_index.yml",
        "would make the branch index for the index",
        "would switch on GitHub Pages",
    ]
    load_configuration(result.stdout, None, PLUGINS)


def test_another_workflow_is_wanted_now_so_it_is_renewed(fake: FakeGitHub, maker: Token) -> None:
    init(fake, maker)
    result = init(fake, maker, "--pywharf_version", "1.0.0")
    assert "done: renew the workflow .github/workflows/update_index.yml\n" in result.stderr
    assert "pywharf[github]==1.0.0" in str(workflow(fake))


def test_the_workflow_never_installs_the_old_pywharf(fake: FakeGitHub, maker: Token) -> None:
    init(fake, maker)
    assert "pywharf[github]>=1.0" in str(workflow(fake))


def test_somebody_elses_workflow_of_that_name_is_left_alone(fake: FakeGitHub, maker: Token) -> None:
    repository = fake.add_repo("acme", "packages", collaborators={"maker": "admin"})
    fake.put_file(repository, WORKFLOW, b"on: push\n")
    result = init(fake, maker)
    assert (result.exit_code, repository.file(WORKFLOW)) == (1, b"on: push\n")
    assert "rename it" in result.stderr


def test_the_workflow_of_0_2_is_pointed_out(fake: FakeGitHub, maker: Token) -> None:
    repository = fake.add_repo("acme", "packages", collaborators={"maker": "admin"})
    fake.put_file(repository, OLD_WORKFLOW, b"args: >-\n  update_index\n  --type github\n")
    result = init(fake, maker)
    assert result.exit_code == 0
    assert "main.yml is the workflow of pywharf 0.2, which writes over the index; remove it." in result.stderr


# --- where it cannot be --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("private", "flags"), [(True, ["--public"]), (False, [])])
def test_a_repository_of_the_other_visibility_is_not_touched(
    fake: FakeGitHub, maker: Token, private: bool, flags: list[str]
) -> None:
    fake.add_repo("acme", "packages", private=private, collaborators={"maker": "admin"})
    result = init(fake, maker, *flags)
    assert result.exit_code == 1
    assert f"exists and is {'private' if private else 'public'}" in result.stderr
    assert {call.method for call in fake.calls} == {"GET"}


def test_an_archived_repository_is_refused(fake: FakeGitHub, maker: Token) -> None:
    fake.add_repo("acme", "packages", collaborators={"maker": "admin"}).archived = True
    result = init(fake, maker)
    assert (result.exit_code, "is archived; unarchive it" in result.stderr) == (1, True)


def test_a_renamed_repository_is_named(fake: FakeGitHub, maker: Token) -> None:
    fake.add_repo("acme", "packages", collaborators={"maker": "admin"})
    fake.rename_repo("acme/packages", "wheels")
    result = init(fake, maker)
    assert (result.exit_code, "acme/packages is acme/wheels now" in result.stderr) == (1, True)


def test_a_token_without_the_workflow_right_is_told_which_it_needs(fake: FakeGitHub) -> None:
    result = init(fake, fake.token("maker", scopes={"repo"}))
    assert result.exit_code == 1
    assert "a classic token needs the scopes repo and workflow" in result.stderr


def test_a_fine_grained_token_is_told_the_permission_too(fake: FakeGitHub) -> None:
    fake.add_repo("acme", "packages", collaborators={"maker": "admin"})
    token = fake.token(
        "narrow",
        kind="fine_grained",
        login="maker",
        rights={"acme/packages": "admin"},
        permissions={"contents": "write"},
    )
    result = init(fake, token)
    assert result.exit_code == 1
    assert "Resource not accessible by personal access token" in result.stderr
    assert "Workflows: write" in result.stderr


def test_an_apps_token_needs_an_owner_and_then_makes_the_repository(fake: FakeGitHub) -> None:
    permissions = {"contents": "write", "administration": "write", "workflows": "write"}
    token = fake.token("app", kind="installation", permissions=permissions)
    told = init(fake, token, owner=None)
    assert (told.exit_code, told.stderr) == (1, "Error: This token belongs to no user; give --owner.\n")
    result = init(fake, token)
    assert result.exit_code == 0, result.output
    assert fake.repo("acme/packages").private


def test_an_unknown_token_is_one_sentence(fake: FakeGitHub, maker: Token) -> None:
    maker.revoke()
    for owner in ("acme", None):
        result = init(fake, maker, owner=owner)
        assert result.exit_code == 1
        assert (
            result.stderr
            == "Error: GitHub does not accept this token (Bad credentials); it is wrong, expired or revoked.\n"
        )


def test_what_is_no_token_is_not_sent(fake: FakeGitHub) -> None:
    for owner in (("--owner", "acme"), ()):
        result = run("github.init_pkg_repo", *NAMED, *owner, "--token", "two words", "--api_url", fake.api_url)
        assert (result.exit_code, result.stderr) == (1, "Error: This is not a GitHub token.\n")
    assert not fake.calls.operations


def test_an_owner_that_is_nobody_is_named(fake: FakeGitHub, maker: Token) -> None:
    result = init(fake, maker, owner="nobody")
    assert (result.exit_code, "GitHub knows no organisation nobody" in result.stderr) == (1, True)


def test_a_repository_that_the_token_does_not_see_is_told_of(fake: FakeGitHub) -> None:
    fake.add_repo("acme", "packages", collaborators={"maker": "admin"})
    fake.add_repo("acme", "other", collaborators={"maker": "admin"})
    permissions = {"contents": "write", "administration": "write"}
    token = fake.token(
        "narrow", kind="fine_grained", login="maker", rights={"acme/other": "admin"}, permissions=permissions
    )
    result = init(fake, token)
    assert (result.exit_code, "exists, but this token does not see it" in result.stderr) == (1, True)


def test_a_rate_limit_is_not_taken_for_a_missing_right(fake: FakeGitHub, maker: Token) -> None:
    fake.faults.secondary_limit(PUT)
    result = init(fake, maker)
    assert (result.exit_code, "GitHub's rate limit is reached" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--name", "Acme Packages"], "Acme Packages"),
        (["--repo", "a/b"], "repo"),
        (["--branch", "a..b"], "branch"),
        (["--index_filename", "/etc/x"], "index_filename"),
        (["--api_url", "ftp://x"], "api_url"),
        (["--sync_index_interval", "0"], "sync_index_interval"),
        (["--private", "acme *"], "private"),
        (["--pywharf_version", "newest"], "pywharf_version"),
    ],
)
def test_wrong_flags_are_told_before_anything_is_asked(
    fake: FakeGitHub, maker: Token, flags: list[str], said: str
) -> None:
    result = init(fake, maker, *flags)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not fake.calls.operations


# --- publishing at once ---------------------------------------------------------------------------------------


def test_files_are_published_right_away(fake: FakeGitHub, maker: Token, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist", "holygrail", "1.0")
    flags = ("--root", tmp_path / "root", "--import", tmp_path / "dist")
    result = init(fake, maker, *flags, PYWHARF_ADMIN_TOKEN=maker.value)
    assert result.exit_code == 0, result.output
    assert "1 file (" in result.stderr
    assert load_configuration(result.stdout, None, PLUGINS), "standard output is the configuration, and nothing else"
    assert [release.tag_name for release in fake.repo("acme/packages").releases.values()] == [wheel.name]


def test_a_file_that_is_refused_is_told_and_the_rest_is_done(fake: FakeGitHub, maker: Token, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "dist", "holygrail", "1.0")
    (tmp_path / "dist" / "swallow-1.0.tar.gz").write_bytes(b"no archive")
    flags = ("--root", tmp_path / "root", "--import", tmp_path / "dist")
    result = init(fake, maker, *flags, PYWHARF_ADMIN_TOKEN=maker.value)
    assert result.exit_code == 1
    assert "swallow-1.0.tar.gz" in result.stderr
    assert [release.tag_name for release in fake.repo("acme/packages").releases.values()] == [wheel.name]
    assert (tmp_path / "root" / "config.toml").exists()


def test_publishing_at_once_wants_a_root_a_token_and_files_before_anything_is_done(
    fake: FakeGitHub, maker: Token, tmp_path: Path
) -> None:
    root = ("--root", tmp_path / "root")
    known = {"PYWHARF_ADMIN_TOKEN": maker.value}
    for flags, environment, said in (
        (("--import", tmp_path), known, "--import goes with --root"),
        ((*root, "--import", tmp_path), {}, "put it into PYWHARF_ADMIN_TOKEN"),
        ((*root, "--import", tmp_path / "none"), known, "none does not exist"),
    ):
        result = init(fake, maker, *flags, **environment)
        assert result.exit_code == 2
        assert said in result.stderr
    assert not fake.calls.operations
    assert not (tmp_path / "root").exists()


# --- where the token and the address come from ----------------------------------------------------------------


def test_the_token_comes_from_standard_input_or_the_environment(fake: FakeGitHub, maker: Token) -> None:
    flags = ("github", "init-pkg-repo", *NAMED, "--owner", "acme", "--dry-run")
    for stdin, more, variable in (
        (f"{maker.value}\n", ("--token", "-"), {}),
        (None, (), {"PYWHARF_TOKEN": maker.value}),
        (None, (), {"GITHUB_TOKEN": maker.value}),
    ):
        result = run(*flags, *more, stdin=stdin, GITHUB_API_URL=fake.api_url, **variable)
        assert result.exit_code == 0, result.output
        assert maker.value not in result.output
    assert {call.token for call in fake.calls} == {"maker"}


def test_the_environment_alone_can_name_the_command(fake: FakeGitHub, maker: Token) -> None:
    command = {
        "PYWHARF_COMMAND": "github.init_pkg_repo",
        "PYWHARF_COMMAND_NAME": "acme-packages",
        "PYWHARF_COMMAND_REPO": "packages",
        "PYWHARF_COMMAND_OWNER": "acme",
        "PYWHARF_COMMAND_API_URL": fake.api_url,
        "PYWHARF_COMMAND_DRY_RUN": "true",
        "PYWHARF_TOKEN": maker.value,
    }
    pywharf = Path(sys.executable).with_name("pywharf")
    done = subprocess.run([pywharf], env=command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("would create the private GitHub repository acme/packages\n")


# --- the workflow --------------------------------------------------------------------------------------------


def test_the_workflow_has_few_rights_and_runs_when_it_should(fake: FakeGitHub, maker: Token) -> None:
    init(fake, maker)
    parsed = workflow(fake)
    assert parsed["permissions"] == {}
    jobs = parsed["jobs"]
    assert isinstance(jobs, dict)
    assert list(jobs) == ["update-index"]
    assert jobs["update-index"]["permissions"] == {"contents": "write"}
    assert parsed["concurrency"] == {"group": "pywharf-update-index"}
    on = parsed["on"]
    assert isinstance(on, dict)
    assert set(on) == {"release", "workflow_dispatch", "schedule"}
    assert on["release"] == {"types": ["published", "unpublished", "deleted", "edited"]}
    minute, hour, *daily = on["schedule"][0]["cron"].split()
    assert 0 <= int(minute) < 60
    assert 0 <= int(hour) < 24
    assert daily == ["*", "*", "*"]


def test_repositories_have_their_daily_run_at_different_times(fake: FakeGitHub, maker: Token) -> None:
    init(fake, maker)
    init(fake, maker, "--repo", "others")
    assert workflow(fake)["on"] != workflow(fake, "acme/others")["on"]


@pytest.mark.parametrize("flags", [[], ["--enable_gh_pages", "--pywharf_version", "1.0.0"]])
def test_the_workflow_satisfies_actionlint(fake: FakeGitHub, maker: Token, tmp_path: Path, flags: list[str]) -> None:
    init(fake, maker, "--branch", "it's-$(here)", *flags)
    text = fake.repo("acme/packages").file(WORKFLOW)
    assert text is not None
    path = tmp_path / "update_index.yml"
    path.write_bytes(text)
    lint = subprocess.run(
        [Path(sys.executable).with_name("actionlint"), path], capture_output=True, text=True, check=False
    )
    assert lint.returncode == 0, lint.stdout


def test_an_expression_in_a_branchs_name_never_reaches_the_workflow(fake: FakeGitHub, maker: Token) -> None:
    result = init(fake, maker, "--branch", "a${{secrets.X}}")
    assert (result.exit_code, "${{" in result.stderr) == (1, True)


def test_pages_come_with_a_warning_and_a_job_of_their_own(fake: FakeGitHub, maker: Token) -> None:
    result = init(fake, maker, "--enable_gh_pages")
    assert result.stderr.startswith("warning: a site of GitHub Pages is public")
    pages = fake.repo("acme/packages").pages
    assert pages is not None
    assert pages["build_type"] == "workflow"
    jobs = workflow(fake)["jobs"]
    assert isinstance(jobs, dict)
    assert jobs["pages"]["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}


def test_pages_of_a_public_repository_need_no_warning(fake: FakeGitHub, maker: Token) -> None:
    assert "warning" not in init(fake, maker, "--enable_gh_pages", "--public").stderr


@pytest.mark.slow
def test_the_jobs_of_the_workflow_keep_the_index_and_the_site(
    fake: FakeGitHub, maker: Token, storage_of: StorageOf, tmp_path: Path
) -> None:
    init(fake, maker, "--branch", "it's-$(here)", "--public", "--enable_gh_pages")
    repository = fake.repo("acme/packages")
    storage_of(repository, maker).add_file(*make_upload(tmp_path / "dist"))
    text = repository.file(WORKFLOW)
    assert text is not None
    runner = {
        "GITHUB_REPOSITORY": "acme/packages",
        "GITHUB_REPOSITORY_OWNER": "acme",
        "GITHUB_API_URL": fake.api_url,
    }
    for job, right in (("update-index", "write"), ("pages", "read")):
        token = fake.token(job, kind="actions", rights={"acme/packages": right}, permissions={"contents": right})
        run_steps(
            text,
            job,
            folder=tmp_path,
            expressions={"github.token": token.value},
            env=runner,
            without=['python -m pip install "pywharf[github]>=1.0"'],
        )
    index = repository.file("index.toml", "it's-$(here)")
    assert index is not None
    assert b"holygrail-1.0-py3-none-any.whl" in index
    assert (tmp_path / "site" / "simple" / "holygrail" / "index.html").is_file()
