"""``pywharf github.init_pkg_repo``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pywharf_core import SECRET, Secret, toml_text
from pywharf_github.options import API_URL, GitHubOptions

if TYPE_CHECKING:
    from pywharf_github.package_repository import Plan

_DEFAULTS = GitHubOptions(owner="-", repo="-")


@click.command(
    "init_pkg_repo",
    epilog="Example: pywharf github.init_pkg_repo --name acme-packages --owner acme --repo packages --token -",
)
@click.option("--name", required=True, help="The package repository's name in pywharf's configuration.")
@click.option("--repo", required=True, help="The GitHub repository's name, without its owner.")
@click.option(
    "--token",
    type=SECRET,
    required=True,
    envvar=("PYWHARF_TOKEN", "GITHUB_TOKEN"),
    help="A token that may create repositories and write workflows; `-`: from standard input.",
)
@click.option("--owner", help="A user or organisation. [default: the token's user]")
@click.option("--branch", help="Where the index lies. [default: the repository's default branch]")
@click.option("--index_filename", default=_DEFAULTS.index_filename, show_default=True, help="The index file's path.")
@click.option(
    "--sync_index_interval", type=click.FloatRange(min=0, min_open=True), help="Seconds, for the printed configuration."
)
@click.option("--pywharf_version", help="What the workflow installs. [default: the newest]")
@click.option("--enable_gh_pages", is_flag=True, help="Switch on GitHub Pages for a static index.")
@click.option("--public", is_flag=True, help="A repository that everybody can read; else it is private.")
@click.option("--dry_run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option(
    "--api_url",
    envvar="GITHUB_API_URL",
    default=API_URL,
    show_default=True,
    show_envvar=True,
    help="The REST API's address.",
)
def init_pkg_repo(
    name: str,
    repo: str,
    token: Secret,
    owner: str | None,
    branch: str | None,
    index_filename: str,
    sync_index_interval: float | None,
    pywharf_version: str | None,
    enable_gh_pages: bool,
    public: bool,
    dry_run: bool,
    api_url: str,
) -> None:
    """Make a GitHub repository for packages, with the workflow that keeps its index.

    Prints the configuration for pywharf. Run again after an interruption: what is done is left as it is.
    """
    # Here for start-up speed: PyGithub takes a quarter of a second to import.
    from pywharf_github.client import Connections
    from pywharf_github.package_repository import PackageRepository, Plan, login_of

    connections = Connections(api_url)
    try:
        plan = Plan(
            name=name,
            owner=owner or login_of(connections, token),
            repo=repo,
            branch=branch,
            index_filename=index_filename,
            public=public,
            pages=enable_gh_pages,
            pywharf_version=pywharf_version,
        )
        for step in PackageRepository(connections, plan, token).steps(rehearsal=dry_run):
            mark = ("would " if dry_run else "done: ") if step.needed else "already: "
            click.echo(f"{mark}{step.sentence}", err=True)
    finally:
        connections.close()
    click.echo(_configuration(plan, api_url, sync_index_interval), nl=False)


def _configuration(plan: Plan, api_url: str, interval: float | None) -> str:
    table: dict[str, object] = {"type": "github", "owner": plan.owner, "repo": plan.repo}
    if plan.branch is not None:
        table["branch"] = plan.branch
    if plan.index_filename != _DEFAULTS.index_filename:
        table["index_filename"] = plan.index_filename
    if api_url != API_URL:
        table["api_url"] = api_url
    if interval is not None:
        table["sync_index_interval"] = interval
    admin = {plan.name: {"type": "github", "env": "PYWHARF_ADMIN_TOKEN"}}
    return (
        f"# config.toml\n{toml_text.dumps({plan.name: table})}\n"
        f"# admin_secret.toml (a token that reads, or better writes, this repository, in that variable)\n"
        f"{toml_text.dumps(admin)}"
    )
